//! RFC 5961 §7: how often a connection answers the suspicious.

mod pair;

use pair::{Pair, Side};
use wire::tcp::{Flags, Header};

#[test]
fn who_makes_us_repeat_acknowledgments_does_not_keep_us_from_challenging() {
    let mut pair = Pair::established();
    let ack = pair.next_header(Side::Client, Flags::ACK);
    // A stranger needs no more than the ports for these.
    let far = Header { seq: ack.seq + 1_000_000_000, ..ack };
    let repeated = (0..100).filter(|_| !pair.inject(Side::Client, far, b"").is_empty()).count();
    assert_eq!(repeated, 10, "and no more in this second");
    // The peer has rebooted and opens again; only a challenge lets it reset what we hold.
    let syn = pair.next_header(Side::Client, Flags::SYN);
    let answer = pair.inject(Side::Client, Header { seq: syn.seq + 77_000, ..syn }, b"");
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0].why.name(), "challenge-ack");
    // A keep-alive is answered, too.
    let probe = pair.inject(Side::Client, Header { seq: ack.seq - 1, ..ack }, b"");
    assert_eq!(probe.len(), 1);
    let challenged = (0..100u32)
        .filter(|n| !pair.inject(Side::Client, Header { seq: syn.seq + *n, ..syn }, b"").is_empty())
        .count();
    assert_eq!(challenged, 9, "ten challenges in all");
}
