//! Memory for a caller that has none of its own in here: a web page.

use std::alloc::{Layout, alloc, dealloc};

/// Room for a text of `length` bytes, for the caller to write it; NULL if there is none. Released with
/// wukong_release() and the same length.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn wukong_alloc(length: usize) -> *mut u8 {
    match Layout::array::<u8>(length.max(1)) {
        // SAFETY: the size is not zero.
        Ok(layout) => unsafe { alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Releases what wukong_alloc() gave.
///
/// # Safety
/// `text` came from wukong_alloc() with this length, and is not used any more.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn wukong_release(text: *mut u8, length: usize) {
    if let Ok(layout) = Layout::array::<u8>(length.max(1)) {
        // SAFETY: as above.
        unsafe { dealloc(text, layout) }
    }
}
