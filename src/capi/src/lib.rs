//! The C library: pointers and lengths in, a text out. What a call means is in `wukong::embed`; here is only what makes
//! it safe to call from another language.

mod answer;
#[cfg(target_family = "wasm")]
mod memory;
#[cfg(test)]
mod tests;
mod text;

use std::ffi::{CString, c_char};

use pure::embed;

pub use answer::WukongStatus;
use answer::guarded;
use text::{optional, required};

/// The version of the library: `{"version": "0.1.0"}`.
///
/// `status`, if it is not NULL, is set to WUKONG_STATUS_DONE. The result is released with wukong_free().
///
/// # Safety
/// `status` is NULL or points to a WukongStatus that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_version(status: *mut WukongStatus) -> *mut c_char {
    // SAFETY: as above.
    unsafe { guarded(status, || Ok(embed::version())) }
}

/// Every problem of a Wukong file, as `kubectl wukong validate -o json` prints them: `{"valid": …, "errors": …,
/// "warnings": …, "problems": […]}`. That a file is not valid is an answer: the status is WUKONG_STATUS_DONE.
///
/// `file` has `file_length` bytes: one or more documents, YAML or JSON. `options` has `options_length` bytes, one mapping,
/// YAML or JSON: `name`, `namespace`, `storagePolicies`; it may be NULL. The result is released with wukong_free().
///
/// # Safety
/// Each text is NULL or points to as many bytes as its length says, which nobody changes during the call. `status` is
/// NULL or points to a WukongStatus that nobody else uses during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_validate(
    file: *const c_char,
    file_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let (file, options) = (required("file", file, file_length)?, optional("options", options, options_length)?);
            Ok(embed::validate(file, options))
        })
    }
}

/// The manifests of a Wukong file: a Kubernetes List with `items`, and warnings in `problems`. The Secret among them
/// holds what cloud-init needs, the hash of a password for one. A file with errors is WUKONG_STATUS_BAD_FILE.
///
/// `file` and `options` are as for wukong_validate(), with the further options `keepAnnotations`, `secrets`, `yaml` (also
/// `documents`: the text of each item) and `picture` (`svg`, `mermaid` or `dot`: also `picture`, the disks as they would
/// be). The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_render(
    file: *const c_char,
    file_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let (file, options) = (required("file", file, file_length)?, optional("options", options, options_length)?);
            Ok(embed::render(file, options))
        })
    }
}

/// The JSON Schema of a Wukong file; with the option `crd: true` a CustomResourceDefinition.
///
/// `options` has `options_length` bytes and may be NULL. The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_schema(
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe { guarded(status, || Ok(embed::schema(optional("options", options, options_length)?))) }
}

/// What applying a file would change, as `kubectl wukong diff -o json` prints it.
///
/// `file` is as for wukong_validate(). `facts` has `facts_length` bytes, YAML or JSON: `{"kind": "WukongFacts", "version":
/// 1, "whole": true, "time": SECONDS, "objects": […], "unread": []}`, with the whole objects of the namespaces of the file.
/// `options`, which may be NULL, takes those of wukong_validate() and `adopt`, `strictImage`, `prune`, `forceConflicts`,
/// `start`, `stop`. The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_plan(
    file: *const c_char,
    file_length: usize,
    facts: *const c_char,
    facts_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let (file, facts) = (required("file", file, file_length)?, required("facts", facts, facts_length)?);
            Ok(embed::plan(file, facts, optional("options", options, options_length)?))
        })
    }
}

/// How machines are, as `kubectl wukong status -o json` prints it.
///
/// `facts` has `facts_length` bytes: what `kubectl wukong status --save-facts FILE` writes. `options`, which may be NULL,
/// takes `names`, `namespace`, `allVms` and `now`, in seconds since 1970. The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_status(
    facts: *const c_char,
    facts_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let facts = required("facts", facts, facts_length)?;
            Ok(embed::status(facts, optional("options", options, options_length)?))
        })
    }
}

/// Where the bytes of machines lie and what would destroy them, as `kubectl wukong where-is-my-data -o json` prints it.
///
/// `facts` is as for wukong_status(), or what `where-is-my-data --save-facts FILE` writes. `options`, which may be NULL,
/// takes `names`, `namespace`, `allVms`, `if` and `picture`. The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_locate(
    facts: *const c_char,
    facts_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let facts = required("facts", facts, facts_length)?;
            Ok(embed::locate(facts, optional("options", options, options_length)?))
        })
    }
}

/// What a move of a machine would do: its checklist, disks and steps; without `node` and `class`, what is possible.
///
/// `facts` is as for wukong_locate(). `options` must name the `machine`, and takes `namespace`, `node`, `class`, `disks`,
/// `accessMode`, `volumeMode`, `offline`, `unmanagedOk` and `now`. The result is released with wukong_free().
///
/// # Safety
/// As for wukong_validate().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_migrate_plan(
    facts: *const c_char,
    facts_length: usize,
    options: *const c_char,
    options_length: usize,
    status: *mut WukongStatus,
) -> *mut c_char {
    // SAFETY: as above.
    unsafe {
        guarded(status, || {
            let facts = required("facts", facts, facts_length)?;
            Ok(embed::migrate_plan(facts, required("options", options, options_length)?))
        })
    }
}

/// Releases the result of another function, once. NULL is allowed.
///
/// # Safety
/// `answer` is NULL or came from a function of this library, was not released and not changed, and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wukong_free(answer: *mut c_char) {
    if !answer.is_null() {
        // SAFETY: it came from `CString::into_raw`, as above.
        drop(unsafe { CString::from_raw(answer) });
    }
}
