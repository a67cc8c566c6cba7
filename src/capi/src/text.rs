//! What enters the library.

use std::ffi::c_char;
use std::slice;

use pure::embed::{Answer, MAX_BYTES};

/// A text that may be NULL, which is an empty one.
///
/// # Safety
/// `data` is NULL or points to `length` bytes that live as long as the result is used, and do not change.
pub(crate) unsafe fn optional<'a>(name: &str, data: *const c_char, length: usize) -> Result<&'a str, Answer> {
    if data.is_null() {
        return if length == 0 { Ok("") } else { Err(missing(name)) };
    }
    // Before anything is looked at: such a length is a mistake more often than a text.
    if length > MAX_BYTES {
        let message = format!("the text `{name}` is larger than {} MiB", MAX_BYTES >> 20);
        return Err(Answer::bad_request(&message, "split it"));
    }
    // SAFETY: as above, and a length that no allocation exceeds.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map_err(|error| {
        let message = format!("the text `{name}` is not UTF-8 at byte {}", error.valid_up_to());
        Answer::bad_request(&message, "convert it to UTF-8")
    })
}

/// A text that must be there.
///
/// # Safety
/// As for [`optional`].
pub(crate) unsafe fn required<'a>(name: &str, data: *const c_char, length: usize) -> Result<&'a str, Answer> {
    if data.is_null() {
        return Err(missing(name));
    }
    // SAFETY: as above.
    unsafe { optional(name, data, length) }
}

fn missing(name: &str) -> Answer {
    Answer::bad_request(&format!("the text `{name}` is NULL"), "give a pointer to the text, and its length in bytes")
}
