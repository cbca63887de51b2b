//! From a file to the lens: open, read, take apart, hand over; and say where the file is damaged.

use super::annotate::Annotated;
use super::left_out::LeftOut;
use super::pipeline;
use crate::failure::{Exit, Failure};
use crate::notes::{self, note};
use crate::output::Files;
use capture::{Block, Decoded, Decoder, Error, Piece, Reader, Record};
use indicatif::ProgressBar;
use lens::{Completeness, Config, Filter, Lens, Segment, Sink, Subject};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Packets between two looks at the progress bar.
const PACKETS_PER_TICK: u64 = 1 << 16;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// Where the file is damaged or cut short, in words.
    damage: Option<String>,
    left_out: LeftOut,
}

impl Summary {
    /// Says on standard error what could not be read.
    pub(super) fn tell(&self) {
        for sentence in self.left_out.sentences() {
            note(format_args!("synfin: {sentence}"));
        }
        if let Some(damage) = &self.damage {
            eprintln!("synfin: the capture was read up to its damage: {damage}");
        }
    }

    /// Whether the capture was damaged.
    pub(super) fn exit_code(&self) -> ExitCode {
        if self.damage.is_some() { Exit::Input } else { Exit::Fine }.into()
    }
}

/// Holds back segments, so that a filter can decide about them; all else goes through.
struct Held<'a, S>(&'a mut S);

impl<S: Sink> Sink for Held<'_, S> {
    fn connection(&mut self, connection: &lens::Connection) {
        self.0.connection(connection);
    }

    fn finding(&mut self, finding: &lens::Finding) {
        self.0.finding(finding);
    }

    fn notice(&mut self, notice: &lens::Notice) {
        self.0.notice(notice);
    }
}

/// What to do with a capture besides explaining it.
#[derive(Default)]
pub(super) struct Wishes<'a> {
    /// Write it again, with comments.
    pub(super) annotated: Option<&'a mut Annotated>,
    /// Show only these segments.
    pub(super) filter: Option<&'a Filter>,
    /// How the connections will have ended, for a filter that asks.
    pub(super) ends: Option<&'a Ends>,
}

/// The completeness of every connection at its end, by stream.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<Completeness>);

impl Ends {
    /// Reads a capture for nothing else, as Wireshark's first pass does.
    pub(super) fn of(source: Opened) -> Result<Self, Failure> {
        let mut ends = Ends::default();
        pipeline::run(&mut ends, |feed| {
            each(source, Blocks::Passed, |seen| {
                if let Seen::Packet(_, Some((_, segment))) = seen {
                    feed.push(segment);
                }
                Ok(())
            })
        })?;
        Ok(ends)
    }
}

impl Sink for Ends {
    fn connection(&mut self, connection: &lens::Connection) {
        let place = connection.stream as usize;
        if self.0.len() <= place {
            self.0.resize(place + 1, Completeness::default());
        }
        self.0[place] = connection.completeness;
    }
}

/// Where packets come from: what to call it, how many bytes there will be if that is known, and they.
pub(super) struct Source {
    name: String,
    bytes: u64,
    input: Box<dyn Read>,
}

impl Source {
    /// A file, or standard input for `-`; it joins the other `files`.
    pub(super) fn file(path: &Path, files: &mut Files) -> Result<Self, Failure> {
        let name = path.display().to_string();
        if name == "-" {
            let (name, input) = ("standard input", std::io::stdin().lock());
            files.read(name, &input)?;
            return Ok(Source { name: name.to_owned(), bytes: 0, input: Box::new(input) });
        }
        let failed = |error| Failure::reading(&name, &error);
        let file = File::open(path).map_err(failed)?;
        files.read(&name, &file)?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Ok(Source { name, bytes, input: Box::new(file) })
    }

    /// An interface.
    pub(super) fn live(interface: &str, limit: Option<Duration>) -> Result<Self, Failure> {
        let input = Box::new(super::live::start(interface, limit)?);
        Ok(Source { name: interface.to_owned(), bytes: 0, input })
    }

    /// Reads its first bytes.
    ///
    /// # Errors
    /// It is no capture.
    pub(super) fn recognized(self) -> Result<Opened, Failure> {
        let Source { name, bytes, input } = self;
        let reader = Reader::new(input).map_err(|error| Failure::input(format!("{name}: {error}")))?;
        Ok(Opened { name, bytes, reader })
    }
}

/// A source that is a capture.
pub(super) struct Opened {
    name: String,
    bytes: u64,
    reader: Reader<Box<dyn Read>>,
}

impl Opened {
    pub(super) fn reader(&self) -> &Reader<Box<dyn Read>> {
        &self.reader
    }
}

/// What stands in a capture, one after the other.
enum Seen<'a> {
    /// A packet, with the segment that is in it.
    Packet(&'a Record<'a>, Option<(&'a Decoded<'a>, &'a Segment)>),
    /// Anything else.
    Block(&'a Block<'a>),
}

/// Reads the whole capture into the sink.
pub(super) fn read(
    source: Opened,
    sink: &mut (impl Sink + Send),
    wishes: Wishes<'_>,
) -> Result<Summary, Failure> {
    let Wishes { mut annotated, filter, ends } = wishes;
    // segments alone go to another thread; what is listened to shall be told at once
    if annotated.is_none() && filter.is_none() && source.bytes > 0 {
        return pipeline::run(sink, |feed| {
            each(source, Blocks::Passed, |seen| {
                if let Seen::Packet(_, Some((_, segment))) = seen {
                    feed.push(segment);
                }
                Ok(())
            })
        });
    }
    let (mut lens, mut origin) = (Lens::new(Config::default()), None);
    let blocks = if annotated.is_some() { Blocks::Taken } else { Blocks::Passed };
    let summary = each(source, blocks, |seen| {
        let (record, found) = match (seen, &mut annotated) {
            (Seen::Packet(record, found), _) => (record, found),
            (Seen::Block(block), Some(annotated)) => return annotated.block(block),
            (Seen::Block(_), None) => return Ok(()),
        };
        let mut comment = None;
        if let Some((decoded, segment)) = found {
            let analysis = &lens.take(segment, &mut Held(&mut *sink));
            let origin = *origin.get_or_insert(segment.time);
            let end = ends.and_then(|ends| ends.0.get(analysis.stream as usize)).copied();
            let mut seen_whole = *analysis;
            seen_whole.completeness = end.unwrap_or(analysis.completeness);
            let passes = |filter: &Filter| {
                filter.holds(&Subject::of_packet(record, decoded, segment, &seen_whole, origin))
            };
            if filter.is_none_or(passes) {
                sink.segment(segment, analysis);
            }
            if annotated.is_some() {
                comment = report::captured::comment(segment, analysis);
            }
        }
        annotated.as_mut().map_or(Ok(()), |annotated| annotated.packet(record, comment.as_deref()))
    })?;
    lens.finish(sink);
    Ok(summary)
}

/// What happens to what stands between packets. Passing it is faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocks {
    Passed,
    Taken,
}

/// Hands `take` all that is in the capture.
fn each(
    source: Opened,
    blocks: Blocks,
    mut take: impl FnMut(Seen<'_>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    let Opened { name, bytes, mut reader } = source;
    let progress = progress(bytes);
    let mut packets = Packets::default();
    let tick = |reader: &Reader<_>| {
        if reader.packets().is_multiple_of(PACKETS_PER_TICK) {
            progress.set_position(reader.bytes_read());
        }
    };
    match blocks {
        // records are bound by reference, here and below: these are large, and moving them out of their
        // options costs more than taking the packet apart
        Blocks::Passed => {
            while let Some(record) = reader.next() {
                match &record {
                    Ok(record) => packets.take_apart(record, &mut take)?,
                    Err(error) => packets.end(error, &name)?,
                }
                tick(&reader);
            }
        }
        Blocks::Taken => {
            while let Some(piece) = reader.next_piece() {
                match &piece {
                    Ok(Piece::Packet(record)) => packets.take_apart(record, &mut take)?,
                    Ok(Piece::Block(block)) => take(Seen::Block(block))?,
                    Err(error) => packets.end(error, &name)?,
                }
                tick(&reader);
            }
        }
    }
    progress.finish_and_clear();
    Ok(packets.summary)
}

/// Packets being taken apart.
#[derive(Default)]
struct Packets {
    decoder: Decoder,
    summary: Summary,
}

impl Packets {
    #[inline]
    fn take_apart(
        &mut self,
        record: &Record<'_>,
        take: &mut impl FnMut(Seen<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match &self.decoder.decode(record) {
            Ok(decoded) => {
                let segment = &Segment::of_packet(record, decoded);
                take(Seen::Packet(record, segment.as_ref().map(|segment| (decoded, segment))))
            }
            Err(why) => {
                self.summary.left_out.count(*why);
                take(Seen::Packet(record, None))
            }
        }
    }

    /// The last thing that a reader says: damage is told at the end, another failure is one.
    fn end(&mut self, error: &Error, name: &str) -> Result<(), Failure> {
        if let Error::Io(error) = error {
            return Err(Failure::reading(name, error));
        }
        self.summary.damage = Some(error.to_string());
        Ok(())
    }
}

/// A bar on a terminal for files that take a while; nothing anywhere else.
fn progress(bytes: u64) -> ProgressBar {
    const LONG_FILE_BYTES: u64 = 64 << 20;
    if bytes < LONG_FILE_BYTES {
        return ProgressBar::hidden();
    }
    notes::bar(bytes, "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go")
}
