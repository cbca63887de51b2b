//! The Timestamps option of a connection: protection against wrapped sequence numbers, the timestamp to be
//! echoed, and the clock that we announce (RFC 7323 §4.3, §5).
//!
//! Both halves need it, so it belongs to neither: the connection lends it. What an echo says about
//! round-trip times is in `acknowledged.rs`.

use crate::refusal::Refused;
use crate::segment::Segment;
use crate::{Config, Instant, Refusal, SendReason};
use core::num::NonZeroU32;
use wire::Seq;

/// TS.Recent is not believed after 24 days (RFC 7323 §5.5).
const TIMESTAMP_AGE_S_MAX: u32 = 24 * 86_400;

/// The Timestamps option's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimestampState {
    /// Added to our clock.
    pub(crate) offset: u32,
    /// TS.Recent.
    pub(crate) recent: u32,
    /// When TS.Recent was set, in seconds of the driver's clock and one: it ages after 24 days (§5.5). `None` while
    /// the option is not agreed upon.
    recent_at_s: Option<NonZeroU32>,
}

impl TimestampState {
    /// Nothing is agreed upon yet; `offset` is added to our clock.
    pub(crate) const fn new(offset: u32) -> Self {
        TimestampState { offset, recent: 0, recent_at_s: None }
    }

    /// The peer's SYN has the option, with `value` in it, and we want it too.
    pub(crate) fn agree(&mut self, now: Instant, value: u32) {
        self.remember(now, value);
    }

    /// Nothing is agreed upon any more.
    pub(crate) fn forget(&mut self) {
        self.recent_at_s = None;
    }

    /// Every segment has the option.
    pub(crate) const fn agreed(&self) -> bool {
        self.recent_at_s.is_some()
    }

    /// TSval: milliseconds on the driver's clock, shifted so that they say nothing (RFC 7323 §5.4).
    pub(crate) fn clock(&self, now: Instant) -> u32 {
        (now.as_millis() as u32).wrapping_add(self.offset)
    }

    /// PAWS: a segment with a timestamp older than one already seen is a leftover (RFC 7323 §5.3, R1). Text may be as
    /// old as `oldest_text`, if there is such a limit: see [`crate::receiver::Receiver::oldest_stamp`].
    pub(crate) fn check(
        &self,
        now: Instant,
        segment: &Segment,
        config: &Config,
        oldest_text: Option<u32>,
    ) -> Result<(), Refused> {
        if !self.agreed() || segment.header.flags.rst() {
            return Ok(());
        }
        let Some(stamps) = segment.header.options.timestamps else {
            // RFC 7323 §3.2 speaks of a connection's segments: a SYN in SYN-RECEIVED is another attempt to open one.
            if config.missing_timestamps_tolerated || segment.header.flags.syn() {
                return Ok(());
            }
            return Err(Refused::silently(Refusal::MissingTimestamp));
        };
        let has_text = !segment.payload.is_empty() && !config.habits.late_text_is_old();
        let oldest = oldest_text.filter(|_| has_text).unwrap_or(self.recent);
        if self.believes_recent(now) && Seq::new(stamps.value).before(Seq::new(oldest)) {
            if segment.payload.is_empty() && config.habits.old_timestamp_alone_is_not_answered() {
                return Err(Refused::silently(Refusal::OldTimestamp));
            }
            return Err(Refused::with_ack(Refusal::OldTimestamp, SendReason::OutOfWindowAck));
        }
        Ok(())
    }

    /// RFC 7323 §4.3: TS.Recent follows the segment that the next acknowledgment will answer.
    /// `last_ack_sent` is Last.ACK.sent.
    pub(crate) fn update(&mut self, now: Instant, segment: &Segment, last_ack_sent: Seq) {
        if let Some(stamps) = segment.header.options.timestamps.filter(|_| self.agreed())
            && segment.header.seq.at_or_before(last_ack_sent)
            && !(self.believes_recent(now) && Seq::new(stamps.value).before(Seq::new(self.recent)))
        {
            self.remember(now, stamps.value);
        }
    }

    /// RFC 7323 §5.5: TS.Recent is not too old to say what "older" means.
    fn believes_recent(&self, now: Instant) -> bool {
        let age_s = |at: NonZeroU32| seconds(now).get().wrapping_sub(at.get());
        self.recent_at_s.is_some_and(|at| age_s(at) < TIMESTAMP_AGE_S_MAX)
    }

    fn remember(&mut self, now: Instant, value: u32) {
        (self.recent, self.recent_at_s) = (value, Some(seconds(now)));
    }
}

/// Seconds on the driver's clock, and one.
fn seconds(now: Instant) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(now.as_secs() as u32)
}
