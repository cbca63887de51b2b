//! The examples of RFC 9937 §8, and the bounds of §6.2.

use super::*;
use alloc::vec::Vec;

const MSS: u32 = 1_000;
const SSTHRESH: u32 = 10 * MSS;

/// An acknowledgment that delivers `segments`, with so many left in flight.
fn delivery(segments: u32, in_flight_segments: u32) -> Delivery {
    Delivery {
        delivered_bytes: segments * MSS,
        in_flight_bytes: in_flight_segments * MSS,
        ssthresh_bytes: SSTHRESH,
        mss: MSS,
        is_safe: false,
        is_guessed: false,
    }
}

/// Plays one SACKed segment per acknowledgment from so many in flight on: (cwnd, sent) of each, in segments.
fn play(prr: &mut Prr, mut in_flight: u32, acks: u32) -> Vec<(u32, u32)> {
    let mut seen = Vec::new();
    for _ in 0..acks {
        in_flight -= 1;
        prr.on_acked(&delivery(1, in_flight));
        let sent = (prr.window_bytes() / MSS).saturating_sub(in_flight);
        prr.on_sent(sent * MSS);
        seen.push((prr.window_bytes() / MSS, sent));
        in_flight += sent;
    }
    seen
}

#[test]
fn figure_1_a_single_loss_spreads_the_reduction_over_a_round_trip() {
    // ACK#3 shows that one of 22 is lost and three have arrived: RecoverFS is 22 - 3 + 1.
    let mut prr = Prr::new(20 * MSS, 18 * MSS, MSS);
    let seen = play(&mut prr, 19, 19);
    let windows: Vec<u32> = seen.iter().map(|(window, _)| *window).collect();
    // At ACK#19 the figure sends once more, although inflight is no longer above ssthresh. The text of §6.2 then
    // sends nothing: it is one acknowledgment earlier at 10.
    assert_eq!(windows, [19, 18, 18, 17, 17, 16, 16, 15, 15, 14, 14, 13, 13, 12, 12, 11, 10, 10, 10]);
    let sent: Vec<u32> = seen.iter().map(|(_, sent)| *sent).collect();
    assert_eq!(sent, [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
}

#[test]
fn figure_2_a_burst_of_losses_conserves_packets() {
    // Fifteen of 22 are lost, three have arrived: four are in flight.
    let mut prr = Prr::new(20 * MSS, 4 * MSS, MSS);
    assert_eq!(play(&mut prr, 5, 3), [(5, 1), (5, 1), (5, 1)]);
}

#[test]
fn a_safe_acknowledgment_grows_by_one_more_segment_up_to_ssthresh() {
    let mut prr = Prr::new(20 * MSS, 4 * MSS, MSS);
    prr.on_acked(&delivery(1, 4));
    prr.on_sent(MSS);
    // The first retransmission arrives: SND.UNA moves and nothing new is lost.
    let safe = |in_flight| Delivery { is_safe: true, ..delivery(1, in_flight) };
    prr.on_acked(&safe(4));
    assert_eq!(prr.window_bytes(), 6 * MSS);
    prr.on_sent(2 * MSS);
    prr.on_acked(&safe(9));
    assert_eq!(prr.window_bytes(), SSTHRESH, "not beyond");
    prr.on_sent(MSS);
    prr.on_acked(&safe(10));
    assert_eq!(prr.window_bytes(), SSTHRESH);
}

#[test]
fn the_first_retransmission_goes_whatever_the_numbers_say() {
    // Nothing of one segment is due yet, when ssthresh is tiny beside what was in flight.
    let mut prr = Prr::new(2_000 * MSS, 1_900 * MSS, MSS);
    let small = Delivery { ssthresh_bytes: 2 * MSS, ..delivery(1, 1_899) };
    prr.on_acked(&small);
    assert_eq!(prr.window_bytes(), 1_900 * MSS);
    prr.on_sent(MSS);
    prr.on_acked(&small);
    assert_eq!(prr.window_bytes(), 1_899 * MSS, "only the first");
}

#[test]
fn an_acknowledgment_that_delivers_nothing_changes_nothing() {
    let mut prr = Prr::new(20 * MSS, 18 * MSS, MSS);
    prr.on_acked(&delivery(1, 17));
    let window = prr.window_bytes();
    prr.on_acked(&delivery(0, 3));
    assert_eq!(prr.window_bytes(), window);
}

#[test]
fn a_stall_of_the_application_is_made_up_for_in_the_same_recovery() {
    let mut prr = Prr::new(20 * MSS, 18 * MSS, MSS);
    play(&mut prr, 19, 1);
    // Eight more arrive and nothing is sent: in flight are 10, of the 5 owed one has left.
    for in_flight in (10..18).rev() {
        prr.on_acked(&delivery(1, in_flight));
    }
    assert!(prr.window_bytes() <= SSTHRESH, "{}", prr.window_bytes());
    prr.on_acked(&delivery(1, 7));
    assert_eq!(prr.window_bytes(), SSTHRESH, "at once, but no further than without the stall");
}

#[test]
fn guesses_deliver_no_more_than_could_be_delivered() {
    // RFC 5681 §5: a thousand duplicates that nobody's segments drew.
    let mut prr = Prr::new(5 * MSS, 4 * MSS, MSS);
    let mut sent = 0;
    for _ in 0..1_000 {
        prr.on_acked(&Delivery { is_guessed: true, ..delivery(1, 4) });
        let may = prr.window_bytes().saturating_sub(4 * MSS);
        prr.on_sent(may);
        sent += may;
        if prr.delivered_bytes == u64::from(5 * MSS) {
            // Nothing more is credited, and the window is what it was.
            prr.window_bytes = 4 * MSS;
        }
    }
    assert!(sent <= 5 * MSS, "{sent}");
}

#[test]
fn no_numbers_make_it_panic() {
    let extremes = [0, 1, MSS, u32::MAX];
    for recoverable in extremes {
        for in_flight_bytes in extremes {
            for ssthresh_bytes in extremes {
                let mut prr = Prr::new(recoverable, in_flight_bytes, u32::MAX);
                let delivered_bytes = u32::MAX;
                let odd = delivery(0, 0);
                prr.on_acked(&Delivery {
                    delivered_bytes,
                    in_flight_bytes,
                    ssthresh_bytes,
                    is_safe: true,
                    ..odd
                });
                prr.on_sent(u32::MAX);
                prr.on_acked(&Delivery { delivered_bytes, in_flight_bytes, ssthresh_bytes, ..odd });
            }
        }
    }
}
