/* Forgets to release an answer: a test that finds no leak in other programs must find this one. */
#include <stdio.h>
#include <wukong.h>

int main(void) {
  WukongStatus status;
  const char *answer = wukong_version(&status);
  printf("%d %c\n", (int)status, answer[0]);
  return 0;
}
