//! `synfin explain`: reads a capture and explains both ends of every connection.
//!
//! `capture` reads, `lens` analyses, `report` draws; here they are connected, and what the user wants to see
//! is chosen.

mod annotate;
mod held_back;
mod lines;
mod list;
mod live;
mod overview;
mod pipeline;
mod reading;
mod summary;
mod window;

use crate::failure::{Failure, Outcome, print};
use crate::notes::note;
use crate::output::{Existing, Files, Output};
use crate::terminal::{self, Lang};
use crate::units::whole;
use annotate::Flush;
use clap::Args;
use lens::{Connection, Contents, Filter, KeepSegments, Kept};
use overview::{Overview, Sort};
use report::Style;
use report::ladder::{Numbers, Options};
use report::words::{self, Language};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Explain a capture: the states of both ends, why each segment was sent, what went wrong
#[derive(Args)]
#[command(after_help = "Examples:
  synfin explain trace.pcapng                    findings, then a table of the connections
  synfin explain trace.pcap.gz --stream 3        one connection as a ladder, with states and reasons
  synfin explain trace.pcap --stream 3 -a        the same with the numbers of the headers
  synfin explain trace.pcap --filter 'http || tcp.flags.syn == 1'
  synfin explain trace.pcap -Y 'tcp.payload matches \"^get /\"'   of any case
  synfin explain trace.pcap --filter 'synfin.why == \"rto\"' --absolute
  synfin explain trace.pcap --json | jq ...      one JSON object a line
  synfin explain trace.pcap --html trace.html    a page to explore, in one file
  synfin explain trace.pcap --annotate out.pcapng    verdicts as packet comments, for Wireshark
  tcpdump -w - | synfin explain -                from standard input
  synfin explain --live eth0 -Y 'tcp.port == 80'  as it happens; needs CAP_NET_RAW")]
pub(crate) struct Explain {
    /// The capture: pcap or pcapng, also in gzip or zstd; `-` for standard input
    ///
    /// Records that stand up to 100 ms late in it, among so many others as fit into some batches, are analysed in the
    /// order of time; with --annotate the copy keeps the order of the file. Not so what is shown as it comes: with
    /// --live, and with --json or --csv from a pipe.
    #[arg(value_name = "FILE", required_unless_present = "live")]
    file: Option<PathBuf>,
    /// Listen on this network interface instead of reading a file, until Ctrl-C
    #[arg(long, value_name = "IFACE", conflicts_with = "file")]
    live: Option<String>,
    /// Listen for at most this long
    #[arg(long = "for", value_name = "SECONDS", requires = "live", conflicts_with = "file", allow_negative_numbers = true, value_parser = whole(1..=u64::MAX))]
    seconds: Option<u64>,
    /// Show only segments that pass this display filter of Wireshark, such as `tcp.port == 80`
    ///
    /// Fields and operators are those of Wireshark that concern TCP: ==, !=, <, <=, &, contains,
    /// matches, in {80, 8000..8099}, any, all, len(), count(), lower(), upper(), parts of bytes such as
    /// tcp.payload[0:4]. Ours are synfin.state (also .src and .dst), synfin.why and synfin.confidence, as they
    /// are known when the segment is read: what a later one corrects is told of the segments that passed.
    #[arg(long, short = 'Y', value_name = "EXPR", value_parser = Filter::parse)]
    filter: Option<Filter>,
    /// Draw this connection as a ladder
    #[arg(long, value_name = "N", conflicts_with_all = ["json", "csv", "zeek"], allow_negative_numbers = true, value_parser = whole(0..=u32::MAX))]
    stream: Option<u32>,
    /// Show the numbers of the headers instead of relative ones
    #[arg(long, short)]
    absolute: bool,
    /// Draw runs of more than this many ordinary segments as one line
    #[arg(long, value_name = "N", requires = "stream", allow_negative_numbers = true, value_parser = whole(0..=usize::MAX))]
    fold: Option<usize>,
    /// Show at most this many connections, and as many findings or groups of them
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 50, value_parser = whole(0..=usize::MAX))]
    top: usize,
    /// Sort the connections by this column
    #[arg(long, value_enum, default_value_t = Sort::Stream)]
    sort: Sort,
    /// Print one JSON object per line: segments, what later ones correct of them, connections, findings
    #[arg(long, conflicts_with_all = ["csv", "zeek"])]
    json: bool,
    /// Print one line of CSV per segment
    #[arg(long, conflicts_with = "zeek")]
    csv: bool,
    /// Print connections in the columns of Zeek's conn.log
    #[arg(long)]
    zeek: bool,
    /// Write a copy of the capture as pcapng, with verdicts and reasons added as packet comments; `-` for
    /// standard output
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
    /// Write a page to explore the capture, in one file, and print a summary
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "csv", "zeek"])]
    html: Option<PathBuf>,
    /// The language of what is found; without it that of LC_ALL, LC_MESSAGES or LANG
    ///
    /// With --json and --annotate, which programs read, sentences are English unless this option says otherwise. The
    /// names of fields and values never change, nor does --csv or --zeek.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Lang>,
    /// With --live, let --annotate replace a file that exists
    #[arg(long, requires = "live", requires = "annotate")]
    force: bool,
}

/// Segments that are kept for one ladder; a longer connection is cut with a notice.
const LADDER_SEGMENTS_MAX: usize = 200_000;

/// The open inputs and outputs of a run.
struct OpenFiles {
    source: reading::Opened,
    annotated: Option<annotate::Annotated>,
    page: Option<Output>,
}

impl Explain {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let language = self.language();
        let mut open = self.open()?;
        let summary = if self.json || self.csv || self.zeek {
            let mut lines = lines::Lines::new(self.form(), Lang::of_programs(self.lang))?;
            let summary = self.read(open.source, &mut open.annotated, &mut lines)?;
            finish(open.annotated, None, language)?;
            lines.contents(summary.contents());
            lines.finish()?;
            if summary.contents().tcp() == 0 {
                note(format_args!("synfin: {}", words::no_tcp(summary.contents(), language)));
            }
            summary
        } else if self.live.is_some() && self.stream.is_none() && self.html.is_none() {
            let mut live = list::Live::new(
                self.absolute,
                terminal::for_lists(style).width,
                Overview::new(self.sort, self.top, language),
            );
            let summary = self.read(open.source, &mut open.annotated, &mut live)?;
            finish(open.annotated, None, language)?;
            print("\n")?;
            live.overview.show(summary.contents(), style)?;
            summary
        } else if self.wanted_segments() == KeepSegments::None {
            let mut overview = Overview::new(self.sort, self.top, language);
            let summary = self.read(open.source, &mut open.annotated, &mut overview)?;
            finish(open.annotated, None, language)?;
            overview.show(summary.contents(), style)?;
            summary
        } else {
            let mut kept = match self.html {
                Some(_) => report::captured::kept_for_page(),
                None => Kept { segments_max: LADDER_SEGMENTS_MAX, ..Kept::default() },
            };
            kept.keep_segments = self.wanted_segments();
            let summary = self.read(open.source, &mut open.annotated, &mut kept)?;
            let stream = self.stream.map(|stream| connection(&kept, stream, language)).transpose()?;
            if let Some(page) = &mut open.page {
                let (intake, source) = (summary.intake(), self.source_name());
                let data = report::captured::page_of_file(&kept, intake, &source, language);
                page.take(&report::page::html(&data))?;
            }
            finish(open.annotated, open.page, language)?;
            self.show(&kept, stream, summary.contents(), style)?;
            summary
        };
        summary.print_warnings(language);
        Ok(summary.exit_code())
    }

    /// Of what people read.
    fn language(&self) -> Language {
        Lang::of_people(self.lang)
    }

    fn form(&self) -> lines::Form {
        match (self.json, self.csv) {
            (true, _) => lines::Form::Json,
            (_, true) => lines::Form::Csv,
            _ => lines::Form::Zeek,
        }
    }

    fn wanted_segments(&self) -> KeepSegments {
        match self.stream {
            _ if self.html.is_some() => KeepSegments::All,
            Some(stream) => KeepSegments::Stream(stream),
            None if self.filter.is_some() => KeepSegments::All,
            None => KeepSegments::None,
        }
    }

    /// Opens the input, and the outputs only once the input is known to be a capture.
    fn open(&self) -> Result<OpenFiles, Failure> {
        let mut files = Files::new();
        let file = self.file.as_deref().map(|path| reading::Source::file(path, &mut files)).transpose()?;
        if self.json || self.csv || self.zeek {
            files.print(self.form().flag());
        }
        let existing = if self.force { Existing::Overwritten } else { Existing::Refused };
        let annotate = self.annotate.as_deref().map(|path| match self.live {
            Some(_) => files.record("--annotate", path, existing),
            None => files.write("--annotate", path),
        });
        let annotate = annotate.transpose()?;
        let html = self.html.as_deref().map(|path| files.write("--html", path)).transpose()?;
        let (source, flush) = match (file, &self.live) {
            (Some(file), _) => (file, Flush::WhenFull),
            (None, Some(interface)) => {
                let limit = self.seconds.map(Duration::from_secs);
                (reading::Source::live(interface, limit, self.language())?, Flush::EachPacket)
            }
            (None, None) => return Err(Failure::usage("name a capture file, or an interface with --live")),
        };
        let source = source.recognized(self.language())?;
        let annotated = annotate.map(|target| annotate::Annotated::begin(target.begin()?, &source, flush));
        let annotated = annotated.transpose()?;
        let page = html.map(|target| target.begin()).transpose()?;
        Ok(OpenFiles { source, annotated, page })
    }

    fn read(
        &self,
        source: reading::Opened,
        annotated: &mut Option<annotate::Annotated>,
        sink: &mut (impl lens::Sink + Send),
    ) -> Result<reading::Summary, Failure> {
        let ends = self.ends()?;
        let filter = self.filter.as_ref();
        let may_wait = self.live.is_none() && !self.json && !self.csv;
        let options = reading::ReadOptions {
            annotated: annotated.as_mut(),
            comments: Lang::of_programs(self.lang),
            filter,
            ends: ends.as_ref(),
            may_wait,
        };
        let summary = reading::read(source, sink, options)?;
        Ok(if self.live.is_some() { summary.of_interface() } else { summary })
    }

    /// How the connections end, if the filter needs to know it and the capture can be read twice.
    fn ends(&self) -> Result<Option<reading::Ends>, Failure> {
        if !self.filter.as_ref().is_some_and(Filter::looks_ahead) {
            return Ok(None);
        }
        match &self.file {
            Some(file) if file.is_file() => {
                let source = reading::Source::file(file, &mut Files::new())?;
                reading::Ends::of(source.recognized(self.language())?).map(Some)
            }
            _ => {
                note(format_args!("synfin: {}", words::completeness_so_far(self.language())));
                Ok(None)
            }
        }
    }

    fn show(
        &self,
        kept: &Kept,
        stream: Option<&Connection>,
        contents: &Contents,
        style: &Style,
    ) -> Result<(), Failure> {
        match stream {
            Some(connection) => self.show_stream(kept, connection, style),
            None if self.filter.is_some() => self.show_segments(kept, style),
            None if self.html.is_some() => summary::show(kept, contents, self.top, (self.language(), style)),
            None => Overview::of(kept, self.sort, self.top, self.language()).show(contents, style),
        }
    }

    /// The name of the capture on a page.
    fn source_name(&self) -> String {
        let file = self.file.as_deref().and_then(std::path::Path::file_name);
        match (&self.live, file) {
            (Some(interface), _) => interface.clone(),
            (None, Some(name)) => name.to_string_lossy().into_owned(),
            (None, None) => String::new(),
        }
    }

    /// Prints the segments that passed the filter, then their connections.
    fn show_segments(&self, kept: &Kept, style: &Style) -> Result<(), Failure> {
        if kept.segments.is_empty() {
            return print(&format!("{}\n", words::nothing_passes(self.language())));
        }
        print(&list::segments(kept, self.absolute, self.language()).text(&terminal::for_lists(style)))?;
        let streams: BTreeSet<u32> = kept.segments.iter().map(|(_, analysis)| analysis.stream).collect();
        print("\n")?;
        for connection in
            kept.connections.iter().filter(|connection| streams.contains(&connection.stream)).take(self.top)
        {
            let language = self.language();
            let sentence = words::connection(connection, language);
            let line = words::of_stream(connection.stream, &sentence, language);
            print(&terminal::for_lists(style).paragraph(&line, 0))?;
        }
        Ok(())
    }

    fn show_stream(&self, kept: &Kept, connection: &Connection, style: &Style) -> Result<(), Failure> {
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let language = self.language();
        let limits = words::limits(connection, language);
        for line in &limits {
            print(&style.paragraph(line, 1))?;
        }
        if !limits.is_empty() {
            print("\n")?;
        }
        let ladder = report::captured::ladder(connection, &kept.segments);
        let options = Options { numbers, fold_over: self.fold, language, ..Options::default() };
        print(&ladder.text(&options, style))?;
        print("\n")?;
        print(&style.paragraph(&words::connection(connection, language), 1))?;
        let findings: Vec<_> =
            kept.findings.iter().filter(|finding| finding.stream() == connection.stream).cloned().collect();
        if !findings.is_empty() {
            print("\n")?;
            print(&report::captured::findings(&findings, language).text(style))?;
        }
        Ok(())
    }
}

/// The connection of this number.
fn connection(kept: &Kept, stream: u32, language: Language) -> Result<&Connection, Failure> {
    kept.connections.iter().find(|connection| connection.stream == stream).ok_or_else(|| {
        let count = kept.connections.len() as u64 + kept.connections_left_out;
        Failure::usage(words::no_stream(stream, count, language))
    })
}

/// Finishes the outputs, which puts the files into their places.
fn finish(
    annotated: Option<annotate::Annotated>,
    page: Option<Output>,
    language: Language,
) -> Result<(), Failure> {
    annotated.map_or(Ok(()), annotate::Annotated::finish)?;
    if let Some(page) = page {
        let name = page.to_string();
        page.finish()?;
        note(format_args!("{}", words::wrote(name, language)));
    }
    Ok(())
}
