/*
 * libwukong: what a Wukong file means, for every language that can call C.
 *
 * Texts go in as a pointer and a length in bytes, UTF-8, not terminated; they are read during the call and not kept.
 * One JSON text comes out, UTF-8, terminated by NUL; it belongs to the caller, who releases it with wukong_free().
 * It is never NULL.
 *
 * All functions may be called from any thread at any time, also at once: there is no global state, nothing to set up,
 * and equal texts give equal answers. Nothing is read from or written to files, network, environment or clock.
 *
 * NULL for a text that must be there, invalid UTF-8 and texts of more than 64 MiB are errors, not faults. No panic
 * leaves the library: it becomes an answer with WUKONG_STATUS_INTERNAL. A call that finds no memory aborts the process.
 *
 * The functions and their options are described in `cargo doc`, room embed, and in the README, section Embed.
 *
 * Generated from src/capi/src by cbindgen; do not edit.
 */

#ifndef WUKONG_H
#define WUKONG_H

#include <stddef.h>

/**
 * What came of a call. The numbers are the exit codes of `kubectl wukong`.
 */
typedef enum {
  /**
   * Done: the result is what was asked for. With every other status it is `{"error": {"status": …, "message": …,
   * "help": …, "problems": […]}}`.
   */
  WUKONG_STATUS_DONE = 0,
  /**
   * Options or facts cannot be used, or a text is missing, too large or not UTF-8.
   */
  WUKONG_STATUS_BAD_REQUEST = 2,
  /**
   * The Wukong file has errors: they are in `problems`, each with code, line, column and help.
   */
  WUKONG_STATUS_BAD_FILE = 3,
  /**
   * The facts hold no such machine, or were not complete where it matters.
   */
  WUKONG_STATUS_NOT_FOUND = 4,
  /**
   * It is not done, to keep data safe.
   */
  WUKONG_STATUS_REFUSED = 5,
  /**
   * A mistake of the library.
   */
  WUKONG_STATUS_INTERNAL = 70,
} WukongStatus;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library: `{"version": "0.1.0"}`.
 *
 * `status`, if it is not NULL, is set to WUKONG_STATUS_DONE. The result is released with wukong_free().
 *
 * # Safety
 * `status` is NULL or points to a WukongStatus that nobody else uses during the call.
 */
char *wukong_version(WukongStatus *status);

/**
 * Every problem of a Wukong file, as `kubectl wukong validate -o json` prints them: `{"valid": …, "errors": …,
 * "warnings": …, "problems": […]}`. That a file is not valid is an answer: the status is WUKONG_STATUS_DONE.
 *
 * `file` has `file_length` bytes: one or more documents, YAML or JSON. `options` has `options_length` bytes, one mapping,
 * YAML or JSON: `name`, `namespace`, `storagePolicies`; it may be NULL. The result is released with wukong_free().
 *
 * # Safety
 * Each text is NULL or points to as many bytes as its length says, which nobody changes during the call. `status` is
 * NULL or points to a WukongStatus that nobody else uses during the call.
 */
char *wukong_validate(const char *file,
                      size_t file_length,
                      const char *options,
                      size_t options_length,
                      WukongStatus *status);

/**
 * The manifests of a Wukong file: a Kubernetes List with `items`, and warnings in `problems`. The Secret among them
 * holds what cloud-init needs, the hash of a password for one. A file with errors is WUKONG_STATUS_BAD_FILE.
 *
 * `file` and `options` are as for wukong_validate(), with the further options `keepAnnotations`, `secrets`, `yaml` (also
 * `documents`: the text of each item) and `picture` (`svg`, `mermaid` or `dot`: also `picture`, the disks as they would
 * be). The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_render(const char *file,
                    size_t file_length,
                    const char *options,
                    size_t options_length,
                    WukongStatus *status);

/**
 * The JSON Schema of a Wukong file; with the option `crd: true` a CustomResourceDefinition.
 *
 * `options` has `options_length` bytes and may be NULL. The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_schema(const char *options, size_t options_length, WukongStatus *status);

/**
 * What applying a file would change, as `kubectl wukong diff -o json` prints it.
 *
 * `file` is as for wukong_validate(). `facts` has `facts_length` bytes, YAML or JSON: `{"kind": "WukongFacts", "version":
 * 1, "whole": true, "time": SECONDS, "objects": […], "unread": []}`, with the whole objects of the namespaces of the file.
 * `options`, which may be NULL, takes those of wukong_validate() and `adopt`, `strictImage`, `prune`, `forceConflicts`,
 * `start`, `stop`. The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_plan(const char *file,
                  size_t file_length,
                  const char *facts,
                  size_t facts_length,
                  const char *options,
                  size_t options_length,
                  WukongStatus *status);

/**
 * How machines are, as `kubectl wukong status -o json` prints it.
 *
 * `facts` has `facts_length` bytes: what `kubectl wukong status --save-facts FILE` writes. `options`, which may be NULL,
 * takes `names`, `namespace`, `allVms` and `now`, in seconds since 1970. The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_status(const char *facts,
                    size_t facts_length,
                    const char *options,
                    size_t options_length,
                    WukongStatus *status);

/**
 * Where the bytes of machines lie and what would destroy them, as `kubectl wukong where-is-my-data -o json` prints it.
 *
 * `facts` is as for wukong_status(), or what `where-is-my-data --save-facts FILE` writes. `options`, which may be NULL,
 * takes `names`, `namespace`, `allVms`, `if` and `picture`. The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_locate(const char *facts,
                    size_t facts_length,
                    const char *options,
                    size_t options_length,
                    WukongStatus *status);

/**
 * What a move of a machine would do: its checklist, disks and steps; without `node` and `class`, what is possible.
 *
 * `facts` is as for wukong_locate(). `options` must name the `machine`, and takes `namespace`, `node`, `class`, `disks`,
 * `accessMode`, `volumeMode`, `offline`, `unmanagedOk` and `now`. The result is released with wukong_free().
 *
 * # Safety
 * As for wukong_validate().
 */
char *wukong_migrate_plan(const char *facts,
                          size_t facts_length,
                          const char *options,
                          size_t options_length,
                          WukongStatus *status);

/**
 * Releases the result of another function, once. NULL is allowed.
 *
 * # Safety
 * `answer` is NULL or came from a function of this library, was not released and not changed, and is not used any more.
 */
void wukong_free(char *answer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* WUKONG_H */
