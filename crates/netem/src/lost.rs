//! What became of frames: why some never arrive, and how many of each.

/// Why a frame never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Lost {
    /// The wire's loss model.
    Wire,
    /// The queue was full.
    QueueFull,
    /// The queue's discipline threw it away.
    QueueManaged,
    /// The link was down.
    Outage,
    /// It did not fit through a narrow place.
    TooBig,
    /// Whoever handed it over said so.
    Fate,
    /// A middlebox has put its text into the segment before it, with which it arrives.
    Merged,
    /// A middlebox let it not pass.
    Middlebox,
    /// More frames were under way than a [`Pipe`](crate::Pipe) holds.
    Overflow,
}

impl Lost {
    /// Every reason.
    pub const ALL: [Lost; 9] = [
        Lost::Wire,
        Lost::QueueFull,
        Lost::QueueManaged,
        Lost::Outage,
        Lost::TooBig,
        Lost::Fate,
        Lost::Merged,
        Lost::Middlebox,
        Lost::Overflow,
    ];

    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Lost::Wire => "lost on the wire",
            Lost::QueueFull => "the queue was full",
            Lost::QueueManaged => "dropped by the queue's discipline",
            Lost::Outage => "the link was down",
            Lost::TooBig => "too big for the path",
            Lost::Fate => "lost on request",
            Lost::Merged => "merged into the segment before it",
            Lost::Middlebox => "dropped by a middlebox",
            Lost::Overflow => "too many under way",
        }
    }
}

/// How many frames met what on one lane.
///
/// What came in is what went out: `entered_frames + pieces + copies` is `delivered_frames`, all that was lost, and what
/// still waits or is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Frames that were handed over.
    pub entered_frames: u64,
    /// Their bytes, headers included.
    pub entered_bytes: u64,
    /// Frames that arrive, or will, copies included.
    pub delivered_frames: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Frames that a middlebox made of others by cutting them, the first piece of each not counted.
    pub pieces: u64,
    /// Second copies of frames that arrive twice.
    pub copies: u64,
    /// Frames that were marked "congestion experienced" by the queue.
    pub marked: u64,
    /// Frames that were damaged.
    pub corrupted: u64,
    /// Frames that were held back.
    pub held_back: u64,
    /// Errors that went back to senders of what was too big.
    pub answers: u64,
    lost: [u64; Lost::ALL.len()],
}

impl Counts {
    /// How many frames were lost for this reason.
    pub const fn lost(&self, why: Lost) -> u64 {
        self.lost[why as usize]
    }

    /// How many frames were lost in all.
    pub fn lost_frames(&self) -> u64 {
        self.lost.iter().sum()
    }

    pub(crate) const fn lose(&mut self, why: Lost) {
        self.lose_many(why, 1);
    }

    pub(crate) const fn lose_many(&mut self, why: Lost, frames: u64) {
        self.lost[why as usize] += frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_counted_at_a_place_of_its_own() {
        let mut counts = Counts::default();
        for (number, why) in Lost::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, number);
            (0..=number).for_each(|_| counts.lose(why));
            assert_eq!(counts.lost(why), number as u64 + 1);
        }
        assert_eq!(counts.lost_frames(), (1..=Lost::ALL.len() as u64).sum::<u64>());
    }
}
