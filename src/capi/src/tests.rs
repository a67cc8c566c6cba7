//! What a caller in C may do wrong, and a panic.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::*;
use crate::answer::guarded;

/// Calls and releases, as a caller does.
fn told(call: impl FnOnce(*mut WukongStatus) -> *mut c_char) -> (WukongStatus, String) {
    let mut status = WukongStatus::Internal;
    let answer = call(&raw mut status);
    // SAFETY: every function gives a text that ends with NUL.
    let text = unsafe { CStr::from_ptr(answer) }.to_str().unwrap().to_owned();
    // SAFETY: it came from this library, and is not used any more.
    unsafe { wukong_free(answer) };
    (status, text)
}

#[test]
fn no_panic_leaves_the_library() {
    // SAFETY: the status is one.
    let (status, text) = told(|status| unsafe { guarded(status, || panic!("hunter2")) });
    assert_eq!(status, WukongStatus::Internal);
    assert!(text.contains("\"internal\"") && !text.contains("hunter2"), "{text}");
}

/// The message of a panic may quote a password; the caller's standard error is no place for it.
#[test]
fn a_panic_says_nothing() {
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let output = again.args(["--exact", "tests::no_panic_leaves_the_library", "--nocapture"]).output().unwrap();
    let told = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(told.contains("1 passed") && !told.contains("hunter2"), "{told}");
}

#[test]
fn what_is_no_text_is_refused_before_it_is_looked_at() {
    let byte = b"a".as_ptr().cast::<c_char>();
    for (data, length, says) in [
        (ptr::null(), 0, "is NULL"),
        (ptr::null(), 1, "is NULL"),
        // Whoever looked at these bytes would be outside of the text.
        (byte, usize::MAX, "larger than 64 MiB"),
        (byte, embed::MAX_BYTES + 1, "larger than 64 MiB"),
        (b"a\xff".as_ptr().cast(), 2, "not UTF-8 at byte 1"),
    ] {
        // SAFETY: a pointer to fewer bytes than said is not followed, which is what is tested.
        let (status, text) = told(|status| unsafe { wukong_render(data, length, ptr::null(), 0, status) });
        assert!(status == WukongStatus::BadRequest && text.contains(says), "{text}");
    }
    // SAFETY: a status is optional.
    unsafe { wukong_free(wukong_schema(ptr::null(), 0, ptr::null_mut())) };
}

#[test]
fn numbers_are_those_of_the_pure_library() {
    use embed::Status;
    for status in [Status::Done, Status::BadRequest, Status::BadFile, Status::NotFound, Status::Refused] {
        let here = WukongStatus::from(status);
        #[expect(clippy::as_conversions, reason = "the number of an enum")]
        let number = here as i32;
        assert_eq!(number, status.code());
    }
}
