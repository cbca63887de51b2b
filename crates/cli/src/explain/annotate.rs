//! `--annotate`: a copy of the capture as pcapng, with our explanations added as packet comments, which
//! Wireshark shows as `frame.comment`. Everything that the capture held stays in it.

use super::reading::Opened;
use crate::failure::Failure;
use crate::output::Output;
use capture::{Annotator, Block, Record, Section};
use lens::{Analysis, Correction, Segment};
use report::words::Language;
use std::io;

/// A copy being written.
pub(super) struct Annotated {
    annotator: Annotator<Output>,
    flush: Flush,
}

/// When written packets reach the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// When the buffer is full.
    WhenFull,
    /// After each packet, because another program may read along.
    EachPacket,
}

impl Annotated {
    /// Starts a copy of the capture that `of` reads.
    pub(super) fn begin(mut output: Output, of: &Opened, flush: Flush) -> Result<Self, Failure> {
        if flush == Flush::EachPacket {
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
        Ok(Annotated { annotator, flush })
    }

    /// Writes one packet unchanged, with this comment.
    pub(super) fn packet(&mut self, record: &Record<'_>, comment: Option<&str>) -> Result<(), Failure> {
        let written = self.annotator.packet(record, comment.as_slice()).and_then(|()| match self.flush {
            Flush::WhenFull => Ok(()),
            Flush::EachPacket => self.annotator.flush(),
        });
        self.checked(written)
    }

    /// Writes a block that is not a packet.
    pub(super) fn block(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        let written = self.annotator.block(block);
        self.checked(written)
    }

    /// Finishes the file.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.annotator.into_inner().finish()
    }

    fn checked(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        written.map_err(|error| self.annotator.get_mut().failed(&error))
    }
}

/// Adds to the comment of a packet what is said of one of its segments, and what that shows of earlier ones.
pub(super) fn say(
    comment: &mut Option<String>,
    segment: &Segment,
    analysis: &Analysis,
    corrections: &[Correction],
    language: Language,
) {
    let corrected = corrections.iter().map(|of| report::captured::correction_comment(of, language));
    for another in report::captured::comment(segment, analysis, language).into_iter().chain(corrected) {
        *comment = Some(match comment.take() {
            Some(first) => first + "\n" + &another,
            None => another,
        });
    }
}
