//! The capture again, as pcapng with our words as packet comments; Wireshark shows them as
//! `frame.comment`. What the file said before is all in it.

use super::reading::Opened;
use crate::failure::Failure;
use crate::output::Output;
use capture::{Annotator, Block, Record, Section};
use std::io;

/// A copy being written.
pub(super) struct Annotated {
    annotator: Annotator<Output>,
    pace: Pace,
}

/// When what is written leaves us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As the buffer fills.
    OfBuffer,
    /// With each packet: somebody may be looking on.
    OfPackets,
}

impl Annotated {
    /// A copy of this capture, as long as it is.
    pub(super) fn begin(mut output: Output, of: &Opened, pace: Pace) -> Result<Self, Failure> {
        if pace == Pace::OfPackets {
            output.keep();
        }
        let section = Section {
            application: concat!("synfin ", env!("CARGO_PKG_VERSION")),
            comment: "packet comments by synfin explain",
            ..Section::default()
        };
        let name = output.to_string();
        let annotator = Annotator::new(output, of.reader(), &section)
            .map_err(|error| Failure::io(format_args!("write {name}"), &error))?;
        Ok(Annotated { annotator, pace })
    }

    /// Writes one packet as it was, with a comment.
    pub(super) fn packet(&mut self, record: &Record<'_>, comment: Option<&str>) -> Result<(), Failure> {
        let written = self.annotator.packet(record, comment.as_slice()).and_then(|()| match self.pace {
            Pace::OfBuffer => Ok(()),
            Pace::OfPackets => self.annotator.flush(),
        });
        self.told(written)
    }

    /// Writes what stands between the packets.
    pub(super) fn block(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        let written = self.annotator.block(block);
        self.told(written)
    }

    /// It is whole.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.annotator.into_inner().finish()
    }

    fn told(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| self.annotator.get_mut().failed(&error))
    }
}
