//! The capture again, as pcapng with our words as packet comments; Wireshark shows them as
//! `frame.comment`.

use crate::failure::Failure;
use capture::{Format, Interface, InterfaceId, LinkType, PacketInfo, Record, Section, Writer};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A copy being written.
pub(super) struct Annotated {
    path: PathBuf,
    writer: Writer<BufWriter<File>>,
    /// Interfaces of the original, with the numbers they have here.
    interfaces: Vec<(InterfaceId, LinkType, InterfaceId)>,
}

impl Annotated {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::io(format_args!("write {}", path.display()), &error);
        let out = BufWriter::new(File::create(path).map_err(failed)?);
        let section = Section {
            application: concat!("synfin ", env!("CARGO_PKG_VERSION")),
            comment: "packet comments by synfin explain",
            ..Section::default()
        };
        let writer = Writer::new(out, Format::Pcapng, &section).map_err(failed)?;
        Ok(Annotated { path: path.to_owned(), writer, interfaces: Vec::new() })
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::io(format_args!("write {}", self.path.display()), error)
    }

    /// Writes one packet as it was, with a comment.
    pub(super) fn write(&mut self, record: &Record<'_>, comment: Option<&str>) -> Result<(), Failure> {
        let known = self
            .interfaces
            .iter()
            .find(|(number, link_type, _)| (*number, *link_type) == (record.interface, record.link_type));
        let interface = match known {
            Some((_, _, here)) => *here,
            None => {
                let added = self.writer.add_interface(&Interface::new(record.link_type));
                let here = added.map_err(|error| self.failed(&error))?;
                self.interfaces.push((record.interface, record.link_type, here));
                here
            }
        };
        let info = PacketInfo {
            interface,
            time_ns: record.time_ns,
            direction: record.direction,
            wire_bytes: Some(record.wire_bytes),
            comments: comment.as_slice(),
        };
        self.writer.write_slices(&info, &[record.bytes]).map_err(|error| self.failed(&error))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| self.failed(&error))
    }
}
