//! One transfer over one link between two systems, and what came of it.

use crate::ends::{Counted, End, Side, System};
use crate::wire::{Path, Wire};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use synfin::tcp::CongestionControl;

/// The text of a full segment with timestamps.
const TEXT_BYTES: f64 = 1_448.0;

/// How much is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    Bytes(u64),
    Time(Duration),
}

/// The congestion control of both systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    Reno,
    Cubic,
    Bbr,
}

impl Control {
    /// As the kernel calls it.
    pub(crate) fn name_of_kernel(self) -> &'static str {
        match self {
            Control::Reno => "reno",
            Control::Cubic => "cubic",
            Control::Bbr => "bbr",
        }
    }

    pub(crate) fn ours(self) -> CongestionControl {
        CongestionControl::named(self.name_of_kernel()).expect("we have it, too")
    }
}

/// Which systems stand at the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pairing {
    pub(crate) sender: System,
    pub(crate) receiver: System,
}

impl Pairing {
    pub(crate) const KERNEL_TO_KERNEL: Pairing = Pairing { sender: System::Kernel, receiver: System::Kernel };
    pub(crate) const OURS_TO_KERNEL: Pairing = Pairing { sender: System::Ours, receiver: System::Kernel };
    pub(crate) const KERNEL_TO_OURS: Pairing = Pairing { sender: System::Kernel, receiver: System::Ours };
    pub(crate) const ALL: [Pairing; 3] =
        [Pairing::KERNEL_TO_KERNEL, Pairing::OURS_TO_KERNEL, Pairing::KERNEL_TO_OURS];
}

/// What an end has to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    Sent { began: Instant, counted: Counted },
    Received { bytes: u64, ended: Instant },
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Bits per second of the whole transfer: from the call of `connect` to the last byte that was read.
    pub(crate) goodput: f64,
    /// Text bytes that were read.
    pub(crate) bytes: u64,
    pub(crate) counted: Counted,
}

impl Outcome {
    /// Full segments that were sent again, in percent of what arrived.
    pub(crate) fn again_percent(&self) -> f64 {
        self.counted.segments_again as f64 * TEXT_BYTES / self.bytes.max(1) as f64 * 100.0
    }
}

/// Sends over a new link.
///
/// # Errors
/// What an end or the link says.
pub(crate) fn run(
    path: &Path,
    amount: Amount,
    control: Control,
    pairing: Pairing,
    seed: u64,
) -> io::Result<Outcome> {
    let (listening, heard) = mpsc::channel();
    let (nobody, _) = mpsc::channel();
    let (_, nothing) = mpsc::channel();
    let (plug_of_sender, near) = mpsc::sync_channel(1);
    let (plug_of_receiver, far) = mpsc::sync_channel(1);
    let end = |side, plug, listening| End { side, control, amount, plug, listening };
    let sender = end(Side::Sender, plug_of_sender, (nobody, heard));
    let receiver = end(Side::Receiver, plug_of_receiver, (listening, nothing));
    thread::scope(|scope| {
        let sending = scope.spawn(move || sender.play(pairing.sender));
        let receiving = scope.spawn(move || receiver.play(pairing.receiver));
        let wire = near.recv().ok().zip(far.recv().ok()).map(|(near, far)| Wire::join(near, far, path, seed));
        let told = (sending.join().expect("it panicked"), receiving.join().expect("it panicked"));
        drop(wire);
        match (told.0?, told.1?) {
            (Told::Sent { began, counted }, Told::Received { bytes, ended }) => {
                let took = ended.saturating_duration_since(began);
                Ok(Outcome { goodput: bytes as f64 * 8.0 / took.as_secs_f64(), bytes, counted })
            }
            _ => unreachable!("a sender sends and a receiver receives"),
        }
    })
}
