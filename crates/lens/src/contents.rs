//! What the packets of a capture are: TCP, or what else, by kind.
//!
//! A user who misses packets learns here what they are instead. Kinds are those of [`capture::Unread`]: the innermost
//! protocol that could not be passed, and the tunnel around it.

use capture::{Layer, NotTcp, Unread};
use std::collections::BTreeMap;

/// The most kinds that are counted apart. Real captures have a dozen; a file made to fill memory could have as many as
/// there are numbers of protocols.
const KINDS_MAX: usize = 64;

/// How many packets of a capture are TCP, and what the others are.
///
/// ```
/// use synfin_lens::{Contents, capture::{LinkType, NotTcp, decode}};
/// let mut contents = Contents::default();
/// let mut packet = vec![0x45, 0, 0, 28, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// packet.extend([0, 53, 0, 53, 0, 8, 0, 0]);
/// contents.note(decode(LinkType::RAW, &packet, 28).map(|_| ()).map_err(Into::into));
/// assert_eq!(contents.to_string(), "1 UDP");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    tcp: u64,
    not_tcp: u64,
    kinds: BTreeMap<Unread, u64>,
    other_kinds: u64,
}

impl Contents {
    /// Counts a packet: whether it has a TCP segment, or why not.
    #[inline]
    pub fn note(&mut self, found: Result<(), Unread>) {
        match found {
            Ok(()) => self.tcp += 1,
            Err(unread) => self.note_unread(unread),
        }
    }

    fn note_unread(&mut self, unread: Unread) {
        self.not_tcp += 1;
        if let Some(count) = self.kinds.get_mut(&unread) {
            *count += 1;
        } else if self.kinds.len() < KINDS_MAX {
            self.kinds.insert(unread, 1);
        } else {
            self.other_kinds += 1;
        }
    }

    /// How many packets there were. Each packet of a frame that aggregates several counts.
    pub fn packets(&self) -> u64 {
        self.tcp + self.not_tcp
    }

    /// How many of them have a TCP segment, or an ICMP error that quotes one.
    pub fn tcp(&self) -> u64 {
        self.tcp
    }

    /// How many have none.
    pub fn not_tcp(&self) -> u64 {
        self.not_tcp
    }

    /// The kinds of packets without a TCP segment, the most frequent first. Packets of kinds beyond a bound of
    /// 64 kinds are not in it: see [`Contents::of_other_kinds`].
    pub fn kinds(&self) -> Vec<(Unread, u64)> {
        let mut kinds: Vec<_> = self.kinds.iter().map(|(kind, count)| (*kind, *count)).collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        kinds
    }

    /// How many packets are of none of the [`Contents::kinds`].
    pub fn of_other_kinds(&self) -> u64 {
        self.other_kinds
    }

    /// How many packets have a TCP header of which the capture holds too little.
    pub fn with_cut_tcp_header(&self) -> u64 {
        self.count(|why| why == NotTcp::Cut(Layer::Tcp))
    }

    /// How many packets have a TCP header whose length cannot be right.
    pub fn with_malformed_tcp_header(&self) -> u64 {
        self.count(|why| why == NotTcp::Malformed(Layer::Tcp))
    }

    fn count(&self, which: impl Fn(NotTcp) -> bool) -> u64 {
        self.kinds.iter().filter(|(kind, _)| which(kind.why)).map(|(_, count)| count).sum()
    }
}

/// What the packets without TCP are: `310 UDP, 12 ARP, 3 of other kinds`.
impl std::fmt::Display for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        /// As many as a person reads; the others are counted.
        const SHOWN: usize = 8;
        let kinds = self.kinds();
        for (number, (kind, count)) in kinds.iter().take(SHOWN).enumerate() {
            write!(f, "{}{count} {kind}", if number == 0 { "" } else { ", " })?;
        }
        let rest: u64 = kinds.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>() + self.other_kinds;
        if rest > 0 { write!(f, ", {rest} of other kinds") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(why: NotTcp) -> Unread {
        why.into()
    }

    #[test]
    fn the_most_frequent_kinds_come_first_and_the_number_of_kinds_is_bounded() {
        let mut contents = Contents::default();
        contents.note(Ok(()));
        for _ in 0..3 {
            contents.note(Err(unread(NotTcp::Protocol(17))));
        }
        for number in 0..100 {
            contents.note(Err(unread(NotTcp::Ethertype(0x7000 + number))));
        }
        assert_eq!((contents.packets(), contents.tcp(), contents.not_tcp()), (104, 1, 103));
        assert_eq!(contents.kinds().len(), KINDS_MAX);
        assert_eq!(contents.kinds()[0], (unread(NotTcp::Protocol(17)), 3));
        assert_eq!(contents.of_other_kinds(), 37);
        let said = contents.to_string();
        assert!(said.starts_with("3 UDP, 1 Ethertype 0x7000, "), "{said}");
        assert!(said.ends_with(", 93 of other kinds"), "{said}");
    }

    #[test]
    fn tcp_headers_that_cannot_be_read_are_counted() {
        let mut contents = Contents::default();
        contents.note(Err(unread(NotTcp::Cut(Layer::Tcp))));
        contents.note(Err(unread(NotTcp::Cut(Layer::Ipv4))));
        assert_eq!((contents.with_cut_tcp_header(), contents.with_malformed_tcp_header()), (1, 0));
    }
}
