/* Calls every function as a careful caller does, and as a careless one; prints what a test compares. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wukong.h>

static void fail(const char *what, const char *answer) {
  fprintf(stderr, "%s: %s\n", what, answer ? answer : "");
  exit(1);
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be opened");
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  /* Exactly as large as the text: whoever reads one byte more is seen by valgrind. */
  char *text = malloc(*length ? *length : 1);
  if (!text || fread(text, 1, *length, file) != *length) fail(path, "cannot be read");
  fclose(file);
  return text;
}

/* An answer must have a status, and hold some words. The status is read after the call, so not in one expression. */
#define EXPECT(call, wanted, words)                                                      \
  do {                                                                                   \
    WukongStatus status = WUKONG_STATUS_INTERNAL;                                        \
    char *answer = call;                                                                 \
    if (!answer || status != (wanted) || !strstr(answer, words)) fail(#call, answer);    \
    wukong_free(answer);                                                                 \
  } while (0)

static char *file;
static size_t file_length;
static char *first;

static void *render_often(void *unused) {
  (void)unused;
  for (int round = 0; round < 4; round++) {
    WukongStatus status = WUKONG_STATUS_INTERNAL;
    char *answer = wukong_render(file, file_length, NULL, 0, &status);
    if (status != WUKONG_STATUS_DONE || strcmp(answer, first) != 0) fail("threads", answer);
    wukong_free(answer);
  }
  return NULL;
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage", "calls FILE FACTS");
  size_t facts_length;
  file = read_file(arguments[1], &file_length);
  char *facts = read_file(arguments[2], &facts_length);

  EXPECT(wukong_version(&status), WUKONG_STATUS_DONE, "\"version\"");
  EXPECT(wukong_validate(file, file_length, NULL, 0, &status), WUKONG_STATUS_DONE, "\"valid\":true");
  EXPECT(wukong_schema(NULL, 0, &status), WUKONG_STATUS_DONE, "json-schema.org");
  EXPECT(wukong_schema("crd: true", 9, &status), WUKONG_STATUS_DONE, "CustomResourceDefinition");
  EXPECT(wukong_plan(file, file_length, facts, facts_length, NULL, 0, &status), WUKONG_STATUS_DONE, "\"Plan\"");
  EXPECT(wukong_status(facts, facts_length, NULL, 0, &status), WUKONG_STATUS_DONE, "\"kind\":\"List\"");
  EXPECT(wukong_locate(facts, facts_length, NULL, 0, &status), WUKONG_STATUS_DONE, "\"items\"");
  const char *move = "{\"machine\": \"web\", \"class\": \"longhorn\"}";
  EXPECT(wukong_migrate_plan(facts, facts_length, move, strlen(move), &status), WUKONG_STATUS_DONE, "\"checks\"");

  /* Careless callers. */
  const WukongStatus bad = WUKONG_STATUS_BAD_REQUEST;
  const char *wrong = "{\"name\": \"\xff\"}";
  char *byte = malloc(1);
  *byte = '{';
  EXPECT(wukong_validate(NULL, 0, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_render(NULL, 9, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_status(NULL, 0, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_locate(NULL, 1, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_plan(file, file_length, NULL, 1, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_schema(NULL, 1, &status), bad, "NULL");
  EXPECT(wukong_migrate_plan(facts, facts_length, NULL, 0, &status), bad, "NULL");
  EXPECT(wukong_render(file, file_length, wrong, strlen(wrong), &status), bad, "not UTF-8 at byte 10");
  EXPECT(wukong_validate(byte, SIZE_MAX, NULL, 0, &status), bad, "64 MiB");
  EXPECT(wukong_validate(byte, (size_t)64 * 1024 * 1024 + 1, NULL, 0, &status), bad, "64 MiB");
  EXPECT(wukong_validate(byte, 1, byte, 1, &status), bad, "\"problems\":[{");
  EXPECT(wukong_status(byte, 1, NULL, 0, &status), bad, "\"problems\":[{");
  EXPECT(wukong_render("kind: Wukong", 12, NULL, 0, &status), WUKONG_STATUS_BAD_FILE, "WK");
  wukong_free(wukong_schema(NULL, 0, NULL));
  wukong_free(wukong_version(NULL));
  wukong_free(NULL);
  free(byte);

  /* Eight threads at once get what one gets. */
  WukongStatus status = WUKONG_STATUS_INTERNAL;
  first = wukong_render(file, file_length, NULL, 0, &status);
  if (status != WUKONG_STATUS_DONE) fail("render", first);
  pthread_t threads[8];
  for (int at = 0; at < 8; at++)
    if (pthread_create(&threads[at], NULL, render_often, NULL) != 0) fail("threads", "cannot be started");
  for (int at = 0; at < 8; at++) pthread_join(threads[at], NULL);
  puts(first);
  wukong_free(first);
  free(file);
  free(facts);
  return 0;
}
