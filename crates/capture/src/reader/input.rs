//! The input of a reader: plain, or decompressed from gzip (RFC 1952) or zstd (RFC 8878).
//!
//! Concatenated files (`cat a.gz b.gz`) are decompressed one after the other. A zstd file may require
//! a window of up to 100 MB of memory; the decoder refuses larger ones.

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, Cursor, Read};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes, which were read to recognize the compression, and the rest of the input.
type Source<R> = io::Chain<Cursor<Vec<u8>>, CountedInput<R>>;

/// Where the bytes of a capture come from.
pub(super) enum Input<R: Read> {
    Plain(Source<R>),
    Gzip(Box<MultiGzDecoder<Source<R>>>),
    Zstd(Box<ZstdFrames<Source<R>>>),
}

impl<R: Read> Input<R> {
    /// Looks at the first bytes of `input` and decompresses it if they are those of gzip or zstd.
    pub(super) fn new(input: R) -> io::Result<Self> {
        let mut counted = CountedInput { input, bytes: 0 };
        let mut first = vec![0; 4];
        let mut have_bytes = 0;
        while have_bytes < first.len() {
            match counted.read(&mut first[have_bytes..]) {
                Ok(0) => break,
                Ok(read) => have_bytes += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        first.truncate(have_bytes);
        let gzip = first.starts_with(&GZIP_MAGIC);
        let zstd = first == ZSTD_MAGIC || is_skippable(&first);
        let whole = Cursor::new(first).chain(counted);
        Ok(if gzip {
            Input::Gzip(Box::new(MultiGzDecoder::new(whole)))
        } else if zstd {
            Input::Zstd(Box::new(ZstdFrames {
                source: whole,
                decoder: FrameDecoder::new(),
                is_inside_frame: false,
                error: None,
            }))
        } else {
            Input::Plain(whole)
        })
    }

    pub(super) fn is_compressed(&self) -> bool {
        !matches!(self, Input::Plain(_))
    }

    /// How many bytes were read from the input, before decompression.
    pub(super) fn bytes_read(&self) -> u64 {
        let whole = match self {
            Input::Plain(whole) => whole,
            Input::Gzip(gzip) => gzip.get_ref(),
            Input::Zstd(zstd) => &zstd.source,
        };
        whole.get_ref().1.bytes
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Plain(whole) => whole.read(out),
            Input::Gzip(gzip) => gzip.read(out),
            Input::Zstd(zstd) => zstd.read(out),
        }
    }
}

impl<R: Read> std::fmt::Debug for Input<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("bytes_read", &self.bytes_read()).finish_non_exhaustive()
    }
}

/// Counts the bytes that are read.
#[derive(Debug)]
pub(super) struct CountedInput<R> {
    input: R,
    bytes: u64,
}

impl<R: Read> Read for CountedInput<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Frames of zstd, one after the other.
pub(super) struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    is_inside_frame: bool,
    /// The error that ended the frame; reported after everything before it was returned.
    error: Option<FrameDecoderError>,
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if self.is_inside_frame {
                if self.decoder.can_collect() > 0 {
                    return self.decoder.read(out);
                }
                if let Some(error) = self.error.take() {
                    return Err(invalid_data(error));
                }
                if !self.decoder.is_finished() {
                    self.decode_some_blocks(out.len());
                    continue;
                }
                self.is_inside_frame = false;
            }
            if !self.begin_frame()? {
                return Ok(0);
            }
        }
    }
}

impl<R: Read> ZstdFrames<R> {
    /// Decodes some blocks. The decoder keeps a window of bytes back as long as later blocks may refer to
    /// them. A frame that is cut short is therefore ended with an empty last block and room for a checksum,
    /// so that the decoder returns these bytes.
    fn decode_some_blocks(&mut self, len_bytes: usize) {
        const EMPTY_LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let some = BlockDecodingStrategy::UptoBytes(len_bytes);
        if let Err(error) = self.decoder.decode_blocks(&mut self.source, some) {
            // The first error is reported, not a later one.
            let _ = self.decoder.decode_blocks(&EMPTY_LAST_BLOCK[..], BlockDecodingStrategy::All);
            self.error = Some(error);
        }
    }

    /// Starts the next frame that carries data; false at the end of the input.
    fn begin_frame(&mut self) -> io::Result<bool> {
        loop {
            let mut magic = Vec::with_capacity(4);
            (&mut self.source).take(4).read_to_end(&mut magic)?;
            if magic.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(Cursor::new(magic).chain(&mut self.source)) {
                Ok(()) => {
                    self.is_inside_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                }
                Err(error) => return Err(invalid_data(error)),
            }
        }
    }
}

/// Whether this is the start of a zstd frame that carries no data (RFC 8878 §3.1.2).
fn is_skippable(first: &[u8]) -> bool {
    matches!(first, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

fn invalid_data(error: FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
