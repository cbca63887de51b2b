//! Neighbour discovery messages and their options (RFC 4861 §4). What is *not* here: hop-limit and source
//! address checks (§6.1, §7.1), which need the IP header; those are the host's.

use crate::error::{Error, take};
use crate::ethernet::MacAddress;
use core::net::Ipv6Addr;

/// The most prefixes kept of one advertisement; the rest is skipped.
pub const PREFIXES_MAX: usize = 4;
/// The most options read in one message, so that a packet full of empty ones costs little.
const OPTIONS_MAX: usize = 32;

/// A message of neighbour discovery, carried by [`v6::Message::Neighbor`](super::v6::Message::Neighbor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// Which routers are there? (RFC 4861 §4.1)
    RouterSolicitation {
        /// The sender's link-layer address, if it gives one.
        options: Options,
    },
    /// The sender is a router, and the link is used like this (RFC 4861 §4.2).
    RouterAdvertisement {
        /// The hop limit that hosts should use; 0: unspecified.
        hop_limit: u8,
        /// DHCPv6 gives addresses.
        managed: bool,
        /// DHCPv6 gives other configuration.
        other_configuration: bool,
        /// How long it is a default router, in seconds; 0: it is not one.
        lifetime_s: u16,
        /// How long a neighbour counts as reachable, in milliseconds; 0: unspecified.
        reachable_ms: u32,
        /// How long to wait between solicitations, in milliseconds; 0: unspecified.
        retransmit_ms: u32,
        /// Link-layer address, MTU, prefixes.
        options: Options,
    },
    /// Who has the target address? (RFC 4861 §4.3)
    Solicitation {
        /// The address to resolve.
        target: Ipv6Addr,
        /// The sender's link-layer address, if it gives one.
        options: Options,
    },
    /// The sender has the target address (RFC 4861 §4.4).
    Advertisement {
        /// The sender is a router.
        router: bool,
        /// It answers a solicitation.
        solicited: bool,
        /// It replaces what the cache holds.
        overrides: bool,
        /// The address that the sender has.
        target: Ipv6Addr,
        /// The target's link-layer address, if the sender gives one.
        options: Options,
    },
}

impl Message {
    /// The options of the message.
    pub const fn options(&self) -> &Options {
        match self {
            Message::RouterSolicitation { options }
            | Message::RouterAdvertisement { options, .. }
            | Message::Solicitation { options, .. }
            | Message::Advertisement { options, .. } => options,
        }
    }

    pub(crate) const fn kind(&self) -> u8 {
        match self {
            Message::RouterSolicitation { .. } => 133,
            Message::RouterAdvertisement { .. } => 134,
            Message::Solicitation { .. } => 135,
            Message::Advertisement { .. } => 136,
        }
    }

    pub(crate) const fn fixed_bytes(&self) -> usize {
        match self {
            Message::RouterSolicitation { .. } => 0,
            Message::RouterAdvertisement { .. } => 8,
            Message::Solicitation { .. } | Message::Advertisement { .. } => 16,
        }
    }

    pub(crate) fn word(&self) -> [u8; 4] {
        let bit = |set: bool, value: u8| if set { value } else { 0 };
        match *self {
            Message::RouterSolicitation { .. } | Message::Solicitation { .. } => [0; 4],
            Message::RouterAdvertisement { hop_limit, managed, other_configuration, lifetime_s, .. } => {
                let [c, d] = lifetime_s.to_be_bytes();
                [hop_limit, bit(managed, 0x80) | bit(other_configuration, 0x40), c, d]
            }
            Message::Advertisement { router, solicited, overrides, .. } => {
                [bit(router, 0x80) | bit(solicited, 0x40) | bit(overrides, 0x20), 0, 0, 0]
            }
        }
    }

    pub(crate) fn emit_body(&self, into: &mut [u8]) {
        match *self {
            Message::RouterSolicitation { .. } => {}
            Message::RouterAdvertisement { reachable_ms, retransmit_ms, .. } => {
                into[0..4].copy_from_slice(&reachable_ms.to_be_bytes());
                into[4..8].copy_from_slice(&retransmit_ms.to_be_bytes());
            }
            Message::Solicitation { target, .. } | Message::Advertisement { target, .. } => {
                into[..16].copy_from_slice(&target.octets());
            }
        }
        self.options().emit(&mut into[self.fixed_bytes()..]);
    }
}

/// A prefix of the link (RFC 4861 §4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Its first address.
    pub address: Ipv6Addr,
    /// How many leading bits count.
    pub bits: u8,
    /// Its addresses can be reached without a router.
    pub on_link: bool,
    /// Hosts may choose an address in it for themselves.
    pub autonomous: bool,
    /// How long it is valid, in seconds; all ones: forever.
    pub valid_s: u32,
    /// How long addresses from it are preferred, in seconds.
    pub preferred_s: u32,
}

/// The options of neighbour discovery that a host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Options {
    /// The sender's link-layer address.
    pub source_link_layer: Option<MacAddress>,
    /// The target's link-layer address.
    pub target_link_layer: Option<MacAddress>,
    /// The link's MTU.
    pub mtu_bytes: Option<u32>,
    /// The link's prefixes; unused places come last.
    pub prefixes: [Option<Prefix>; PREFIXES_MAX],
}

impl Options {
    /// Reads options; unknown ones are skipped.
    ///
    /// # Errors
    /// [`Error::Length`] for a length of zero or past the end: the message must be dropped (RFC 4861 §4.6).
    pub fn parse(bytes: &[u8]) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut rest = bytes;
        for _ in 0..OPTIONS_MAX {
            if rest.is_empty() {
                break;
            }
            let [kind, len] = *take::<2>(rest, 0)?;
            let len_bytes = usize::from(len) * 8;
            let option = rest.get(..len_bytes).filter(|option| !option.is_empty());
            let option =
                option.ok_or(Error::Length { claimed_bytes: len_bytes, available_bytes: rest.len() })?;
            options.read_option(kind, option)?;
            rest = &rest[len_bytes..];
        }
        Ok(options)
    }

    fn read_option(&mut self, kind: u8, option: &[u8]) -> Result<(), Error> {
        match kind {
            1 => self.source_link_layer = Some(MacAddress(*take(option, 2)?)),
            2 => self.target_link_layer = Some(MacAddress(*take(option, 2)?)),
            3 => {
                let [_, _, bits, flags] = *take::<4>(option, 0)?;
                let prefix = Prefix {
                    address: Ipv6Addr::from(*take::<16>(option, 16)?),
                    bits,
                    on_link: flags & 0x80 != 0,
                    autonomous: flags & 0x40 != 0,
                    valid_s: u32::from_be_bytes(*take(option, 4)?),
                    preferred_s: u32::from_be_bytes(*take(option, 8)?),
                };
                if let Some(slot) = self.prefixes.iter_mut().find(|slot| slot.is_none()) {
                    *slot = Some(prefix);
                }
            }
            5 => self.mtu_bytes = Some(u32::from_be_bytes(*take(option, 4)?)),
            _ => {}
        }
        Ok(())
    }

    /// Their length in bytes.
    pub fn len_bytes(&self) -> usize {
        let short =
            [self.source_link_layer.is_some(), self.target_link_layer.is_some(), self.mtu_bytes.is_some()];
        8 * short.iter().filter(|there| **there).count() + 32 * self.prefixes.iter().flatten().count()
    }

    fn emit(&self, into: &mut [u8]) {
        let mut rest = into;
        let mut next = |len_bytes: usize, kind: u8| {
            let (option, remaining) = core::mem::take(&mut rest).split_at_mut(len_bytes);
            rest = remaining;
            option.fill(0);
            option[0] = kind;
            option[1] = (len_bytes / 8) as u8;
            option
        };
        if let Some(mac) = self.source_link_layer {
            next(8, 1)[2..8].copy_from_slice(&mac.0);
        }
        if let Some(mac) = self.target_link_layer {
            next(8, 2)[2..8].copy_from_slice(&mac.0);
        }
        if let Some(mtu) = self.mtu_bytes {
            next(8, 5)[4..8].copy_from_slice(&mtu.to_be_bytes());
        }
        for prefix in self.prefixes.iter().flatten() {
            let option = next(32, 3);
            option[2] = prefix.bits;
            option[3] = if prefix.on_link { 0x80 } else { 0 } | if prefix.autonomous { 0x40 } else { 0 };
            option[4..8].copy_from_slice(&prefix.valid_s.to_be_bytes());
            option[8..12].copy_from_slice(&prefix.preferred_s.to_be_bytes());
            option[16..32].copy_from_slice(&prefix.address.octets());
        }
    }
}
