//! The kind of a file, from its first bytes: pcap in its variants, pcapng, or a known other format.

use crate::{Error, Foreign};

/// The kinds of files that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Pcap(Variant),
    Pcapng,
}

/// A variant of classic pcap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// Numbers are big-endian.
    pub(super) big_endian: bool,
    /// Nanoseconds in one unit of the fraction.
    pub(super) unit_ns: u32,
    /// The length of a record's header.
    pub(super) record_header_bytes: usize,
}

/// How many bytes are enough to recognize a file: any magic number, or two ERF headers if the first record
/// is short.
pub(super) const SNIFF_BYTES: usize = 64;

/// The earliest plausible time in an ERF record: 1995-01-01, because the format is younger.
const ERF_SECONDS_MIN: u32 = 788_918_400;
/// The highest record type of ERF.
const ERF_KIND_MAX: u8 = 48;
/// A record is longer than its packet by a header of 16 bytes, extension headers and padding.
const ERF_OVERHEAD_BYTES_MAX: u16 = 64;
/// The time between two records is less than a day in a plausible file.
const ERF_STEP_SECONDS_MAX: u32 = 86_400;

/// Formats that are recognized by their first bytes but cannot be read.
const FOREIGN: &[(&[u8], Foreign)] = &[
    (b"snoop\0\0\0", Foreign::Snoop),
    (b"RTSS", Foreign::NetworkMonitor1),
    (b"GMBU", Foreign::NetworkMonitor2),
    (b"TRSNIFF data    \x1a", Foreign::Sniffer),
    (b"XCP\0", Foreign::NetXray),
    (b"btsnoop\0", Foreign::BluetoothHci),
    (b"iptrace 1.0", Foreign::Iptrace),
    (b"iptrace 2.0", Foreign::Iptrace),
    (b"\x7fver", Foreign::OmniPeek),
    (b"\xaa\xaa\xaa\xaa", Foreign::FiveViews),
    (b"nfcapd", Foreign::NetFlow),
    (b"\x1c\x00\x01\xac", Foreign::IxiaHardware),
    (b"\xac\x01\x00\x1c", Foreign::IxiaHardware),
    (b"\x1c\x00\x01\xab", Foreign::IxiaSoftware),
    (b"\xab\x01\x00\x1c", Foreign::IxiaSoftware),
    (b"\xa1\xb2\x34\xcd", Foreign::NokiaPcap),
    (b"\xcd\x34\xb2\xa1", Foreign::NokiaPcap),
    (b"\xfd7zXZ\0", Foreign::Xz),
    (b"BZh", Foreign::Bzip2),
    (b"\x04\x22\x4d\x18", Foreign::Lz4),
    (b"PK\x03\x04", Foreign::Zip),
    (b"7z\xbc\xaf\x27\x1c", Foreign::SevenZip),
];

/// Recognizes a file by its first bytes, after decompression.
pub(super) fn sniff(first: &[u8]) -> Result<FileKind, Error> {
    let Some(&magic) = first.first_chunk::<4>() else {
        let mut first_bytes = [0; 4];
        first_bytes[..first.len()].copy_from_slice(first);
        return Err(if first.is_empty() { Error::Empty } else { Error::NotACapture { first_bytes } });
    };
    if magic == [0x0a, 0x0d, 0x0d, 0x0a] {
        return Ok(FileKind::Pcapng);
    }
    for (number, big_endian) in [(u32::from_be_bytes(magic), true), (u32::from_le_bytes(magic), false)] {
        let (unit_ns, record_header_bytes) = match number {
            0xa1b2_c3d4 => (1_000, 16),
            0xa1b2_3c4d => (1, 16),
            // Kuznetzov's patch of libpcap: interface, protocol and packet type follow the lengths.
            0xa1b2_cd34 => (1_000, 24),
            _ => continue,
        };
        return Ok(FileKind::Pcap(Variant { big_endian, unit_ns, record_header_bytes }));
    }
    for &(start, foreign) in FOREIGN {
        if first.starts_with(start) {
            return Err(Error::Foreign(foreign));
        }
    }
    if looks_like_erf(first) {
        return Err(Error::Foreign(Foreign::Erf));
    }
    Err(Error::NotACapture { first_bytes: magic })
}

/// ERF has no magic number, so the first record header (16 bytes) must have plausible fields, and the next
/// record must have a similar time.
fn looks_like_erf(first: &[u8]) -> bool {
    let Some(header) = first.first_chunk::<16>() else { return false };
    let seconds = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let kind = header[8] & 0x7f;
    let record_bytes = u16::from_be_bytes([header[10], header[11]]);
    let wire_bytes = u16::from_be_bytes([header[14], header[15]]);
    let plausible = seconds > ERF_SECONDS_MIN
        && (1..=ERF_KIND_MAX).contains(&kind)
        && record_bytes >= 16
        && wire_bytes > 0
        && record_bytes <= wire_bytes.saturating_add(ERF_OVERHEAD_BYTES_MAX);
    let next = usize::from(record_bytes);
    let follows = match first.get(next..next + 8) {
        Some(next) => {
            let next_seconds = u32::from_le_bytes([next[4], next[5], next[6], next[7]]);
            seconds.abs_diff(next_seconds) < ERF_STEP_SECONDS_MAX
        }
        None => true,
    };
    plausible && follows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_refused_by_name() {
        for (start, name) in [(&b"snoop\0\0\0\0\0\0\x02"[..], "snoop"), (b"GMBU\0\0", "Network Monitor")] {
            let refused = sniff(start).unwrap_err().to_string();
            assert!(refused.contains(name) && refused.contains("editcap"), "{refused}");
        }
        let xz = sniff(b"\xfd7zXZ\0\0").unwrap_err().to_string();
        assert!(xz.contains("xz") && xz.contains("unpack"), "{xz}");
    }

    #[test]
    fn an_erf_record_is_recognized_by_its_fields() {
        let mut erf = vec![0, 0, 0, 0x80];
        erf.extend(1_500_000_000u32.to_le_bytes());
        erf.extend([2, 4, 0, 80, 0, 0, 0, 60]);
        erf.resize(SNIFF_BYTES, 0);
        assert!(sniff(&erf).unwrap_err().to_string().contains("ERF"));
    }

    #[test]
    fn text_and_very_short_files_are_not_captures() {
        assert!(matches!(sniff(b""), Err(Error::Empty)));
        assert!(matches!(sniff(b"ab"), Err(Error::NotACapture { first_bytes: [b'a', b'b', 0, 0] })));
        assert!(matches!(sniff(b"<html><body>not found</body>"), Err(Error::NotACapture { .. })));
    }
}
