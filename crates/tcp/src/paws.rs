//! Protection against wrapped sequence numbers, and the timestamp to be echoed (RFC 7323 §4.3, §5).
//!
//! What the echo tells the sender of round-trip times is in `acknowledged.rs`.

use crate::connection::Connection;
use crate::refusal::Refused;
use crate::segment::Segment;
use crate::{Instant, Refusal, SendReason};
use wire::Seq;

/// TS.Recent is not believed after 24 days (RFC 7323 §5.5).
const TIMESTAMP_AGE_S_MAX: u32 = 24 * 86_400;

impl Connection {
    /// PAWS: a segment with a timestamp older than one already seen is a leftover (RFC 7323 §5.3, R1).
    pub(crate) fn check_timestamps(&mut self, now: Instant, segment: &Segment) -> Result<(), Refused> {
        if !self.timestamps.agreed || segment.header.flags.rst() {
            return Ok(());
        }
        let Some(stamps) = segment.header.options.timestamps else {
            if self.config.missing_timestamps_tolerated {
                return Ok(());
            }
            return Err(Refused::silently(Refusal::MissingTimestamp));
        };
        let recent = Seq::new(self.timestamps.recent);
        if self.believes_timestamp(now) && Seq::new(stamps.value).before(recent) {
            if segment.payload.is_empty() && self.config.habits.old_timestamp_alone_is_not_answered() {
                return Err(Refused::silently(Refusal::OldTimestamp));
            }
            return Err(Refused::with_ack(Refusal::OldTimestamp, SendReason::OutOfWindowAck));
        }
        Ok(())
    }

    /// RFC 7323 §5.5: TS.Recent is not too old to say what "older" means.
    fn believes_timestamp(&self, now: Instant) -> bool {
        (now.as_secs() as u32).wrapping_sub(self.timestamps.recent_at_s) < TIMESTAMP_AGE_S_MAX
    }

    /// RFC 7323 §4.3: TS.Recent follows the segment that the next acknowledgment will answer.
    pub(crate) fn update_timestamp(&mut self, now: Instant, segment: &Segment) {
        if let Some(stamps) = segment.header.options.timestamps.filter(|_| self.timestamps.agreed)
            && segment.header.seq.at_or_before(self.rcv.acked)
            && !(self.believes_timestamp(now)
                && Seq::new(stamps.value).before(Seq::new(self.timestamps.recent)))
        {
            (self.timestamps.recent, self.timestamps.recent_at_s) = (stamps.value, now.as_secs() as u32);
        }
    }
}
