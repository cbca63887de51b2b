use super::*;
use clap::ValueEnum;
use lens::{Config, Kept, Lens, Segment};
use report::tables::Order;
use wire::tcp::Flags;

/// Forty connections, many of them equal in some column, that end in another order than they begin.
fn many() -> Kept {
    let mut lens = Lens::new(Config { connections_max: 20, ..Config::default() });
    let mut kept = Kept::default();
    for number in 0..40u16 {
        let client = format!("10.0.0.1:{}", 50_000 + number);
        let ends = [client.as_str(), "10.0.0.2:80"].map(|end| end.parse().expect("an address and a port"));
        for packet in 0..=u32::from(number * 7 % 5) {
            let is_client = packet.is_multiple_of(2);
            let segment = Segment {
                time: tcp::Instant::from_millis(1_000 + u64::from(packet * u32::from(number % 3))),
                source: ends[usize::from(!is_client)],
                destination: ends[usize::from(is_client)],
                seq: wire::Seq::new(packet.min(2)),
                flags: if packet == 0 { Flags::SYN } else { Flags::ACK },
                text_bytes: packet * 100,
                ..Segment::default()
            };
            lens.take(&segment, &mut kept);
        }
    }
    lens.finish(&mut kept);
    kept
}

#[test]
fn the_first_connections_are_those_of_a_table_of_all() {
    let kept = many();
    assert_eq!(kept.connections.len(), 40);
    for sort in Sort::value_variants() {
        let (title, order) = match sort {
            Sort::Stream => ("stream", Order::Ascending),
            Sort::Packets => ("packets", Order::Descending),
            Sort::Sent => ("sent", Order::Descending),
            Sort::Received => ("received", Order::Descending),
            Sort::Time => ("time", Order::Descending),
            Sort::Rtt => ("RTT", Order::Descending),
            Sort::Again => ("again", Order::Descending),
        };
        let mut all = captured::connections(&kept.connections, Language::English);
        all.sort_by(all.column(title).expect("a column to sort by"), order);
        for top in [0, 1, 3, 19, 20, 40, usize::MAX] {
            let mut expected = all.clone();
            expected.truncate(top);
            let mut overview = Overview::of(&kept, *sort, top, Language::English);
            assert_eq!((overview.table(), overview.total), (expected, 40), "by {title}, the first {top}");
        }
    }
}
