//! The peer's window: whose word counts when segments overtake each other.

mod pair;

use pair::{Fate, Pair, Side, pattern};
use synfin_tcp::Config;
use wire::tcp::Flags;

/// Found by a simulated world in which a reordered segment was sent again (seed 5): the answer to newer data
/// came with an older number, its window was ignored, and SND.UNA moved under the window said before.
#[test]
fn a_retransmission_that_acknowledges_more_says_the_window_too() {
    let config = Config { window_scaling: false, timestamps: false, ..Config::default() };
    let mut pair = Pair::with(config.clone(), config).opened();
    pair.fate = Box::new(|_| Fate::Lose);
    let now = pair.now;
    pair.client.write(now, &pattern(10_000)).expect("there is room");
    pair.flush();
    let una = pair.client.snapshot().snd_una;
    let old = pair.next_header(Side::Client, Flags::ACK);
    // What came later in the peer's stream arrives first, and says: 4,000 bytes from the start.
    let later = wire::tcp::Header { seq: old.seq + 100, ack: una, window: 4_000, ..old };
    pair.inject(Side::Client, later, b"later");
    assert_eq!(pair.client.snapshot().snd_wnd, 4_000);
    // What came before it is sent again: 2,896 bytes have arrived, nobody reads, the edge is where it was.
    let again = wire::tcp::Header { ack: una + 2_896, window: 1_104, ..old };
    pair.inject(Side::Client, again, b"again");
    assert_eq!(pair.client.snapshot().snd_una, una + 2_896);
    assert_eq!(pair.client.snapshot().snd_wnd, 1_104, "the right edge has not moved");
}
