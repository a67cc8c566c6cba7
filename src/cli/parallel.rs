//! Work on many items at once, with results in order.

use std::num::NonZero;
use std::thread;

/// How many items one thread takes at a time: enough that starting it does not count.
const CHUNK: usize = 64;

/// Applies `work` to every item on all processors and hands the results to `consume` in the order of the items.
///
/// Only a few chunks are held at a time, so memory does not grow with the number of items.
///
/// # Errors
/// The first error of `consume`; nothing is consumed after it.
pub(super) fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut consume: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if items.len() <= CHUNK || threads == 1 {
        return items.iter().try_for_each(|item| consume(work(item)));
    }
    for wave in items.chunks(CHUNK * threads) {
        let work = &work;
        let results: Vec<Vec<R>> = thread::scope(|scope| {
            let workers: Vec<_> = wave
                .chunks(CHUNK)
                .map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<_>>()))
                .collect();
            // A panic in a worker is a panic of the whole, as it would be without threads.
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        for result in results.into_iter().flatten() {
            consume(result)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_stop_at_an_error() {
        let items: Vec<_> = (0..1_000).collect();
        let mut seen = Vec::new();
        let end: Result<(), ()> = in_order(
            &items,
            |item| item * 2,
            |result| {
                seen.push(result);
                if seen.len() == 700 { Err(()) } else { Ok(()) }
            },
        );
        assert!(end.is_err());
        assert_eq!(seen, (0..700).map(|item| item * 2).collect::<Vec<_>>());
    }
}
