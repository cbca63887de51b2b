//! What happens while data is under way.

use super::{Case, later, opened, silent, told};
use crate::FindingId as Id;
use crate::story::{ACK, FIN, SYN, Story};

/// So many losses of so many flights of ten, each repaired by SACK.
fn losses(losses: u32, flights: u32, bytes: u32) -> Story {
    opened(|story| {
        for flight in 0..flights {
            let first = story.next[0];
            if flight < losses {
                story.lose(0, ACK, bytes);
            } else {
                story.send(0, ACK, bytes);
            }
            (0..9).for_each(|_| _ = story.send(0, ACK, bytes));
            let end = story.next[0];
            if flight < losses {
                story.wait_ms(20);
                for n in 2..6 {
                    story.sack(1, first, first + bytes, first + n * bytes);
                }
                story.again(0, first, ACK, bytes);
            }
            story.received[1] = end;
            story.wait_ms(20).send(1, ACK, 0);
        }
    })
}

/// Retransmissions that the receiver reports to have had.
fn needless(count: u32) -> Story {
    opened(|story| {
        for _ in 0..count {
            let first = story.next[0];
            story.send(0, ACK, 1_000);
            story.wait_ms(300).again(0, first, ACK, 1_000);
            let end = story.next[0];
            story.wait_ms(5).send(1, ACK, 0);
            story.wait_ms(5).sack(1, end, first, end);
        }
    })
}

/// Losses of single segments, found by the timer.
fn timeouts(count: u32) -> Story {
    opened(|story| {
        for _ in 0..count {
            let first = story.next[0];
            story.lose(0, ACK, 1_000);
            story.wait_ms(300).again(0, first, ACK, 1_000);
            story.received[1] = story.next[0];
            story.wait_ms(20).send(1, ACK, 0);
        }
    })
}

/// The receiver takes its window back, and what goes again meets a closed window.
fn taken_back() -> Story {
    opened(|story| {
        story.send(0, ACK, 1_000);
        story.wait_ms(20).send(1, ACK, 0).window = 8_000;
        let first = story.next[0];
        (0..4).for_each(|_| _ = story.lose(0, ACK, 1_000));
        story.received[1] = first;
        story.wait_ms(20).again(1, 9_001, ACK, 0).window = 0;
        for n in 0..4 {
            story.wait_ms(300 << n).again(0, first, ACK, 1_000);
            story.wait_ms(20).again(1, 9_001, ACK, 0).window = 0;
        }
        story.wait_ms(20).again(1, 9_001, ACK, 0);
        for n in 0..4 {
            story.wait_ms(1).again(0, first + n * 1_000, ACK, 1_000);
        }
        story.received[1] = story.next[0];
        story.wait_ms(20).send(1, ACK, 0);
    })
}

fn closed(for_ms: u64, times: u32) -> Story {
    opened(|story| {
        for _ in 0..times {
            story.send(0, ACK, 1_000);
            story.wait_ms(20).send(1, ACK, 0).window = 0;
            story.wait_ms(for_ms).send(1, ACK, 0);
        }
    })
}

/// Keep-alives after an idle time, the first so many answered.
fn keep_alives(all: u32, answered: u32) -> Story {
    opened(|story| {
        story.send(0, ACK, 100);
        story.wait_ms(20).send(1, ACK, 0);
        story.wait_ms(5).send(1, ACK, 100);
        story.wait_ms(20).send(0, ACK, 0);
        for n in 0..all {
            let before = story.next[0] - 1;
            story.wait_ms(10_000).again(0, before, ACK, 0);
            if n < answered {
                story.wait_ms(20).send(1, ACK, 0);
            }
        }
    })
}

/// Requests and answers; the server thinks so long, the client pauses so long.
fn turns(count: u32, think_ms: u64, pause_ms: u64) -> Story {
    opened(|story| {
        for _ in 0..count {
            story.send(0, ACK, 200);
            story.wait_ms(20 + think_ms).send(1, ACK, 800);
            story.wait_ms(1).send(0, ACK, 0);
            story.wait_ms(pause_ms);
        }
    })
}

/// One request more, acknowledged and not answered.
fn unanswered(story: Story, bytes: u32) -> Story {
    let mut story = story;
    story.send(0, ACK, bytes);
    story.wait_ms(40).send(1, ACK, 0);
    story
}

fn closes_without_answer() -> Story {
    let mut story = unanswered(turns(3, 10, 10), 200);
    story.wait_ms(30_000).send(1, FIN | ACK, 0);
    story.send(0, ACK, 0);
    story
}

fn client_leaves_at_once() -> Story {
    let mut story = unanswered(turns(3, 10, 10), 200);
    story.wait_ms(1).send(0, FIN | ACK, 0);
    story.send(1, ACK, 0);
    later(story, 60_000)
}

fn overtaken(count: u32) -> Story {
    let mut story = Story::with_timestamps().opened();
    for _ in 0..count {
        let first = *story.send(0, ACK, 500);
        story.segments.pop();
        story.wait_ms(2).send(0, ACK, 500);
        let mut late = first;
        late.time = tcp::Instant::from_nanos(story.ns + 1_000);
        story.segments.push(late);
        story.wait_ms(20).send(1, ACK, 0);
    }
    story
}

fn nagle(times: u32, waited_ms: u64) -> Story {
    opened(|story| {
        for _ in 0..times {
            story.send(0, ACK, 60);
            story.wait_ms(waited_ms).send(1, ACK, 0);
            story.send(0, ACK, 60);
            story.wait_ms(1).send(1, ACK, 60);
            story.wait_ms(500).send(0, ACK, 0);
        }
    })
}

/// A segment of this size that goes again and again; small ones get through.
fn vanishes(bytes: u32, times: u32) -> Story {
    opened(|story| {
        story.send(0, ACK, 200);
        story.wait_ms(20).send(1, ACK, 0);
        let large = story.next[0];
        story.lose(0, ACK, bytes);
        for n in 0..times {
            story.wait_ms(300 << n).again(0, large, ACK, bytes);
        }
    })
}

/// The receiver offers a window of so many bytes, and each flight fills it.
fn small_window(window: u16, flights: u32, rtt_ms: u64) -> Story {
    let mut story = Story::new();
    story.window = [65_535, window];
    story.send(0, SYN, 0);
    story.wait_ms(rtt_ms).send(1, SYN | ACK, 0);
    story.send(0, ACK, 0);
    for _ in 0..flights {
        (0..u32::from(window) / 1_000).for_each(|_| _ = story.send(0, ACK, 1_000));
        story.wait_ms(rtt_ms).send(1, ACK, 0);
    }
    story
}

fn rule(tell: impl FnOnce(&mut Story)) -> Story {
    opened(tell)
}

pub(super) fn cases() -> Vec<Case> {
    let push = || {
        let mut story = turns(2, 10, 10);
        story.wait_ms(9_000).send(1, ACK, 400);
        later(unanswered(story, 200), 60_000)
    };
    let syn_without_window = || {
        let mut story = Story::open();
        story.segments[0].window = 0;
        story.segments[1].window = 0;
        story.send(0, ACK, 100);
        story.wait_ms(500).send(1, ACK, 0);
        story
    };
    let fin_without_window = || {
        opened(|story| {
            story.send(0, ACK, 100);
            story.send(1, ACK, 0);
            story.wait_ms(5).send(1, FIN | ACK, 0).window = 0;
            story.wait_ms(5_000).send(0, FIN | ACK, 0);
        })
    };
    let last_byte_again = || {
        opened(|story| {
            let byte = story.next[0];
            story.lose(0, ACK, 1);
            (0..4).for_each(|n| _ = story.wait_ms(1_000 << n).again(0, byte, ACK, 1));
        })
    };
    let speaks_afterwards = || {
        let mut story = keep_alives(4, 0);
        story.wait_ms(5_000).send(1, ACK, 100);
        story
    };
    vec![
        told(Id::Loss, "four of a hundred", losses(4, 10, 1_000)),
        told(Id::Loss, "eight of two hundred", losses(8, 20, 1_000)),
        told(Id::Loss, "of small ones", losses(5, 10, 200)),
        silent(Id::Loss, "two say nothing", losses(2, 10, 1_000)),
        silent(Id::Loss, "keep-alives are none", keep_alives(8, 8)),
        silent(Id::Loss, "needless ones are none", needless(6)),
        silent(Id::Loss, "a window that is taken back", taken_back()),
        silent(Id::Loss, "nobody is there any more", vanishes(500, 6)),
        told(Id::SpuriousRetransmission, "once", needless(1)),
        told(Id::SpuriousRetransmission, "three times", needless(3)),
        told(Id::SpuriousRetransmission, "eight times", needless(8)),
        silent(Id::SpuriousRetransmission, "losses", losses(4, 10, 1_000)),
        silent(Id::SpuriousRetransmission, "keep-alives", keep_alives(4, 4)),
        silent(Id::SpuriousRetransmission, "overtaken ones", overtaken(3)),
        told(Id::TimeoutRecovery, "four", timeouts(4)),
        told(Id::TimeoutRecovery, "six", timeouts(6)),
        told(Id::TimeoutRecovery, "ten", timeouts(10)),
        silent(Id::TimeoutRecovery, "two", timeouts(2)),
        silent(Id::TimeoutRecovery, "repaired by SACK", losses(6, 10, 1_000)),
        silent(Id::TimeoutRecovery, "a window that is taken back", taken_back()),
        told(Id::ZeroWindow, "for long", closed(4_000, 1)),
        told(Id::ZeroWindow, "for a moment", closed(5, 1)),
        told(Id::ZeroWindow, "often", closed(300, 5)),
        silent(Id::ZeroWindow, "the field of a SYN", syn_without_window()),
        silent(Id::ZeroWindow, "the field of a FIN", fin_without_window()),
        silent(Id::ZeroWindow, "it stays open", losses(0, 5, 1_000)),
        told(Id::KeepAlive, "one", keep_alives(1, 1)),
        told(Id::KeepAlive, "many", keep_alives(9, 9)),
        told(Id::KeepAlive, "one was lost", keep_alives(3, 2)),
        silent(Id::KeepAlive, "a byte that is sent again", last_byte_again()),
        silent(Id::KeepAlive, "nothing is answered", keep_alives(5, 0)),
        silent(Id::KeepAlive, "ordinary talk", turns(4, 10, 10)),
        told(Id::KeepAliveUnanswered, "five", keep_alives(5, 0)),
        told(Id::KeepAliveUnanswered, "after some that were", keep_alives(6, 3)),
        told(Id::KeepAliveUnanswered, "two", keep_alives(2, 0)),
        silent(Id::KeepAliveUnanswered, "it speaks afterwards", speaks_afterwards()),
        silent(Id::KeepAliveUnanswered, "a byte that is sent again", last_byte_again()),
        silent(Id::KeepAliveUnanswered, "all are answered", keep_alives(5, 5)),
        told(Id::ServerThinkTime, "once", turns(1, 1_500, 10)),
        told(Id::ServerThinkTime, "often", turns(6, 2_000, 10)),
        told(Id::ServerThinkTime, "very long", turns(3, 20_000, 100)),
        silent(Id::ServerThinkTime, "quick answers", turns(6, 50, 10)),
        silent(Id::ServerThinkTime, "the client pauses", turns(6, 50, 5_000)),
        silent(Id::ServerThinkTime, "no answers", losses(0, 5, 1_000)),
        told(Id::SlowClient, "six seconds", turns(4, 10, 6_000)),
        told(Id::SlowClient, "a minute", turns(4, 100, 60_000)),
        told(Id::SlowClient, "beside some thinking", turns(8, 1_000, 9_000)),
        silent(Id::SlowClient, "quick requests", turns(6, 50, 10)),
        silent(Id::SlowClient, "the server thinks", turns(6, 6_000, 10)),
        silent(Id::SlowClient, "one request", turns(1, 10, 60_000)),
        told(Id::RequestUnanswered, "after others", later(unanswered(turns(3, 10, 10), 200), 20_000)),
        told(Id::RequestUnanswered, "it closes instead", closes_without_answer()),
        told(Id::RequestUnanswered, "the first", later(unanswered(Story::open(), 300), 20_000)),
        silent(Id::RequestUnanswered, "all are answered", later(turns(3, 10, 10), 60_000)),
        silent(Id::RequestUnanswered, "the capture ends soon", unanswered(turns(3, 10, 10), 200)),
        silent(Id::RequestUnanswered, "too small to be one", later(unanswered(turns(3, 10, 10), 40), 60_000)),
        silent(Id::RequestUnanswered, "the client leaves at once", client_leaves_at_once()),
        silent(Id::RequestUnanswered, "the server speaks on its own", push()),
        told(Id::Reordering, "once", overtaken(1)),
        told(Id::Reordering, "three times", overtaken(3)),
        told(Id::Reordering, "often", overtaken(9)),
        silent(Id::Reordering, "losses", losses(4, 10, 1_000)),
        silent(Id::Reordering, "timeouts", timeouts(4)),
        silent(Id::Reordering, "in order", turns(4, 10, 10)),
        told(Id::NagleDelayedAck, "three times", nagle(3, 40)),
        told(Id::NagleDelayedAck, "with 200 ms", nagle(3, 200)),
        told(Id::NagleDelayedAck, "ten times", nagle(10, 40)),
        silent(Id::NagleDelayedAck, "once", nagle(1, 40)),
        silent(Id::NagleDelayedAck, "acknowledged at once", nagle(5, 2)),
        silent(Id::NagleDelayedAck, "requests and answers", turns(5, 40, 40)),
        told(Id::MtuBlackHole, "1,460 bytes", vanishes(1_460, 4)),
        told(Id::MtuBlackHole, "1,448 bytes", vanishes(1_448, 5)),
        told(Id::MtuBlackHole, "for long", vanishes(1_460, 7)),
        silent(Id::MtuBlackHole, "small ones vanish, too", vanishes(500, 5)),
        silent(Id::MtuBlackHole, "too early to tell", vanishes(1_460, 1)),
        silent(Id::MtuBlackHole, "large ones get through", timeouts(5)),
        told(Id::PeerSilent, "small ones, six times", vanishes(500, 6)),
        told(Id::PeerSilent, "small ones, four times", vanishes(300, 4)),
        told(Id::PeerSilent, "one byte, four times", last_byte_again()),
        silent(Id::PeerSilent, "once", vanishes(500, 1)),
        silent(Id::PeerSilent, "it answers in the end", timeouts(5)),
        silent(Id::PeerSilent, "a window that is taken back", taken_back()),
        told(Id::WindowLimited, "8 KB of 50 ms", small_window(8_000, 20, 50)),
        told(Id::WindowLimited, "16 KB of 100 ms", small_window(16_000, 10, 100)),
        told(Id::WindowLimited, "64 KB of 200 ms", small_window(64_000, 5, 200)),
        silent(Id::WindowLimited, "a short transfer", small_window(8_000, 5, 50)),
        silent(Id::WindowLimited, "the window has room", losses(0, 20, 1_000)),
        silent(Id::WindowLimited, "a closed window", closed(2_000, 120)),
        told(
            Id::RuleBroken,
            "a scale of 15",
            rule(|story| story.segments[0].options.window_scale = Some(15)),
        ),
        told(
            Id::RuleBroken,
            "an MSS outside a SYN",
            rule(|story| story.send(0, ACK, 10).options.mss = Some(1_460)),
        ),
        told(Id::RuleBroken, "a window that shrinks", taken_back()),
        silent(
            Id::RuleBroken,
            "a scale of 14",
            rule(|story| story.segments[0].options.window_scale = Some(14)),
        ),
        silent(Id::RuleBroken, "a window that is filled", small_window(8_000, 5, 50)),
        silent(Id::RuleBroken, "D-SACK", needless(3)),
    ]
}
