//! What leaves the library.

use std::cell::Cell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use pure::embed::{Answer, Status};

/// What came of a call. The numbers are the exit codes of `kubectl wukong`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum WukongStatus {
    /// Done: the result is what was asked for. With every other status it is `{"error": {"status": …, "message": …,
    /// "help": …, "problems": […]}}`.
    Done = 0,
    /// Options or facts cannot be used, or a text is missing, too large or not UTF-8.
    BadRequest = 2,
    /// The Wukong file has errors: they are in `problems`, each with code, line, column and help.
    BadFile = 3,
    /// The facts hold no such machine, or were not complete where it matters.
    NotFound = 4,
    /// It is not done, to keep data safe.
    Refused = 5,
    /// A mistake of the library.
    Internal = 70,
}

impl From<Status> for WukongStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::Done,
            Status::BadRequest => Self::BadRequest,
            Status::BadFile => Self::BadFile,
            Status::NotFound => Self::NotFound,
            Status::Refused => Self::Refused,
        }
    }
}

/// The answer to a call that panicked. It says nothing of the panic, whose message may quote the input.
const PANICKED: &std::ffi::CStr = c"{\"error\":{\"status\":\"internal\",\"message\":\"a mistake of the library\",\
    \"help\":\"report it with the texts of the call\",\"problems\":[]}}";

thread_local! {
    /// Whether this thread answers a call.
    static ANSWERS: Cell<bool> = const { Cell::new(false) };
}

/// Rust prints the message of a panic before it is caught. What panics outside of a call is told of as before.
fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !ANSWERS.get() {
                before(panic);
            }
        }));
    });
}

/// Answers a call, whatever happens in it. Safe to unwind from: a call shares nothing with another one.
///
/// # Safety
/// `status` is NULL or points to a status that nobody else uses.
pub(crate) unsafe fn guarded(status: *mut WukongStatus, call: impl FnOnce() -> Result<Answer, Answer>) -> *mut c_char {
    keep_panics_quiet();
    ANSWERS.set(true);
    let answered = catch_unwind(AssertUnwindSafe(|| {
        let answer = call().unwrap_or_else(|refused| refused);
        // JSON has no NUL: it would be escaped.
        CString::new(answer.json).map(|json| (answer.status.into(), json)).ok()
    }));
    ANSWERS.set(false);
    let (came, json) = answered.ok().flatten().unwrap_or_else(|| (WukongStatus::Internal, PANICKED.to_owned()));
    if !status.is_null() {
        // SAFETY: as above. Nothing is read: it may not have been set.
        unsafe { status.write(came) };
    }
    json.into_raw()
}
