//! Round trips counted by packets (§ "BBR.round_count"): one ends when something is acknowledged that was sent after
//! the last one ended.

/// The rounds of a connection. Counts wrap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    count: u32,
    /// BBR.next_round_delivered.
    next_delivered: u32,
    /// BBR.round_start: the latest acknowledgment ended one.
    is_start: bool,
}

impl Rounds {
    /// InitRoundCounting; so much was delivered before.
    pub(super) fn new(delivered: u32) -> Self {
        Rounds { count: 0, next_delivered: delivered, is_start: false }
    }

    /// BBR.round_count.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn is_start(&self) -> bool {
        self.is_start
    }

    /// StartRound: the next one ends when something is acknowledged that is sent from now on.
    pub(super) fn restart(&mut self, delivered: u32) {
        self.next_delivered = delivered;
    }

    /// UpdateRound: something was acknowledged that left when `prior_delivered` had been delivered. Says whether a round
    /// ended.
    pub(super) fn update(&mut self, prior_delivered: u32, delivered: u32) -> bool {
        self.is_start = is_at_or_past(prior_delivered, self.next_delivered);
        if self.is_start {
            self.next_delivered = delivered;
            self.count = self.count.wrapping_add(1);
        }
        self.is_start
    }
}

/// Whether a counter that wraps has come to a mark.
pub(super) fn is_at_or_past(counter: u32, mark: u32) -> bool {
    counter.wrapping_sub(mark) as i32 >= 0
}
