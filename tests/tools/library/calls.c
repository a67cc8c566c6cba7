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

/* Takes an answer that must have a status, and hold some words. */
static void expect(const char *what, char *answer, WukongStatus status, WukongStatus wanted, const char *words) {
  if (!answer) fail(what, "NULL");
  if (status != wanted || !strstr(answer, words)) fail(what, answer);
  wukong_free(answer);
}

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
  WukongStatus status;

  char *version = wukong_version(&status);
  expect("version", version, status, WUKONG_STATUS_DONE, "\"version\"");
  char *answer = wukong_validate(file, file_length, NULL, 0, &status);
  expect("validate", answer, status, WUKONG_STATUS_DONE, "\"valid\":true");
  answer = wukong_schema(NULL, 0, &status);
  expect("schema", answer, status, WUKONG_STATUS_DONE, "json-schema.org");
  answer = wukong_schema("crd: true", 9, &status);
  expect("schema", answer, status, WUKONG_STATUS_DONE, "CustomResourceDefinition");
  answer = wukong_plan(file, file_length, facts, facts_length, NULL, 0, &status);
  expect("plan", answer, status, WUKONG_STATUS_DONE, "\"kind\":\"Plan\"");
  answer = wukong_status(facts, facts_length, NULL, 0, &status);
  expect("status", answer, status, WUKONG_STATUS_DONE, "\"kind\":\"List\"");
  answer = wukong_locate(facts, facts_length, NULL, 0, &status);
  expect("locate", answer, status, WUKONG_STATUS_DONE, "\"items\"");
  const char *move = "{\"machine\": \"web\", \"class\": \"longhorn\"}";
  answer = wukong_migrate_plan(facts, facts_length, move, strlen(move), &status);
  expect("migrate_plan", answer, status, WUKONG_STATUS_DONE, "\"checks\"");

  /* Careless callers. */
  const char *wrong = "{\"name\": \"\xff\"}";
  char *byte = malloc(1);
  *byte = '{';
  expect("null file", wukong_validate(NULL, 0, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "NULL");
  expect("null file", wukong_render(NULL, 9, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "NULL");
  expect("null facts", wukong_status(NULL, 0, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "NULL");
  expect("null facts", wukong_locate(NULL, 1, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "NULL");
  expect("null facts", wukong_plan(file, file_length, NULL, 1, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST,
         "NULL");
  expect("null options", wukong_schema(NULL, 1, &status), status, WUKONG_STATUS_BAD_REQUEST, "NULL");
  expect("null options", wukong_migrate_plan(facts, facts_length, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST,
         "NULL");
  expect("no text", wukong_render(file, file_length, wrong, strlen(wrong), &status), status, WUKONG_STATUS_BAD_REQUEST,
         "not UTF-8 at byte 10");
  expect("huge", wukong_validate(byte, SIZE_MAX, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "64 MiB");
  expect("huge", wukong_validate(byte, (size_t)64 * 1024 * 1024 + 1, NULL, 0, &status), status,
         WUKONG_STATUS_BAD_REQUEST, "64 MiB");
  expect("one byte", wukong_validate(byte, 1, byte, 1, &status), status, WUKONG_STATUS_BAD_REQUEST, "\"problems\":[{");
  expect("one byte", wukong_status(byte, 1, NULL, 0, &status), status, WUKONG_STATUS_BAD_REQUEST, "\"problems\":[{");
  expect("bad file", wukong_render("kind: Wukong", 12, NULL, 0, &status), status, WUKONG_STATUS_BAD_FILE, "WK");
  wukong_free(wukong_schema(NULL, 0, NULL));
  wukong_free(wukong_version(NULL));
  wukong_free(NULL);
  free(byte);

  /* Eight threads at once get what one gets. */
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
