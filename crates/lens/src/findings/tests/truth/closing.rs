//! Closes and resets.

use super::{Case, fresh, later, opened, silent, told};
use crate::FindingId as Id;
use crate::story::{ACK, FIN, RST, SYN, Story};

fn fins(again: u32) -> Story {
    opened(|story| {
        let fin = story.next[0];
        story.lose(0, FIN | ACK, 0);
        (0..again).for_each(|n| _ = story.wait_ms(300 << n).again(0, fin, FIN | ACK, 0));
    })
}

fn closed() -> Story {
    opened(|story| {
        story.send(0, FIN | ACK, 0);
        story.send(1, FIN | ACK, 0);
        story.send(0, ACK, 0);
    })
}

fn half_closed(for_ms: u64, texts: u32, closes: bool) -> Story {
    opened(|story| {
        story.send(0, FIN | ACK, 0);
        story.wait_ms(20).send(1, ACK, 0);
        for _ in 0..texts {
            story.wait_ms(for_ms / 2 / u64::from(texts)).send(1, ACK, 500);
            story.send(0, ACK, 0);
        }
        story.wait_ms(if texts > 0 { for_ms / 2 } else { for_ms });
        if closes {
            story.send(1, FIN | ACK, 0);
            story.send(0, ACK, 0);
        } else {
            story.again(0, 1_001, ACK, 0);
        }
    })
}

/// Data, and then a reset of the client.
fn reset(received: u32, in_flight: u32) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        if received > 0 {
            story.wait_ms(20).send(1, ACK, received);
            story.send(0, ACK, 0);
        } else {
            story.wait_ms(20).send(1, ACK, 0);
        }
        if in_flight > 0 {
            story.lose(0, ACK, in_flight);
        }
        story.wait_ms(5).send(0, RST | ACK, 0);
    })
}

/// Keep-alives without an answer, and then a reset.
fn gives_up_idle(probes: u32, answered: bool) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        story.wait_ms(20).send(1, ACK, 0);
        for _ in 0..probes {
            let before = story.next[0] - 1;
            story.wait_ms(10_000).again(0, before, ACK, 0);
            if answered {
                story.wait_ms(20).send(1, ACK, 0);
            }
        }
        story.wait_ms(10_000).send(0, RST | ACK, 0);
    })
}

fn gives_up_sending(times: u32) -> Story {
    opened(|story| {
        let first = story.next[0];
        story.lose(0, ACK, 500);
        (0..times).for_each(|n| _ = story.wait_ms(300 << n).again(0, first, ACK, 500));
        story.wait_ms(20_000).send(0, RST | ACK, 0);
    })
}

/// A reset in the name of the server with this TTL, and then the server goes on.
fn forged(ttl: u8, goes_on: bool) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        story.wait_ms(20).send(1, ACK, 500);
        let (seq, received) = (story.next[1], story.received[1]);
        let rst = story.wait_ms(1).again(1, seq, RST | ACK, 0);
        (rst.ttl, rst.ack) = (ttl, wire::Seq::new(received));
        if goes_on {
            (0..3).for_each(|_| _ = story.wait_ms(1).send(1, ACK, 500));
            story.send(0, ACK, 0);
        }
    })
}

/// The client does not mind a reset of the server.
fn goes_on_after_reset(texts: u32) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        story.wait_ms(20).send(1, ACK, 0);
        story.wait_ms(1).send(1, RST | ACK, 0);
        story.next[1] = story.received[0];
        (0..texts).for_each(|_| _ = story.wait_ms(3_000).send(0, ACK, 100));
    })
}

fn data_after_close(late: u32) -> Story {
    opened(|story| {
        story.send(0, FIN | ACK, 0);
        story.wait_ms(20).send(1, ACK, 0);
        (0..late).for_each(|_| _ = story.wait_ms(1).send(1, ACK, 500));
        story.wait_ms(1).send(0, RST, 0);
    })
}

/// An acknowledgment comes for a server that has closed and forgotten; it had got everything.
fn late_ack_after_close() -> Story {
    opened(|story| {
        story.send(0, FIN | ACK, 500);
        story.wait_ms(20).send(1, FIN | ACK, 0);
        story.send(0, ACK, 0);
        story.wait_ms(5).send(0, ACK, 0);
        story.wait_ms(20).send(1, RST, 0);
    })
}

/// One end knows nothing any more.
fn forgotten(bytes: u32) -> Story {
    opened(|story| {
        story.send(0, ACK, bytes);
        let mut rst = *story.segments.last().expect("just sent");
        (rst.source, rst.destination) = (rst.destination, rst.source);
        (rst.seq, rst.ack, rst.flags, rst.text_bytes) = (rst.ack, wire::Seq::new(0), RST, 0);
        rst.frame += 1;
        story.segments.drain(..3);
        story.segments.push(rst);
    })
}

/// The server answers an upload in the middle and closes, after it has read so much and left so many segments unread.
fn closes_unread(read: u32, unread: u32, flags: wire::tcp::Flags) -> Story {
    const SEGMENT: u32 = 1_000;
    opened(|story| {
        let window = u32::from(story.window[1]);
        for number in 0..read + unread {
            story.send(0, ACK, SEGMENT);
            let left = window - number.saturating_sub(read).min(60) * SEGMENT;
            story.window[1] = left as u16;
            story.wait_ms(1).send(1, ACK, 0);
        }
        story.send(1, ACK, 300);
        let (seq, acked) = (story.next[1], story.received[1]);
        let rst = story.again(1, seq, flags, 0);
        rst.ack = wire::Seq::new(if flags.ack() { acked } else { 0 });
    })
}

/// The window of a server that reads nothing creeps on by less than it is rounded by, until it is closed.
fn closes_behind_a_creeping_edge() -> Story {
    let mut story = closes_unread(0, 50, RST | ACK);
    let server = story.ends[1];
    let acks = story.segments.iter_mut().filter(|segment| segment.source == server);
    acks.enumerate().for_each(|(number, ack)| ack.window = ack.window.saturating_add(20 * number as u16));
    story
}

/// The server has said nothing for so long; then it answers the client with a reset.
fn forgets(silent_ms: u64, flags: wire::tcp::Flags, closes: bool) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        story.wait_ms(20).send(1, ACK, 500);
        story.send(0, ACK, 0);
        if closes {
            story.send(1, FIN | ACK, 0);
            story.send(0, ACK, 0);
        }
        let (seq, acked) = (story.next[1], story.received[1]);
        story.wait_ms(silent_ms).lose(0, ACK, 100);
        let rst = story.wait_ms(20).again(1, seq, flags, 0);
        rst.ack = wire::Seq::new(if flags.ack() { acked } else { 0 });
    })
}

fn crossed(with_text: bool) -> Story {
    opened(|story| {
        if with_text {
            story.send(0, ACK, 100);
            story.send(1, ACK, 0);
        }
        story.lose(0, FIN | ACK, 0);
        story.lose(1, FIN | ACK, 0);
        story.received = [story.next[1], story.next[0]];
        story.wait_ms(20).send(0, ACK, 0);
        story.send(1, ACK, 0);
    })
}

fn text_after_fin(times: u32) -> Story {
    opened(|story| {
        story.send(0, FIN | ACK, 0);
        story.wait_ms(20).send(1, ACK, 0);
        (0..times).for_each(|_| _ = story.wait_ms(5).send(0, ACK, 100));
    })
}

pub(super) fn cases() -> Vec<Case> {
    let fin_again_acked = || {
        let mut story = fins(2);
        story.received[1] = story.next[0];
        story.wait_ms(20).send(1, ACK, 0);
        later(story, 5_000)
    };
    let syn_refused = || {
        fresh(|story| {
            story.send(0, SYN, 0);
            let ack = story.received[1];
            let rst = story.send(1, RST | ACK, 0);
            (rst.seq, rst.ack) = (wire::Seq::new(0), wire::Seq::new(ack));
        })
    };
    vec![
        told(Id::FinUnacknowledged, "again three times", fins(3)),
        told(Id::FinUnacknowledged, "again five times", later(fins(5), 5_000)),
        told(Id::FinUnacknowledged, "once, and for long", later(fins(0), 10_000)),
        silent(Id::FinUnacknowledged, "the capture ends", fins(0)),
        silent(Id::FinUnacknowledged, "in the end it is", fin_again_acked()),
        silent(Id::FinUnacknowledged, "an ordinary close", later(closed(), 5_000)),
        told(Id::HalfClosed, "never closed", half_closed(30_000, 0, false)),
        told(Id::HalfClosed, "closed late", half_closed(15_000, 0, true)),
        told(Id::HalfClosed, "in use", half_closed(40_000, 4, true)),
        silent(Id::HalfClosed, "an ordinary close", closed()),
        silent(Id::HalfClosed, "for a moment", half_closed(2_000, 0, true)),
        silent(Id::HalfClosed, "the FIN never arrived", fins(7)),
        told(Id::Reset, "with data in flight", reset(500, 700)),
        told(Id::Reset, "after an answer", reset(500, 0)),
        told(Id::Reset, "of what nobody answered", reset(0, 0)),
        silent(Id::Reset, "of a SYN", syn_refused()),
        silent(Id::Reset, "keep-alives were not answered", gives_up_idle(4, false)),
        silent(Id::Reset, "a stranger's", forged(30, true)),
        told(Id::ResetKeepAlive, "five", gives_up_idle(5, false)),
        told(Id::ResetKeepAlive, "two", gives_up_idle(2, false)),
        told(Id::ResetKeepAlive, "nine", gives_up_idle(9, false)),
        silent(Id::ResetKeepAlive, "they were answered", gives_up_idle(5, true)),
        silent(Id::ResetKeepAlive, "none", reset(500, 0)),
        silent(Id::ResetKeepAlive, "text went again instead", gives_up_sending(6)),
        told(Id::ResetGaveUp, "after six times", gives_up_sending(6)),
        told(Id::ResetGaveUp, "after five times", gives_up_sending(5)),
        told(Id::ResetGaveUp, "after eight times", gives_up_sending(8)),
        silent(Id::ResetGaveUp, "after once", gives_up_sending(1)),
        silent(Id::ResetGaveUp, "nothing was in vain", reset(500, 0)),
        silent(Id::ResetGaveUp, "keep-alives", gives_up_idle(5, false)),
        told(Id::ResetByStranger, "from nearby", forged(200, true)),
        told(Id::ResetByStranger, "from far away", forged(30, true)),
        told(Id::ResetByStranger, "one hop off", forged(63, true)),
        silent(Id::ResetByStranger, "the same TTL", forged(64, true)),
        silent(Id::ResetByStranger, "another TTL, and the end", forged(30, false)),
        silent(Id::ResetByStranger, "an ordinary reset", reset(500, 0)),
        told(Id::ResetIgnored, "one text", goes_on_after_reset(1)),
        told(Id::ResetIgnored, "three texts", goes_on_after_reset(3)),
        told(Id::ResetIgnored, "nine texts", goes_on_after_reset(9)),
        silent(Id::ResetIgnored, "nothing follows", goes_on_after_reset(0)),
        silent(Id::ResetIgnored, "an ordinary reset", reset(500, 700)),
        silent(Id::ResetIgnored, "a refused SYN", syn_refused()),
        told(Id::ResetDataAfterClose, "one", data_after_close(1)),
        told(Id::ResetDataAfterClose, "three", data_after_close(3)),
        told(Id::ResetDataAfterClose, "ten", data_after_close(10)),
        silent(Id::ResetDataAfterClose, "a late acknowledgment of all of it", late_ack_after_close()),
        silent(Id::ResetDataAfterClose, "an ordinary close", closed()),
        silent(Id::ResetDataAfterClose, "no close before it", reset(500, 0)),
        silent(Id::ResetDataAfterClose, "half a close in use", half_closed(40_000, 4, true)),
        told(Id::HalfOpen, "ten bytes", forgotten(10)),
        told(Id::HalfOpen, "a thousand", forgotten(1_000)),
        told(Id::HalfOpen, "one", forgotten(1)),
        told(Id::HalfOpen, "after a minute", forgets(60_000, RST, false)),
        told(Id::HalfOpen, "after an hour", forgets(3_600_000, RST, false)),
        told(Id::HalfOpen, "after a quarter of a minute", forgets(15_000, RST, false)),
        silent(Id::HalfOpen, "at once: an application may have thrown it away", forgets(100, RST, false)),
        silent(
            Id::HalfOpen,
            "with an acknowledgment: it knows the connection",
            forgets(60_000, RST | ACK, false),
        ),
        silent(Id::HalfOpen, "it had closed", forgets(60_000, RST, true)),
        told(Id::ResetUnreadData, "most of the window", closes_unread(3, 50, RST | ACK)),
        told(Id::ResetUnreadData, "all of it", closes_unread(0, 60, RST | ACK)),
        told(Id::ResetUnreadData, "half of it", closes_unread(20, 34, RST | ACK)),
        told(Id::ResetUnreadData, "the edge creeps", closes_behind_a_creeping_edge()),
        silent(Id::ResetUnreadData, "little: it may be read", closes_unread(20, 5, RST | ACK)),
        silent(Id::ResetUnreadData, "all was read", closes_unread(60, 0, RST | ACK)),
        silent(Id::ResetUnreadData, "it knows of no connection", closes_unread(0, 60, RST)),
        silent(Id::ResetUnreadData, "it closes, and does not reset", closes_unread(0, 60, FIN | ACK)),
        silent(Id::HalfOpen, "an abort", reset(500, 0)),
        silent(Id::HalfOpen, "a refused SYN", syn_refused()),
        silent(Id::HalfOpen, "an ordinary close", closed()),
        told(Id::SimultaneousClose, "without text", crossed(false)),
        told(Id::SimultaneousClose, "after text", crossed(true)),
        told(Id::SimultaneousClose, "seen for longer", later(crossed(true), 1_000)),
        silent(Id::SimultaneousClose, "one after the other", closed()),
        silent(Id::SimultaneousClose, "a half-close", half_closed(15_000, 0, true)),
        silent(Id::SimultaneousClose, "a reset", reset(500, 0)),
        told(Id::TextAfterFin, "once", text_after_fin(1)),
        told(Id::TextAfterFin, "twice", text_after_fin(2)),
        told(Id::TextAfterFin, "five times", text_after_fin(5)),
        silent(Id::TextAfterFin, "the FIN again", fins(3)),
        silent(Id::TextAfterFin, "text of the other end", half_closed(15_000, 3, true)),
        silent(Id::TextAfterFin, "an ordinary close", closed()),
    ]
}
