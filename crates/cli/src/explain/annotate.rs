//! `--annotate`: a copy of the capture as pcapng, with our explanations added as packet comments, which
//! Wireshark shows as `frame.comment`. Everything that the capture held stays in it.

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

/// When written packets reach the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// When the buffer is full.
    OfBuffer,
    /// After each packet, because another program may read along.
    OfPackets,
}

impl Annotated {
    /// Starts a copy of the capture that `of` reads.
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

    /// Writes one packet unchanged, with this comment.
    pub(super) fn packet(&mut self, record: &Record<'_>, comment: Option<&str>) -> Result<(), Failure> {
        let written = self.annotator.packet(record, comment.as_slice()).and_then(|()| match self.pace {
            Pace::OfBuffer => Ok(()),
            Pace::OfPackets => self.annotator.flush(),
        });
        self.told(written)
    }

    /// Writes a block that is not a packet.
    pub(super) fn block(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        let written = self.annotator.block(block);
        self.told(written)
    }

    /// Finishes the file.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.annotator.into_inner().finish()
    }

    fn told(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| self.annotator.get_mut().failed(&error))
    }
}
