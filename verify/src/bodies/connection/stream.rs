//! Text that says where it belongs: the byte at each place of a stream follows from the place, so that wrong
//! bytes, a wrong order and bytes of the other direction show themselves.

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// What the connection under test sends.
    Ours,
    /// What its peer sends.
    Theirs,
}

impl Stream {
    /// The byte at this place; places before the first, which only a liar sends, have bytes too.
    fn byte(self, place: u32) -> u8 {
        let salt = if self == Stream::Ours { 0x51 } else { 0xa3 };
        (place.wrapping_mul(0x9e37_79b1) >> 24) as u8 ^ salt
    }

    /// So many bytes from this place on.
    pub(super) fn text(self, place: u32, len_bytes: usize) -> Vec<u8> {
        (0..len_bytes as u32).map(|at| self.byte(place.wrapping_add(at))).collect()
    }

    /// These bytes belong at this place.
    #[track_caller]
    pub(super) fn check(self, place: u32, bytes: &[u8]) {
        for (at, byte) in bytes.iter().enumerate() {
            let at = place.wrapping_add(at as u32);
            assert!(*byte == self.byte(at), "byte {at} of {self:?} is another: {byte:#04x}");
        }
    }
}
