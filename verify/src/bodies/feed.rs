//! Arbitrary bytes as a source of small decisions.

/// Bytes that are used up; once they are, everything is zero.
pub(super) struct Feed<'a>(&'a [u8]);

impl<'a> Feed<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Feed(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// Up to so many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// A number near a border more often than not: -2 to 2, small, or anything.
    pub(super) fn offset(&mut self) -> u32 {
        match self.u8() {
            near @ 0..=4 => u32::from(near).wrapping_sub(2),
            5..=60 => u32::from(self.u8()),
            61..=180 => 0,
            181..=220 => u32::from(self.u16()),
            221..=240 => u32::from(self.u16()).wrapping_neg(),
            _ => self.u32(),
        }
    }
}
