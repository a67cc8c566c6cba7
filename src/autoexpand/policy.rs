//! When a disk grows, and by how much.

/// What a person may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How full a file system is, in percent, before its disk grows.
    pub threshold: u8,
    /// The step, in percent of what the guest sees now.
    pub step_percent: u32,
    /// The step in bytes; the larger of the two is taken.
    pub step_bytes: u64,
    /// How long a file system has been that full, in seconds, where that can be told.
    pub window: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { threshold: 80, step_percent: 20, step_bytes: 10 << 30, window: 600 }
    }
}

/// Disks are whole mebibytes.
const MEBIBYTE: u64 = 1 << 20;

impl Policy {
    /// Whether a file system is full enough. One without any bytes is not.
    pub fn is_full(&self, used: u64, total: u64) -> bool {
        total > 0 && u128::from(used) * 100 >= u128::from(total) * u128::from(self.threshold)
    }

    /// The next size of a disk whose guest sees so many bytes: larger, a whole number of mebibytes, and never more than
    /// the largest. None if there is no such size.
    pub fn next(&self, seen: u64, largest: Option<u64>) -> Option<u64> {
        let share = u128::from(seen) * u128::from(self.step_percent) / 100;
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        let wanted = seen.saturating_add(share.max(self.step_bytes).max(MEBIBYTE));
        let whole = |bytes: u64| bytes / MEBIBYTE * MEBIBYTE;
        let next = whole(wanted.saturating_add(MEBIBYTE - 1)).min(largest.map_or(u64::MAX, whole));
        (next > seen).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_end_at_the_largest_size() {
        let policy = Policy::default();
        let gibibytes = |count: u64| count << 30;
        let mut sizes = vec![gibibytes(20)];
        while let Some(next) = policy.next(sizes[sizes.len() - 1], Some(gibibytes(45))) {
            sizes.push(next);
        }
        assert_eq!(sizes, [20, 30, 40, 45].map(gibibytes));
        assert_eq!(policy.next(gibibytes(100), None), Some(gibibytes(120)));
    }

    #[test]
    fn full_is_at_the_threshold() {
        let policy = Policy::default();
        assert!(policy.is_full(80, 100) && !policy.is_full(79, 100) && !policy.is_full(0, 0));
        assert!(policy.is_full(u64::MAX, u64::MAX));
    }

    proptest! {
        #[test]
        fn never_shrinks_and_never_passes_the_largest(
            seen: u64, largest: Option<u64>, threshold in 1u8..=100, step_percent: u32, step_bytes: u64,
        ) {
            let policy = Policy { threshold, step_percent, step_bytes, window: 0 };
            if let Some(next) = policy.next(seen, largest) {
                prop_assert!(next > seen);
                prop_assert!(largest.is_none_or(|largest| next <= largest));
                prop_assert_eq!(next % MEBIBYTE, 0);
            }
        }

        #[test]
        fn comes_to_an_end(seen in 0u64..1 << 50, more in 0u64..1 << 44) {
            let policy = Policy::default();
            let largest = seen + more;
            let mut now = seen;
            let mut runs = 0;
            while let Some(next) = policy.next(now, Some(largest)) {
                now = next;
                runs += 1;
                prop_assert!(runs < 20_000);
            }
            prop_assert!(largest - now < MEBIBYTE);
        }
    }
}
