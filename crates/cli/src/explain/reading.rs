//! From a file to the lens: open, read, decode, hand over; and report where the file is damaged.

use super::annotate::{Annotated, say};
use super::held_back::{HeldBack, Told};
use super::pipeline;
use super::window::Window;
use crate::failure::{Exit, Failure};
use crate::notes::{self, note};
use crate::output::Files;
use capture::{Block, Decoded, Piece, Reader, Record};
use indicatif::ProgressBar;
use lens::{Completeness, Config, Contents, Filter, Intake, Lens, Segment, Sink, Subject};
use report::words::{self, Language};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Packets between two updates of the progress bar.
const PACKETS_PER_TICK: u64 = 1 << 16;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    intake: Intake,
    is_live: bool,
}

impl Summary {
    /// What came out of the file besides its segments.
    pub(super) fn intake(&self) -> &Intake {
        &self.intake
    }

    /// What the packets are.
    pub(super) fn contents(&self) -> &Contents {
        self.intake.contents()
    }

    /// Prints on standard error what could not be read.
    pub(super) fn print_warnings(&self, language: Language) {
        for sentence in words::left_out(self.contents(), language) {
            note(format_args!("synfin: {sentence}"));
        }
        if let Some(moved) = words::put_in_order(self.intake.order(), language) {
            note(format_args!("synfin: {moved}"));
        }
        if let Some(damage) = self.intake.damage() {
            eprintln!("synfin: {}", words::damage(damage, language));
        }
    }

    /// Whether the capture was damaged, or is a file that holds packets and none of them is TCP. On an interface it is
    /// no trouble that nobody spoke TCP.
    pub(super) fn exit_code(&self) -> ExitCode {
        let nothing_to_explain = !self.is_live && self.contents().tcp() == 0 && self.contents().not_tcp() > 0;
        match (self.intake.damage().is_some(), nothing_to_explain) {
            (true, _) => Exit::Input,
            (_, true) => Exit::Trouble,
            _ => Exit::Fine,
        }
        .into()
    }

    /// The same, of an interface.
    pub(super) fn of_interface(self) -> Self {
        Summary { is_live: true, ..self }
    }
}

/// What to do with a capture besides the analysis.
#[derive(Default)]
pub(super) struct ReadOptions<'a> {
    /// Write a copy with comments.
    pub(super) annotated: Option<&'a mut Annotated>,
    /// The language of these comments.
    pub(super) comments: Language,
    /// Show only these segments.
    pub(super) filter: Option<&'a Filter>,
    /// How the connections end, for a filter that needs it.
    pub(super) ends: Option<&'a Ends>,
    /// Nothing is shown before the end, so that a pipe may be read ahead.
    pub(super) may_wait: bool,
}

/// The completeness of every connection at its end, by stream.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<Completeness>);

impl Ends {
    /// Reads a capture only for this, as Wireshark's first pass does.
    pub(super) fn of(source: Opened) -> Result<Self, Failure> {
        let mut ends = Ends::default();
        pipeline::run(&mut ends, |feed| {
            for_each_item(source, Blocks::Skipped, |item| {
                if let Item::Segment(_, _, segment) = item {
                    feed.push(segment);
                }
                Ok(())
            })
        })?;
        Ok(ends)
    }

    /// That of one connection, if it is known.
    pub(super) fn of_stream(&self, stream: u32) -> Option<Completeness> {
        self.0.get(stream as usize).copied()
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

/// A source of packets: its name, its length if that is known (else 0), and its bytes.
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
            let name = "standard input".to_owned();
            let input = std::io::stdin().lock();
            files.read(&name, &input)?;
            let bytes = input.as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
            let bytes = bytes.ok().filter(Metadata::is_file).map_or(0, |metadata| metadata.len());
            return Ok(Source { name, bytes, input: Box::new(input) });
        }
        let failed = |error| Failure::reading(&name, &error);
        let file = File::open(path).map_err(failed)?;
        files.read(&name, &file)?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Ok(Source { name, bytes, input: Box::new(file) })
    }

    /// An interface.
    pub(super) fn live(
        interface: &str,
        limit: Option<Duration>,
        language: Language,
    ) -> Result<Self, Failure> {
        let input = Box::new(super::live::start(interface, limit, language)?);
        Ok(Source { name: interface.to_owned(), bytes: 0, input })
    }

    /// Reads the first bytes, which tell the format.
    ///
    /// # Errors
    /// The source is not a capture.
    pub(super) fn recognized(self, language: Language) -> Result<Opened, Failure> {
        let Source { name, bytes, input } = self;
        let reader =
            Reader::new(input).map_err(|error| Failure::input(words::unreadable(&error, &name, language)))?;
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

/// An item of a capture.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    /// A segment that is in a packet. Nearly all packets have one; some have several.
    Segment(&'a Record<'a>, &'a Decoded<'a>, &'a Segment),
    /// A packet, behind all its segments.
    Packet(&'a Record<'a>),
    /// Anything else.
    Block(&'a Block<'a>),
}

/// Reads the whole capture into the sink.
pub(super) fn read(
    source: Opened,
    sink: &mut (impl Sink + Send),
    options: ReadOptions<'_>,
) -> Result<Summary, Failure> {
    // what is shown as it comes is not put in order: it would wait for what may be late
    let waits = source.bytes > 0 || options.may_wait;
    // the second thread takes only segments
    if waits && options.annotated.is_none() && options.filter.is_none() {
        let (mut summary, order) = pipeline::run(sink, |feed| {
            for_each_item(source, Blocks::Skipped, |item| {
                if let Item::Segment(_, _, segment) = item {
                    feed.push(segment);
                }
                Ok(())
            })
        })?;
        summary.intake.ordered(order);
        return Ok(summary);
    }
    if waits {
        let blocks = if options.annotated.is_some() { Blocks::Visited } else { Blocks::Skipped };
        let mut window = Window::new(sink, options);
        let mut summary = for_each_item(source, blocks, |item| window.take(item))?;
        summary.intake.ordered(window.finish()?);
        return Ok(summary);
    }
    let ReadOptions { mut annotated, comments, filter, ends, .. } = options;
    let mut lens = Lens::new(Config::default());
    let mut origin = None;
    let blocks = if annotated.is_some() { Blocks::Visited } else { Blocks::Skipped };
    let mut told = Told::default();
    // on the segments of the packet that is being read
    let mut comment: Option<String> = None;
    let summary = for_each_item(source, blocks, |item| {
        let (record, decoded, segment) = match (item, &mut annotated) {
            (Item::Segment(record, decoded, segment), _) => (record, decoded, segment),
            (Item::Packet(record), Some(annotated)) => {
                return annotated.packet(record, comment.take().as_deref());
            }
            (Item::Block(block), Some(annotated)) => return annotated.block(block),
            (Item::Packet(_) | Item::Block(_), None) => return Ok(()),
        };
        let mut held = HeldBack::of(&mut *sink);
        let analysis = &lens.take(segment, &mut held);
        let corrections = held.corrections;
        let origin = *origin.get_or_insert(segment.time);
        let end = ends.and_then(|ends| ends.of_stream(analysis.stream));
        let mut seen_whole = *analysis;
        seen_whole.completeness = end.unwrap_or(analysis.completeness);
        let passes = |filter: &Filter| {
            filter.holds(&Subject::of_packet(record, decoded, segment, &seen_whole, origin))
        };
        if filter.is_none_or(passes) {
            sink.segment(segment, analysis);
            told.note(analysis, segment.frame);
        }
        for correction in corrections.iter().filter(|correction| told.holds(correction)) {
            sink.corrected(correction);
        }
        if annotated.is_some() {
            say(&mut comment, segment, analysis, &corrections, comments);
        }
        Ok(())
    })?;
    lens.finish(sink);
    Ok(summary)
}

/// What happens to blocks that are not packets. Skipping them is faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocks {
    Skipped,
    Visited,
}

/// Calls `take` with each item of the capture.
fn for_each_item(
    source: Opened,
    blocks: Blocks,
    mut take: impl FnMut(Item<'_>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    let Opened { name, bytes, mut reader } = source;
    let progress = progress(bytes);
    let mut intake = Intake::default();
    let failed = |error: std::io::Error| Failure::reading(&name, &error);
    let tick = |reader: &Reader<_>| {
        if reader.packets().is_multiple_of(PACKETS_PER_TICK) {
            progress.set_position(reader.bytes_read());
        }
    };
    match blocks {
        // Records are bound by reference, here and below, because they are large: moving one out of its
        // `Option` costs more than decoding the packet.
        Blocks::Skipped => {
            while let Some(record) = reader.next() {
                match &record {
                    Ok(record) => decode(&mut intake, record, &mut take)?,
                    Err(error) => intake.stop(error).map_err(failed)?,
                }
                tick(&reader);
            }
        }
        Blocks::Visited => {
            while let Some(piece) = reader.next_piece() {
                match &piece {
                    Ok(Piece::Packet(record)) => decode(&mut intake, record, &mut take)?,
                    Ok(Piece::Block(block)) => take(Item::Block(block))?,
                    Err(error) => intake.stop(error).map_err(failed)?,
                }
                tick(&reader);
            }
        }
    }
    progress.finish_and_clear();
    Ok(Summary { intake, is_live: false })
}

/// Hands over what is in a packet, then the packet.
#[inline]
fn decode(
    intake: &mut Intake,
    record: &Record<'_>,
    take: &mut impl FnMut(Item<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut taken = Ok(());
    intake.decode(record, |decoded, segment| {
        if taken.is_ok() {
            taken = take(Item::Segment(record, decoded, segment));
        }
    });
    taken.and_then(|()| take(Item::Packet(record)))
}

/// A progress bar on a terminal for files that take a while to read; hidden otherwise.
fn progress(bytes: u64) -> ProgressBar {
    /// Shorter files are read before a bar is of use.
    const LONG_FILE_BYTES: u64 = 64 << 20;
    if bytes < LONG_FILE_BYTES {
        return ProgressBar::hidden();
    }
    notes::bar(bytes, "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go")
}
