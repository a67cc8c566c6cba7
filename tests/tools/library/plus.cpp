// The header serves C++ as well.
#include <iostream>
#include <memory>
#include <wukong.h>

int main() {
  WukongStatus status;
  std::unique_ptr<char, decltype(&wukong_free)> answer(wukong_version(&status), wukong_free);
  std::cout << answer.get() << "\n";
  return status == WUKONG_STATUS_DONE ? 0 : 1;
}
