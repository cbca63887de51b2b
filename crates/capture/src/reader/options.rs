//! The options at the end of a pcapng block: code, length, value, padded to 4 bytes
//! (draft-ietf-opsawg-pcapng §3.5). An option that does not fit into its block ends the list.

use super::read_u16;
use std::borrow::Cow;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;

/// The options of a block, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Options<'a> {
    pub(crate) fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Options { bytes, big_endian }
    }

    /// The bytes of the options, without the option that ends the list.
    pub(crate) fn raw(self) -> &'a [u8] {
        let all = self.bytes;
        let mut rest = self;
        while rest.next().is_some() {}
        &all[..all.len() - rest.bytes.len()]
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        if self.bytes.len() < 4 {
            return None;
        }
        let code = read_u16(self.bytes, 0, self.big_endian);
        let len = usize::from(read_u16(self.bytes, 2, self.big_endian));
        if code == OPTION_END {
            return None;
        }
        let value = self.bytes.get(4..4 + len)?;
        self.bytes = self.bytes.get(4 + len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((code, value))
    }
}

/// The comments on a packet; bytes that are not UTF-8 are replaced.
///
/// ```
/// # let file: &[u8] = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
/// let mut reader = synfin_capture::Reader::new(file)?;
/// while let Some(Ok(record)) = reader.next() {
///     for comment in record.comments() {
///         println!("{}: {comment}", record.number);
///     }
/// }
/// # Ok::<(), synfin_capture::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Comments<'a> {
    options: Options<'a>,
}

impl<'a> Comments<'a> {
    pub(crate) fn new(bytes: &'a [u8], big_endian: bool) -> Self {
        Comments { options: Options::new(bytes, big_endian) }
    }
}

impl<'a> Iterator for Comments<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Cow<'a, str>> {
        let (_, text) = self.options.find(|&(code, _)| code == OPTION_COMMENT)?;
        Some(String::from_utf8_lossy(text))
    }
}
