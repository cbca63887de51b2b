//! The UDP header (RFC 768) and its checksum's special zero (RFC 8200 §8.1).

use crate::error::{Error, take};

/// The header, in bytes.
pub const HEADER_BYTES: usize = 8;
/// Where the checksum field is, in bytes from the start of the header.
pub const CHECKSUM_OFFSET: usize = 6;

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
