//! What waits: a runtime, pauses, and the person's Ctrl-C.

use std::io;
use std::time::Duration;

/// Runs what waits.
#[derive(Debug)]
pub struct Runtime(tokio::runtime::Runtime);

impl Runtime {
    /// Starts it.
    ///
    /// # Errors
    /// Those of the system, which has no threads left.
    pub fn new() -> io::Result<Self> {
        tokio::runtime::Runtime::new().map(Self)
    }

    /// Waits for something.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }
}

/// Waits for a time.
pub(super) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits for Ctrl-C; for ever where that cannot be heard.
pub(super) async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Does something again and again until the person's Ctrl-C, or until it fails.
///
/// # Errors
/// Those of what is done.
pub async fn paced<E>(pace: Duration, mut once: impl AsyncFnMut() -> Result<(), E>) -> Result<(), E> {
    let repeat = async {
        loop {
            once().await?;
            pause(pace).await;
        }
    };
    tokio::select! {
        ended = repeat => ended,
        () = interrupted() => Ok(()),
    }
}
