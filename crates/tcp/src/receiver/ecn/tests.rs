//! What is told back, segment by segment.

use super::*;
use bytes::Bytes;

fn segment(ecn: Ecn, text_bytes: usize) -> Segment {
    Segment { payload: Bytes::from(alloc::vec![0; text_bytes]).into(), ecn, ..Segment::default() }
}

fn accurate() -> Reflector {
    Reflector::new(EcnFeedback::Accurate, &Config::default())
}

fn leaving() -> Leaving {
    Leaving { is_syn: false, has_new_text: false, has_timestamps: true, sack_blocks: 0 }
}

fn take(reflector: &mut Reflector, ecn: Ecn, text_bytes: usize) -> bool {
    reflector.on_segment(&segment(ecn, text_bytes), Some(Flags::ACK), false).is_some()
}

#[test]
fn a_super_segment_counts_as_many_as_were_merged() {
    let mut reflector = accurate();
    let merged = Segment { segment_bytes: 1_000, ..segment(Ecn::CongestionExperienced, 2_500) };
    reflector.on_segment(&merged, Some(Flags::ACK), false);
    assert_eq!((reflector.marked_packets(), reflector.bytes().ceb), (3, 2_500));
    assert!(reflector.with_flags(Flags::ACK, false) == with_ace(Flags::ACK, 0), "5 + 3, modulo 8");
}

/// RFC 9768 §3.2.2.5.1.
#[test]
fn marks_are_told_when_they_begin_and_every_second_or_third() {
    let mark = Ecn::CongestionExperienced;
    let mut reflector = accurate();
    assert!(take(&mut reflector, mark, 10), "the first after what was not marked");
    reflector.on_ack_sent(None, false);
    assert!(!take(&mut reflector, mark, 10));
    assert!(take(&mut reflector, mark, 10), "the second since the acknowledgment");
    reflector.on_ack_sent(None, false);
    assert!(!take(&mut reflector, Ecn::NotCapable, 0));
    assert!(take(&mut reflector, mark, 10), "any packet between counts");
    reflector.on_ack_sent(None, false);
    assert!(!take(&mut reflector, mark, 0) && !take(&mut reflector, mark, 0), "marks on what has no text");
    assert!(take(&mut reflector, mark, 0) && reflector.answers_acks());
    reflector.on_ack_sent(None, false);
    let waits =
        |reflector: &mut Reflector| reflector.on_segment(&segment(mark, 0), Some(Flags::ACK), true).is_some();
    assert!(!waits(&mut reflector) && waits(&mut reflector), "two, while text waits");
    assert!(!reflector.answers_acks());
}

#[test]
fn classic_echoes_until_cwr_comes() {
    let mut reflector = Reflector::new(EcnFeedback::Classic, &Config::default());
    let echoes = |reflector: &Reflector| reflector.with_flags(Flags::ACK, true).contains(Flags::ECE);
    assert!(take(&mut reflector, Ecn::CongestionExperienced, 10) && echoes(&reflector));
    assert!(!take(&mut reflector, Ecn::Capable0, 10) && echoes(&reflector));
    let cwr = Some(Flags::ACK | Flags::CWR);
    let why = reflector.on_segment(&segment(Ecn::Capable0, 10), cwr, false);
    assert!(why == Some(SendReason::CongestionEcho) && !echoes(&reflector));
    // The flags of a SYN-ACK are none of it.
    take(&mut reflector, Ecn::CongestionExperienced, 10);
    reflector.on_segment(&segment(Ecn::Capable0, 10), None, false);
    assert!(echoes(&reflector));
}

/// RFC 9768 §3.2.3.3.
#[test]
fn a_counter_that_goes_on_growing_is_told_before_its_bits_do_not_suffice() {
    let mut reflector = accurate();
    take(&mut reflector, Ecn::Capable0, 1_000);
    assert!(reflector.option(&leaving()).is_some(), "something has changed");
    reflector.on_ack_sent(None, false);
    assert!(reflector.option(&leaving()).is_none(), "nothing since the last acknowledgment");
    for _ in 0..70 {
        take(&mut reflector, Ecn::Capable0, 60_000);
        reflector.on_ack_sent(None, false);
    }
    let option = reflector.option(&leaving()).expect("more than 2^22 bytes were not told");
    assert_eq!(option.e0b(), Some(1 + 1_000 + 70 * 60_000));
    reflector.on_ack_sent(Some(&option), false);
    assert!(reflector.option(&leaving()).is_none());
}

#[test]
fn blocks_come_first_and_fields_that_have_not_changed_go() {
    let mut reflector = accurate();
    take(&mut reflector, Ecn::Capable0, 10);
    take(&mut reflector, Ecn::Capable1, 10);
    let two_blocks = Leaving { sack_blocks: 2, ..leaving() };
    assert!(reflector.option(&two_blocks).is_none(), "all three have changed, and there is room for two");
    let option = reflector.option(&leaving()).unwrap();
    assert_eq!(option.len_bytes(), 11);
    reflector.on_ack_sent(Some(&option), false);
    take(&mut reflector, Ecn::CongestionExperienced, 10);
    assert_eq!(reflector.option(&two_blocks).unwrap().len_bytes(), 8);
    assert_eq!(reflector.option(&Leaving { sack_blocks: 1, ..leaving() }).unwrap().len_bytes(), 11);
    assert_eq!(leaving().sack_room(None), 3);
    assert_eq!(Leaving { has_timestamps: false, ..leaving() }.sack_room(None), 4);
}

#[test]
fn options_may_be_turned_off() {
    let config = Config { accurate_ecn_options: false, ..Config::default() };
    let mut reflector = Reflector::new(EcnFeedback::Accurate, &config);
    take(&mut reflector, Ecn::CongestionExperienced, 10);
    assert_eq!(reflector.option(&leaving()), None);
    assert_eq!(reflector.option(&Leaving { is_syn: true, ..leaving() }), None);
}
