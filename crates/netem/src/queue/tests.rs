use super::*;

#[test]
fn a_full_line_turns_away_the_last() {
    let mut line = Line::new(Queue { limit: QueueLimit::Packets(2), ..Queue::default() });
    assert!(
        line.push(Instant::ZERO, 1, 9, Ecn::NotCapable).is_ok()
            && line.push(Instant::ZERO, 2, 9, Ecn::NotCapable).is_ok()
    );
    assert_eq!(line.push(Instant::ZERO, 3, 9, Ecn::NotCapable), Err(3));
    let mut line = Line::new(Queue { limit: QueueLimit::Bytes(20), ..Queue::default() });
    assert!(
        line.push(Instant::ZERO, 1, 9, Ecn::NotCapable).is_ok()
            && line.push(Instant::ZERO, 2, 9, Ecn::NotCapable).is_ok()
    );
    assert_eq!(line.push(Instant::ZERO, 3, 9, Ecn::NotCapable), Err(3));
    assert_eq!((line.len(), line.bytes()), (2, 18));
}

/// A line that is always 50 ms long, served once per millisecond for a second.
fn standing(discipline: Discipline, marking: Marking) -> [usize; 3] {
    let mut line = Line::new(Queue { discipline, marking, ..Queue::default() });
    let mut seen = [0; 3];
    for ms in 0..1_050 {
        let now = Instant::from_millis(ms);
        assert!(line.push(now, ms, 1_500, Ecn::NotCapable).is_ok());
        if ms >= 50 {
            match line.pop(now) {
                Some(Turn::Send(_)) => seen[0] += 1,
                Some(Turn::Mark(_) | Turn::MarkOrDrop(_)) => seen[1] += 1,
                Some(Turn::Drop(_)) => seen[2] += 1,
                None => {}
            }
        }
    }
    seen
}

#[test]
fn codel_drops_from_a_standing_queue_at_a_growing_rate() {
    let [_, marked, dropped] = standing(Discipline::CODEL, Marking::Never);
    // After the first interval: 100 ms, 100/sqrt(2), 100/sqrt(3) ... : some 25 in 900 ms.
    assert!(marked == 0 && (15..40).contains(&dropped), "{dropped}");
    let [_, marked, dropped] = standing(Discipline::CODEL, Marking::InsteadOfDropping);
    assert!((15..40).contains(&marked) && dropped == 0, "{marked}");
    assert_eq!(standing(Discipline::DropTail, Marking::Never), [1_000, 0, 0]);
    assert_eq!(standing(Discipline::DropTail, Marking::AboveBytes(10_000)), [0, 1_000, 0]);
    let [sent, marked, dropped] = standing(Discipline::CODEL, Marking::AboveBytes(10_000));
    assert!(sent == 0 && marked + dropped == 1_000 && (15..40).contains(&dropped), "{marked} and {dropped}");
}

#[test]
fn codel_leaves_a_short_queue_alone() {
    let mut line = Line::new(Queue { discipline: Discipline::CODEL, ..Queue::default() });
    for ms in 0..2_000 {
        assert!(line.push(Instant::from_millis(ms), ms, 1_500, Ecn::NotCapable).is_ok());
        assert!(matches!(line.pop(Instant::from_millis(ms + 4)), Some(Turn::Send(_))));
    }
}
