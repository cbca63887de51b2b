//! Counts of the packets that may have been TCP and could not be read, by reason, so that a user who misses
//! packets learns why.

use capture::{Layer, LinkType, NotTcp};

/// How many packets were left out.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    cut: u64,
    malformed: u64,
    /// Packets of a link type that cannot be read, and the first of these types.
    unknown_link: u64,
    link_type: Option<LinkType>,
}

impl LeftOut {
    pub(super) fn count(&mut self, why: NotTcp) {
        match why {
            NotTcp::Cut(Layer::Tcp) => self.cut += 1,
            NotTcp::Malformed(Layer::Tcp) => self.malformed += 1,
            NotTcp::LinkType(link_type) => {
                self.unknown_link += 1;
                self.link_type.get_or_insert(link_type);
            }
            _ => {}
        }
    }

    /// One sentence for each reason.
    pub(super) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.cut > 0 {
            sentences.push(format!(
                "left out {}: the capture cut their TCP headers off; capture more of each packet (tcpdump -s)",
                packets(self.cut)
            ));
        }
        if self.malformed > 0 {
            sentences.push(format!(
                "left out {}: their TCP headers are longer than the packet, or shorter than 20 bytes",
                packets(self.malformed)
            ));
        }
        if let Some(link_type) = self.link_type {
            sentences.push(format!(
                "left out {}: {link_type} is not a link type that can be read",
                packets(self.unknown_link)
            ));
        }
        sentences
    }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}
