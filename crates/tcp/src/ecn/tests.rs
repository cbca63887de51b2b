//! Every question, and every answer.

use super::*;
use wire::tcp::Header;

fn syn(code: u8, ecn: Ecn) -> Segment {
    let header = Header { flags: with_ace(Flags::SYN, code), ..Header::default() };
    Segment { header, ecn, ..Segment::default() }
}

#[test]
fn codes_are_the_flags_in_order() {
    assert_eq!(ace(Flags::AE), 0b100);
    assert_eq!(ace(Flags::CWR), 0b010);
    assert_eq!(ace(Flags::ECE), 0b001);
    for code in 0..8 {
        let flags = with_ace(Flags::ACK | Flags::PSH | Flags::AE, code);
        assert_eq!((ace(flags), flags.contains(Flags::ACK | Flags::PSH)), (code, true));
    }
}

/// RFC 9768 table 2, first block, and table 3.
#[test]
fn the_handshake_tells_every_field() {
    for (ecn, code) in [
        (Ecn::NotCapable, 0b010),
        (Ecn::Capable1, 0b011),
        (Ecn::Capable0, 0b100),
        (Ecn::CongestionExperienced, 0b110),
    ] {
        assert_eq!((handshake_code(ecn), handshake_field(code)), (code, Some(ecn)));
    }
    assert_eq!([0b000, 0b001, 0b101, 0b111].map(handshake_field), [None; 4]);
}

#[test]
fn a_syn_asks_for_what_its_flags_say() {
    use EcnFeedback::{Accurate, Classic, Off};
    for code in 0..8 {
        assert_eq!(asked(&syn(code, Ecn::NotCapable), Off), Off);
        // RFC 3168 §6.1.1: both flags, whatever the third.
        let classic = if code & 0b011 == 0b011 { Classic } else { Off };
        assert_eq!(asked(&syn(code, Ecn::NotCapable), Classic), classic, "{code:03b}");
        // RFC 9768 §3.1.3: what is reserved counts as 111.
        let accurate = match code {
            0b000 => Off,
            0b011 => Classic,
            _ => Accurate,
        };
        for ecn in [Ecn::NotCapable, Ecn::Capable0, Ecn::Capable1, Ecn::CongestionExperienced] {
            let classic_from_mangled = accurate == Classic && ecn != Ecn::NotCapable;
            let expected = if classic_from_mangled { Off } else { accurate };
            assert_eq!(asked(&syn(code, ecn), Accurate), expected, "{code:03b} {ecn:?}");
        }
    }
}

#[test]
fn a_syn_ack_grants_what_its_flags_say() {
    use EcnFeedback::{Accurate, Classic, Off};
    let rows = [
        (0b000, Off, Off),
        (0b001, Classic, Classic),
        (0b010, Off, Accurate),
        (0b011, Off, Accurate),
        (0b100, Off, Accurate),
        (0b101, Classic, Accurate),
        (0b110, Off, Accurate),
        (0b111, Off, Off),
    ];
    for (code, to_classic, to_accurate) in rows {
        assert_eq!(granted(Off, code), Off);
        assert_eq!(granted(Classic, code), to_classic, "{code:03b}");
        assert_eq!(granted(Accurate, code), to_accurate, "{code:03b}");
    }
}
