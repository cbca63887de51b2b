//! What senders could do when the capture was made. Its clock tells: nobody did before it was invented.

/// The 1st of January 1990: earlier times are those of a simulation, or of a clock that was never set.
const CLOCK_IS_SET_NS: u64 = 631_152_000_000_000_000;
/// Linux 3.10, 30 June 2013: the first that probes its tails (RFC 8985 §7).
const PROBES_NS: u64 = 1_372_550_400_000_000_000;
/// Linux 4.4, 10 January 2016: the first with a timer for what may only be late (RFC 8985 §6).
const REORDER_TIMER_NS: u64 = 1_452_384_000_000_000_000;

/// Somebody may probe a tail at this time.
pub(crate) fn has_probes(time_ns: u64) -> bool {
    !(CLOCK_IS_SET_NS..PROBES_NS).contains(&time_ns)
}

/// Somebody may have the timer for what may only be late at this time.
pub(crate) fn has_reorder_timer(time_ns: u64) -> bool {
    !(CLOCK_IS_SET_NS..REORDER_TIMER_NS).contains(&time_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulations_and_the_present_have_all_of_it_and_2010_nothing() {
        let in_2010_ns = 1_285_864_016_000_000_000;
        assert!(!has_probes(in_2010_ns) && !has_reorder_timer(in_2010_ns));
        for time_ns in [0, 5_000_000_000, 1_796_070_515_000_000_000] {
            assert!(has_probes(time_ns) && has_reorder_timer(time_ns));
        }
        let in_2014_ns = 1_400_000_000_000_000_000;
        assert!(has_probes(in_2014_ns) && !has_reorder_timer(in_2014_ns));
    }
}
