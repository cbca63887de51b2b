//! The order and padding in which options are written, by which stacks can be told apart.
//!
//! RFC 9293 leaves the order free; receivers have fast paths for the usual ones, and test scripts expect
//! them. [`OptionLayout::Linux`] is the default; [`OptionLayout::FreeBsd`] differs on SYN and in padding.

use super::options::{FAST_OPEN_MAGIC, Options, kind};

/// The most bytes that options may take: a data offset of 15 words, less the fixed header.
pub(crate) const OPTIONS_BYTES_MAX: usize = 40;

/// The order and padding of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OptionLayout {
    /// SYN: `mss,sackOK,TS,nop,wscale`, without timestamps `mss,nop,nop,sackOK,nop,wscale`;
    /// others: `nop,nop,TS,nop,nop,sack`. AccECN stands in front of `sack`. Padded with NOP.
    #[default]
    Linux,
    /// SYN: `mss,nop,wscale,sackOK,TS`; others as Linux. Padded with END.
    FreeBsd,
}

/// The options as bytes, ready to be copied after the fixed header.
pub(crate) struct OptionBytes {
    bytes: [u8; OPTIONS_BYTES_MAX],
    len: usize,
}

impl OptionBytes {
    /// Writes `options` in the order of `layout`. What does not fit into 40 bytes is left out. SACK
    /// blocks are left out one by one, because an established connection needs its other options more.
    #[inline(never)]
    pub(crate) fn new(options: &Options, layout: OptionLayout) -> OptionBytes {
        let mut out = OptionBytes { bytes: [0; OPTIONS_BYTES_MAX], len: 0 };
        if let Some(mss) = options.mss {
            out.put_option(kind::MSS, &mss.to_be_bytes());
        }
        match layout {
            OptionLayout::Linux => out.put_linux(options),
            OptionLayout::FreeBsd => out.put_free_bsd(options),
        }
        if let Some(accurate_ecn) = &options.accurate_ecn {
            let (kind, data) = accurate_ecn.parts();
            out.put_option(kind, data);
        }
        out.put_sack(options);
        out.put_fast_open(options);
        let filler = if layout == OptionLayout::Linux { kind::NOP } else { kind::END };
        while !out.len.is_multiple_of(4) {
            out.put_byte(filler);
        }
        out
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put_linux(&mut self, options: &Options) {
        let with_timestamps = options.timestamps.is_some();
        if options.sack_permitted {
            if !with_timestamps {
                self.put_nops(2);
            }
            self.put_option(kind::SACK_PERMITTED, &[]);
        }
        if with_timestamps && !options.sack_permitted {
            self.put_nops(2);
        }
        self.put_timestamps(options);
        if let Some(shift) = options.window_scale {
            self.put_nops(1);
            self.put_option(kind::WINDOW_SCALE, &[shift]);
        }
    }

    fn put_free_bsd(&mut self, options: &Options) {
        if let Some(shift) = options.window_scale {
            self.put_nops(1);
            self.put_option(kind::WINDOW_SCALE, &[shift]);
        }
        if options.sack_permitted {
            self.put_option(kind::SACK_PERMITTED, &[]);
        }
        if options.timestamps.is_some() {
            self.align_to(2);
            self.put_timestamps(options);
        }
    }

    fn put_timestamps(&mut self, options: &Options) {
        if let Some(timestamps) = options.timestamps {
            let mut data = [0; 8];
            data[..4].copy_from_slice(&timestamps.value.to_be_bytes());
            data[4..].copy_from_slice(&timestamps.echo.to_be_bytes());
            self.put_option(kind::TIMESTAMPS, &data);
        }
    }

    fn put_sack(&mut self, options: &Options) {
        if options.sack.is_empty() {
            return;
        }
        let blocks = options.sack.as_slice();
        let aligned = self.len + (6 - self.len % 4) % 4;
        let count = blocks.len().min(OPTIONS_BYTES_MAX.saturating_sub(aligned + 2) / 8);
        if count == 0 {
            return;
        }
        self.align_to(2);
        let mut data = [0; 32];
        for (block, slot) in blocks[..count].iter().zip(data.chunks_exact_mut(8)) {
            slot[..4].copy_from_slice(&block.left.number().to_be_bytes());
            slot[4..].copy_from_slice(&block.right.number().to_be_bytes());
        }
        self.put_option(kind::SACK, &data[..count * 8]);
    }

    fn put_fast_open(&mut self, options: &Options) {
        let Some(fast_open) = &options.fast_open else { return };
        let cookie = fast_open.as_slice();
        let mut data = [0; 18];
        if fast_open.experimental {
            data[..2].copy_from_slice(&FAST_OPEN_MAGIC);
            data[2..2 + cookie.len()].copy_from_slice(cookie);
            self.put_option(kind::EXPERIMENT_2, &data[..2 + cookie.len()]);
        } else {
            self.put_option(kind::FAST_OPEN, cookie);
        }
    }

    /// Writes one option, or nothing if it does not fit.
    fn put_option(&mut self, kind: u8, data: &[u8]) {
        let end = self.len + 2 + data.len();
        if let Some(slot) = self.bytes.get_mut(self.len..end) {
            slot[0] = kind;
            slot[1] = (2 + data.len()) as u8;
            slot[2..].copy_from_slice(data);
            self.len = end;
        }
    }

    fn put_nops(&mut self, count: usize) {
        for _ in 0..count {
            self.put_byte(kind::NOP);
        }
    }

    /// Adds NOPs until the length is `rest` modulo 4, so that what follows kind and length is aligned.
    fn align_to(&mut self, rest: usize) {
        while self.len % 4 != rest && self.len < OPTIONS_BYTES_MAX {
            self.put_byte(kind::NOP);
        }
    }

    fn put_byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }
}
