//! The UDP header (RFC 768) and its checksum's special zero (RFC 8200 §8.1).

use crate::error::{Error, take};

/// The header, in bytes.
pub const HEADER_BYTES: usize = 8;
/// Where the checksum field is, in bytes from the start of the header.
pub const CHECKSUM_OFFSET: usize = 6;

/// Ports of UDP under which packets travel in tunnels (IANA, service names and port numbers).
pub mod port {
    numbers! { u16:
        /// L2TP, version 2 or 3 (RFC 2661, RFC 3931).
        L2TP = 1701, "L2TP";
        /// GTP-U (3GPP TS 29.281).
        GTP_U = 2152, "GTP-U";
        /// Teredo (RFC 4380).
        TEREDO = 3544, "Teredo";
        /// ESP in UDP, and IKE (RFC 3948).
        IPSEC_NAT = 4500, "IPsec behind NAT";
        /// GRE in UDP (RFC 8086).
        GRE = 4754, "GRE in UDP";
        /// VXLAN (RFC 7348).
        VXLAN = 4789, "VXLAN";
        /// VXLAN with the generic protocol extension (draft-ietf-nvo3-vxlan-gpe).
        VXLAN_GPE = 4790, "VXLAN-GPE";
        /// AYIYA (draft-massar-v6ops-ayiya).
        AYIYA = 5072, "AYIYA";
        /// CAPWAP data (RFC 5415).
        CAPWAP_DATA = 5247, "CAPWAP data";
        /// Geneve (RFC 8926).
        GENEVE = 6081, "Geneve";
        /// sFlow (sflow.org, version 5).
        SFLOW = 6343, "sFlow";
        /// MPLS in UDP (RFC 7510).
        MPLS = 6635, "MPLS in UDP";
        /// VXLAN as Linux did it before the port was assigned.
        VXLAN_LINUX = 8472, "VXLAN";
    also:
        443, "QUIC";
        500, "IKE";
        4791, "RoCE v2";
        5246, "CAPWAP control";
        51820, "WireGuard";
    }
}

/// A UDP header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// Source port; 0 when no reply is wanted.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Header and data together, in bytes.
    pub len_bytes: u16,
    /// The checksum field; 0 says that the sender computed none (IPv4 only).
    pub checksum: u16,
}

impl Header {
    /// Reads the header at the start of a datagram; the data starts [`HEADER_BYTES`] in.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    ///
    /// ```
    /// use synfin_wire::udp::Header;
    /// let header = Header::parse(&[0, 53, 4, 1, 0, 9, 0, 0, b'x'])?;
    /// assert_eq!((header.source_port, header.text_bytes(9)), (53, Ok(1)));
    /// # Ok::<(), synfin_wire::Error>(())
    /// ```
    pub fn parse(datagram: &[u8]) -> Result<Header, Error> {
        let fixed = take::<HEADER_BYTES>(datagram, 0)?;
        let u16_at = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
        Ok(Header {
            source_port: u16_at(0),
            destination_port: u16_at(2),
            len_bytes: u16_at(4),
            checksum: u16_at(6),
        })
    }

    /// How many bytes of data follow the header; `available_bytes` counts from the start of the header.
    ///
    /// # Errors
    /// [`Error::Length`] if the length field is less than the header's or more than `available_bytes`.
    pub fn text_bytes(&self, available_bytes: usize) -> Result<usize, Error> {
        let claimed_bytes = usize::from(self.len_bytes);
        if claimed_bytes < HEADER_BYTES || claimed_bytes > available_bytes {
            return Err(Error::Length { claimed_bytes, available_bytes });
        }
        Ok(claimed_bytes - HEADER_BYTES)
    }

    /// Writes the header to the start of `into`.
    ///
    /// # Panics
    /// If `into` is shorter than [`HEADER_BYTES`].
    pub fn emit(&self, into: &mut [u8]) {
        into[0..2].copy_from_slice(&self.source_port.to_be_bytes());
        into[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        into[4..6].copy_from_slice(&self.len_bytes.to_be_bytes());
        into[6..8].copy_from_slice(&self.checksum.to_be_bytes());
    }
}

/// The field for a computed checksum: a checksum of zero is sent as all ones, because a zero field means "none".
pub const fn checksum_field(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}
