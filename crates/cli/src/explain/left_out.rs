//! What the packets are that are not explained, in sentences: a user who misses packets learns why, and what to do.

use lens::Contents;

/// One sentence for each fact, as far as there is something to say. That nothing is TCP is said by [`instead`].
pub(super) fn sentences(contents: &Contents) -> Vec<String> {
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
pub(super) fn instead(contents: &Contents) -> String {
    match contents.packets() {
        0 => "there is no TCP connection in this capture: it has no packets\n".to_owned(),
        count => format!("there is no TCP connection in this capture, but {}: {contents}\n", packets(count)),
    }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture::{LinkType, decode};

    #[test]
    fn what_is_there_instead_of_tcp_is_told() {
        let mut contents = Contents::default();
        assert!(sentences(&contents).is_empty());
        assert!(instead(&contents).ends_with("it has no packets\n"));
        for (link_type, packet) in
            [(LinkType(147), &[0; 40][..]), (LinkType::RAW, &[0x45]), (LinkType(147), &[0; 40])]
        {
            contents.note(decode(link_type, packet, 40).map(|_| ()).map_err(Into::into));
        }
        let kinds = "2 link type 147, 1 IPv4 header cut by the capture";
        assert_eq!(
            instead(&contents),
            format!("there is no TCP connection in this capture, but 3 packets: {kinds}\n")
        );
        assert!(sentences(&contents).is_empty());
        contents.note(Ok(()));
        assert_eq!(sentences(&contents), [format!("3 of 4 packets are not TCP: {kinds}")]);
    }
}
