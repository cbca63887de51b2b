//! What of a file is not explained, in sentences: a user who misses packets learns why, and what to do.

use crate::numbers;
use lens::capture::Damage;
use lens::{Contents, TimeOrder};
use std::time::Duration;

/// One sentence for each fact, as far as there is something to say. That nothing is TCP is said by [`instead_of_tcp`].
pub(in crate::words) fn left_out(contents: &Contents) -> Vec<String> {
    let mut sentences = Vec::new();
    let cut = contents.with_cut_tcp_header();
    if cut > 0 {
        sentences.push(format!(
            "left out {}: the capture cut their TCP headers off; capture more of each packet (tcpdump -s)",
            packets(cut)
        ));
    }
    let malformed = contents.with_malformed_tcp_header();
    if malformed > 0 {
        sentences.push(format!(
            "left out {}: their TCP headers are longer than the packet, or shorter than 20 bytes",
            packets(malformed)
        ));
    }
    if contents.not_tcp() > 0 && contents.tcp() > 0 {
        let of = packets(contents.packets());
        let verb = if contents.not_tcp() == 1 { "is" } else { "are" };
        sentences.push(format!("{} of {of} {verb} not TCP: {contents}", contents.not_tcp()));
    }
    sentences
}

/// What is in a capture that has no TCP connection.
pub(in crate::words) fn instead_of_tcp(contents: &Contents) -> String {
    match contents.packets() {
        0 => "there is no TCP connection in this capture: it has no packets".to_owned(),
        count => format!("there is no TCP connection in this capture, but {}: {contents}", packets(count)),
    }
}

/// How many segments stood behind later ones.
pub(in crate::words) fn moved(order: &TimeOrder) -> Option<String> {
    let moved = order.moved();
    let late = numbers::duration(Duration::from_nanos(order.late_ns_max()));
    let stood = if moved == 1 { "segment stands" } else { "segments stand" };
    (moved > 0).then(|| {
        format!("{moved} {stood} in the file behind later ones, by {late} at most, and went to the lens in the order of time")
    })
}

/// Where the file is damaged.
pub(in crate::words) fn damage(damage: &Damage) -> String {
    format!("the capture was read up to its damage: {damage}")
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lens::capture::{LinkType, decode};

    #[test]
    fn what_is_there_instead_of_tcp_is_told() {
        let mut contents = Contents::default();
        assert!(left_out(&contents).is_empty());
        assert!(instead_of_tcp(&contents).ends_with("it has no packets"));
        for (link_type, packet) in
            [(LinkType(147), &[0; 40][..]), (LinkType::RAW, &[0x45]), (LinkType(147), &[0; 40])]
        {
            contents.note(decode(link_type, packet, 40).map(|_| ()).map_err(Into::into));
        }
        let kinds = "2 link type 147, 1 IPv4 header cut by the capture";
        assert_eq!(
            instead_of_tcp(&contents),
            format!("there is no TCP connection in this capture, but 3 packets: {kinds}")
        );
        assert!(left_out(&contents).is_empty());
        contents.note(Ok(()));
        assert_eq!(left_out(&contents), [format!("3 of 4 packets are not TCP: {kinds}")]);
    }
}
