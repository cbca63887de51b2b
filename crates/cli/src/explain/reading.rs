//! From a file to the lens: open, read, take apart, hand over; and say where the file is damaged.

use super::annotate::Annotated;
use super::left_out::LeftOut;
use super::pipeline;
use crate::failure::Failure;
use capture::{Decoded, Decoder, Error, Reader, Record};
use indicatif::{ProgressBar, ProgressStyle};
use lens::{Config, Filter, Lens, Segment, Sink, Subject};
use std::fs::File;
use std::io::{IsTerminal, Read};
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
            eprintln!("synfin: {sentence}");
        }
        if let Some(damage) = &self.damage {
            eprintln!("synfin: the capture was read up to its damage: {damage}");
        }
    }

    /// 0, or 2 for a capture that is damaged.
    pub(super) fn exit_code(&self) -> ExitCode {
        if self.damage.is_some() { ExitCode::from(2) } else { ExitCode::SUCCESS }
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
}

/// Where packets come from: what to call it, how many bytes there will be if that is known, and they.
pub(super) struct Source {
    name: String,
    bytes: u64,
    input: Box<dyn Read>,
}

impl Source {
    /// A file, or standard input for `-`.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        if name == "-" {
            return Ok(Source {
                name: "standard input".to_owned(),
                bytes: 0,
                input: Box::new(std::io::stdin().lock()),
            });
        }
        let failed = |error| Failure::io(format_args!("read {name}"), &error);
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Ok(Source { name, bytes, input: Box::new(file) })
    }

    /// An interface.
    pub(super) fn live(interface: &str, limit: Option<Duration>) -> Result<Self, Failure> {
        let input = Box::new(super::live::start(interface, limit)?);
        Ok(Source { name: interface.to_owned(), bytes: 0, input })
    }
}

/// Reads the whole capture into the sink.
pub(super) fn read(
    source: Source,
    sink: &mut (impl Sink + Send),
    wishes: Wishes<'_>,
) -> Result<Summary, Failure> {
    let Wishes { mut annotated, filter } = wishes;
    // segments alone go to another thread; what is listened to shall be told at once
    if annotated.is_none() && filter.is_none() && source.bytes > 0 {
        return pipeline::run(sink, |feed| {
            each_packet(source, |_, found| {
                found.into_iter().for_each(|(_, segment)| feed.push(segment));
                Ok(())
            })
        });
    }
    let (mut lens, mut origin) = (Lens::new(Config::default()), None);
    let summary = each_packet(source, |record, found| {
        let mut comment = None;
        if let Some((decoded, segment)) = found {
            let analysis = &lens.take(segment, &mut Held(&mut *sink));
            let origin = *origin.get_or_insert(segment.time);
            let subject = Subject { segment, analysis, text: text_of(decoded), origin };
            if filter.is_none_or(|filter| filter.holds(&subject)) {
                sink.segment(segment, analysis);
            }
            if annotated.is_some() {
                comment = report::captured::comment(segment, analysis);
            }
        }
        annotated.as_mut().map_or(Ok(()), |annotated| annotated.write(record, comment.as_deref()))
    })?;
    lens.finish(sink);
    Ok(summary)
}

/// Hands `take` every packet, with the segment that is in it.
fn each_packet(
    source: Source,
    mut take: impl FnMut(&Record<'_>, Option<(&Decoded<'_>, &Segment)>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    let Source { name, bytes, input } = source;
    let mut reader = Reader::new(input).map_err(|error| Failure::new(format!("{name}: {error}")))?;
    let progress = progress(bytes);
    let (mut decoder, mut summary) = (Decoder::new(), Summary::default());
    while let Some(record) = reader.next() {
        let record = &match record {
            Ok(record) => record,
            Err(Error::Io(error)) => {
                return Err(Failure::io(format_args!("read {name}"), &error));
            }
            Err(error) => {
                summary.damage = Some(error.to_string());
                break;
            }
        };
        let number = record.number;
        // bound by reference: these are large, and moving them out of their options costs more than
        // taking the packet apart
        match &decoder.decode(record) {
            Ok(decoded) => {
                let segment = &Segment::of_packet(record, decoded);
                take(record, segment.as_ref().map(|segment| (decoded, segment)))?;
            }
            Err(why) => {
                summary.left_out.count(*why);
                take(record, None)?;
            }
        }
        if number.is_multiple_of(PACKETS_PER_TICK) {
            progress.set_position(reader.bytes_read());
        }
    }
    progress.finish_and_clear();
    Ok(summary)
}

/// The text of a segment, as far as it was captured.
fn text_of<'a>(decoded: &Decoded<'a>) -> &'a [u8] {
    match decoded {
        Decoded::Tcp(segment) => segment.payload(),
        _ => &[],
    }
}

/// A bar on a terminal for files that take a while; nothing anywhere else.
fn progress(bytes: u64) -> ProgressBar {
    const LONG_FILE_BYTES: u64 = 64 << 20;
    if bytes < LONG_FILE_BYTES || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go")
    {
        bar.set_style(style);
    }
    bar
}
