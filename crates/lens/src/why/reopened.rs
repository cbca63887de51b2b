//! What goes again because the window had been closed when it left, and has opened (RFC 9293 §3.8.6.1): it was refused,
//! not lost.
//!
//! What is *not* here: the byte of a window probe, which the verdicts do not count as sent, and new text that had waited.

use super::{Confidence, Evidence, Scene, Sender, Why};
use tcp::SendReason;

/// What a sender does because of a window update follows it within this time.
const AT_ONCE_NS: u64 = 2_000_000;

/// `None` unless the text was sent into a closed window and goes again with the update that opens it.
pub(super) fn why_reopened(scene: &Scene<'_>, from: &mut Sender) -> Option<Why> {
    let closed = scene.reopened?;
    let earlier = scene.prior.earlier?;
    let was_refused = (closed.since_ns..=closed.until_ns).contains(&earlier.time_ns);
    let at_una = scene.prior.acknowledged == Some(scene.segment.seq);
    let is_told_of_loss = scene.other.duplicate_acks > 0 || !scene.other.sack().is_empty();
    if !was_refused || !at_una || is_told_of_loss {
        return None;
    }
    let since_ns = scene.segment.time.as_nanos().saturating_sub(closed.until_ns);
    let slack_ns = if scene.is_near { AT_ONCE_NS } else { (scene.rtt_ns / 2).max(AT_ONCE_NS) };
    if since_ns > scene.turn_ns + slack_ns {
        return None;
    }
    let loss = from.loss.get_or_insert_default();
    loss.counts.recovery += 1;
    loss.push(scene.segment, SendReason::WindowReopened);
    let confidence = if scene.is_near { Confidence::HIGH } else { Confidence::LIKELY };
    let why = Why::new(SendReason::WindowReopened, confidence).or(SendReason::Timeout);
    Some(why.by(Evidence::SEEN_BEFORE | Evidence::TIMING))
}

#[cfg(test)]
mod tests {
    use crate::story::{ACK, Story};
    use tcp::SendReason;

    /// The receiver takes some text and closes its window.
    fn closed() -> Story {
        let mut story = Story::open();
        story.send(0, ACK, 1_000);
        story.window[1] = 0;
        story.wait_ms(20).send(1, ACK, 0);
        story
    }

    /// Text that the receiver does not take; its number.
    fn refused(story: &mut Story, text_bytes: u32) -> u32 {
        let (first, acked) = (story.next[0], story.received[1]);
        story.lose(0, ACK, text_bytes);
        story.received[1] = acked;
        first
    }

    /// The receiver closes its window, and the sender asks with a byte of text.
    fn asked() -> (Story, u32) {
        let mut story = closed();
        let first = refused(story.wait_ms(300), 1);
        story.wait_ms(20).send(1, ACK, 0);
        (story, first)
    }

    fn reason(story: &Story) -> SendReason {
        story.told().last().why.reason
    }

    #[test]
    fn text_that_was_refused_goes_again_when_the_window_opens() {
        let mut story = closed();
        let first = refused(&mut story, 1_000);
        story.window[1] = 60_000;
        story.wait_ms(100).send(1, ACK, 0);
        story.again(0, first, ACK, 1_000);
        let told = story.told();
        assert_eq!(told.last().why.reason, SendReason::WindowReopened);
        assert_eq!(told.connection().directions[0].retransmissions.timeout, 0);
    }

    #[test]
    fn what_goes_later_goes_by_the_timer() {
        let (mut story, first) = asked();
        story.window[1] = 60_000;
        story.wait_ms(100).send(1, ACK, 0);
        story.wait_ms(400).again(0, first, ACK, 1);
        assert_ne!(reason(&story), SendReason::WindowReopened);
    }

    #[test]
    fn what_was_sent_while_the_window_was_open_was_lost() {
        let mut story = Story::open();
        let first = refused(&mut story, 1_000);
        story.window[1] = 0;
        story.wait_ms(20).send(1, ACK, 0);
        story.window[1] = 60_000;
        story.wait_ms(300).send(1, ACK, 0);
        story.again(0, first, ACK, 1_000);
        assert_ne!(reason(&story), SendReason::WindowReopened);
    }

    #[test]
    fn a_window_that_stays_closed_or_never_was_reopens_nothing() {
        let (mut story, first) = asked();
        story.wait_ms(500).send(1, ACK, 0);
        story.again(0, first, ACK, 1);
        assert_ne!(reason(&story), SendReason::WindowReopened);
        let mut story = Story::open();
        let first = refused(&mut story, 1_000);
        story.wait_ms(20).send(1, ACK, 0);
        story.again(0, first, ACK, 1_000);
        assert_ne!(reason(&story), SendReason::WindowReopened);
    }
}
