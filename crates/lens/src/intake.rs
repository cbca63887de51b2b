//! From the packets of a capture file to segments in the order of time, and what is to be said of the file besides.
//!
//! [`Intake::read_all`] does all of it on one thread. Who reads on another, or wants each packet beside its segments, calls
//! the parts. What is *not* here: files; the caller has the [`Reader`].

use crate::{Config, Contents, Lens, Segment, Sink, TimeOrder};
use capture::{Damage, Decoded, Decoder, Error, Reader, Record};
use std::io::{self, Read};

/// What came out of a capture file besides its segments.
///
/// ```
/// use synfin_lens::{Intake, Kept, capture};
/// let mut file = capture::Writer::new(Vec::new(), capture::Format::default(), &capture::Section::default())?;
/// file.add_interface(&capture::Interface::new(capture::LinkType::RAW))?;
/// let file = file.into_inner();
/// let mut reader = capture::Reader::new(&file[..])?;
/// let intake = Intake::read_all(&mut reader, &mut Kept::default())?;
/// assert_eq!(intake.contents().packets(), 0);
/// assert!(intake.damage().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Intake {
    decoder: Decoder,
    contents: Contents,
    damage: Option<Damage>,
    order: TimeOrder,
}

impl Intake {
    /// Segments in a batch: enough that handing it to another thread costs little, few enough to stay in the cache. A
    /// segment that stands too late in the file moves back by half a batch at most, so results depend on it.
    pub const BATCH_SEGMENTS: usize = 512;

    /// Passes the segments of a whole capture to a lens, and finishes it.
    ///
    /// # Errors
    /// Those of the reader's input. Damage is none: the capture is read up to it, see [`Intake::damage`].
    pub fn read_all<R: Read>(reader: &mut Reader<R>, sink: &mut impl Sink) -> io::Result<Intake> {
        let mut intake = Intake::default();
        let mut lens = Lens::new(Config::default());
        let mut batch = Vec::with_capacity(Intake::BATCH_SEGMENTS);
        // Records are bound by reference because they are large: moving one out of its `Option` costs more than
        // decoding the packet.
        while let Some(record) = reader.next() {
            match &record {
                Ok(record) => intake.decode(record, |_, segment| batch.push(*segment)),
                Err(error) => intake.stop(error)?,
            }
            if batch.len() >= Intake::BATCH_SEGMENTS {
                intake.order.sort(&mut batch);
                lens.take_all(&batch, sink);
                batch.clear();
            }
        }
        intake.order.sort(&mut batch);
        batch.extend(intake.order.finish());
        lens.take_all(&batch, sink);
        lens.finish(sink);
        Ok(intake)
    }

    /// Takes a packet apart: nearly all have one segment, some none, some several.
    #[inline]
    pub fn decode(&mut self, record: &Record<'_>, mut take: impl FnMut(&Decoded<'_>, &Segment)) {
        let Intake { decoder, contents, .. } = self;
        decoder.decode_each(record, |found| {
            contents.note(found.map(|_| ()));
            if let Ok(decoded) = found
                && let Some(segment) = &Segment::of_packet(record, decoded)
            {
                take(decoded, segment);
            }
        });
    }

    /// Takes note of the reader's error, which ends the capture.
    ///
    /// # Errors
    /// An error of the input; damage is kept instead.
    pub fn stop(&mut self, error: &Error) -> io::Result<()> {
        match error {
            Error::Io(error) => Err(io::Error::new(error.kind(), error.to_string())),
            Error::Damaged(damage) => {
                self.damage = Some(damage.clone());
                Ok(())
            }
            // Only before the first packet, so the reader has told it when it was made.
            other => Err(io::Error::new(io::ErrorKind::InvalidData, other.to_string())),
        }
    }

    /// Takes note of how the segments were put in order, where that was done elsewhere.
    pub fn ordered(&mut self, order: TimeOrder) {
        self.order = order;
    }

    /// What the packets are.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Where the file is damaged or cut short.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// How many segments stood in the file behind later ones, and by how much at most.
    pub fn order(&self) -> &TimeOrder {
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kept;

    /// A bare SYN, in a classic capture of raw IP, at a time in milliseconds.
    fn record(at_ms: u32) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([0x9c, 0x40, 0, 80, 0, 0, 0, at_ms as u8, 0, 0, 0, 0, 0x50, 2, 0x20, 0, 0, 0, 0, 0]);
        let header = [1, at_ms * 1_000, 40, 40].map(u32::to_le_bytes).concat();
        [header, packet].concat()
    }

    fn file(times_ms: &[u32]) -> Vec<u8> {
        let header = [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65_535, 101].map(u32::to_le_bytes).concat();
        [header, times_ms.iter().flat_map(|at| record(*at)).collect()].concat()
    }

    fn read(file: &[u8]) -> (Intake, Vec<u32>) {
        let mut kept = Kept { keep_segments: crate::KeepSegments::All, ..Kept::default() };
        let mut reader = Reader::new(file).expect("a capture");
        let intake = Intake::read_all(&mut reader, &mut kept).expect("memory can be read");
        (intake, kept.segments.iter().map(|(segment, _)| segment.frame).collect())
    }

    #[test]
    fn segments_come_in_the_order_of_time_over_all_batches() {
        let mut times: Vec<u32> = (0..=Intake::BATCH_SEGMENTS as u32 / 4).map(|n| n * 4).collect();
        times.swap(60, 61);
        let (intake, frames) = read(&file(&times));
        assert_eq!((intake.order().moved(), intake.order().late_ns_max()), (1, 4_000_000));
        assert_eq!((frames[60], frames[61], frames.len()), (62, 61, times.len()));
        assert_eq!(intake.contents().tcp(), times.len() as u64);
    }

    #[test]
    fn damage_ends_a_capture_and_is_kept() {
        let whole = file(&[1, 2, 3]);
        let (intake, frames) = read(&whole[..whole.len() - 1]);
        assert_eq!(frames, [1, 2]);
        assert!(intake.damage().is_some_and(|damage| damage.record == 3), "{:?}", intake.damage());
    }

    #[test]
    fn an_input_that_fails_is_an_error() {
        struct Failing<'a>(&'a [u8]);
        impl Read for Failing<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                match self.0.read(out)? {
                    0 => Err(io::Error::new(io::ErrorKind::PermissionDenied, "gone")),
                    count => Ok(count),
                }
            }
        }
        let whole = file(&[1, 2]);
        let mut reader = Reader::new(Failing(&whole)).expect("the header is there");
        let error = Intake::read_all(&mut reader, &mut Kept::default()).expect_err("it fails at the end");
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::PermissionDenied, "gone".to_owned()));
    }
}
