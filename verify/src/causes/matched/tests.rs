use super::*;
use crate::causes::{Class, Congestion, Said, Trigger};
use wire::Seq;

fn end(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 80))
}

fn seen(frame: u32, micros: u64, seq: u32, bytes: u32) -> Seen {
    Seen {
        frame,
        time_ns: micros * 1_000,
        from: end(1),
        to: end(2),
        seq: Seq::new(seq),
        end: Seq::new(seq) + bytes,
        ip_id: Some(frame as u16 * 100),
        timestamp: Some(5),
        is_again: true,
        said_first: Said::Timeout,
        said: Said::Timeout,
        is_needless: false,
        confidence: 90,
    }
}

fn truth(micros: u64) -> Truth {
    let (class, trigger, congestion) = (Class::Probe, Trigger::ProbeTimer, Congestion::Open);
    Truth { time_ns: micros * 1_000, from: end(1), to: end(2), class, trigger, congestion }
}

fn find(seen: &[Seen], truths: &[Truth]) -> AtSender {
    AtSender::find(seen, truths, |address| address == end(1))
}

#[test]
fn an_event_follows_its_frames_and_precedes_the_next_ones() {
    // One event can send several frames: a super-segment that the kernel had to cut.
    let frames = [seen(1, 100, 0, 10), seen(2, 101, 10, 10), seen(3, 130, 20, 10)];
    let found = find(&frames, &[truth(110), truth(129)]);
    assert_eq!(found.of, [Some(0), Some(0), Some(1)], "the text of a trace has whole microseconds");
    assert!(found.without_frame.is_empty() && found.without_event.is_empty());
    assert_eq!(found.late_ns_max, 10_000);
}

#[test]
fn what_is_too_far_apart_or_of_others_does_not_belong_together() {
    let late = find(&[seen(1, 100, 0, 10)], &[truth(5_200)]);
    assert_eq!((late.of, late.without_frame, late.without_event), (vec![None], vec![0], vec![0]));
    let other = Truth { to: end(3), ..truth(110) };
    let found = find(&[seen(1, 100, 0, 10)], &[other]);
    assert_eq!((found.of, found.without_frame), (vec![None], vec![0]));
    let first = Seen { is_again: false, ..seen(1, 100, 0, 10) };
    assert_eq!(find(&[first], &[truth(110)]).of, [None], "what is sent for the first time has no event");
}

#[test]
fn a_frame_that_had_to_wait_for_an_address_takes_the_event_before_it() {
    let found = find(&[seen(1, 100, 0, 1)], &[truth(70)]);
    assert_eq!((found.of, found.without_frame, found.without_event), (vec![Some(0)], vec![], vec![]));
}

fn from_first(sent: &[Seen], got: &[Seen]) -> Vec<Option<(usize, bool)>> {
    let origins = origins(sent, got, |address| address == end(1));
    origins.iter().map(|origin| origin.map(|origin| (origin.sent, origin.is_copy))).collect()
}

#[test]
fn a_piece_is_of_the_sending_with_its_identification() {
    let sent = [seen(1, 100, 0, 30), seen(2, 900, 10, 10)];
    let piece = |seq, id, micros| Seen { ip_id: Some(id), ..seen(9, micros, seq, 10) };
    let got = [
        piece(0, 100, 500),
        piece(10, 101, 501),
        piece(10, 200, 1_500),
        piece(10, 101, 1_600),
        piece(10, 900, 1_700),
    ];
    let expected = [Some((0, false)), Some((0, false)), Some((1, false)), Some((0, true)), None];
    assert_eq!(from_first(&sent, &got), expected);
}

#[test]
fn without_an_identification_the_timestamp_and_the_time_decide() {
    let v6 =
        |frame, micros, stamp| Seen { ip_id: None, timestamp: Some(stamp), ..seen(frame, micros, 0, 10) };
    let sent = [v6(1, 100, 5), v6(2, 900, 6)];
    let got = [v6(1, 950, 5), v6(2, 960, 6), v6(3, 99, 5)];
    assert_eq!(from_first(&sent, &got), [Some((0, false)), Some((1, false)), None]);
    let empty = Seen { end: Seq::new(0), ..v6(4, 950, 5) };
    assert_eq!(from_first(&sent, &[empty]), [None]);
}
