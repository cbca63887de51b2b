//! `synfin explain`: reads a capture and tells the story of both ends of every connection.
//!
//! Reading is `capture`'s, understanding `lens`'s, showing `report`'s; here they are put in a row, and
//! what the user wants to see is chosen.

mod annotate;
mod left_out;
mod list;
mod live;
mod outputs;
mod overview;
mod pipeline;
mod reading;

use crate::failure::{Failure, Outcome, print};
use crate::notes::note;
use crate::units::whole;
use clap::Args;
use lens::{Filter, KeepSegments, Kept};
use overview::{Overview, Sort};
use report::Style;
use report::ladder::{Numbers, Options};
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
  synfin explain trace.pcap --html trace.html    a page to look around in, in one file
  synfin explain trace.pcap --annotate out.pcapng    verdicts as packet comments, for Wireshark
  tcpdump -w - | synfin explain -                from standard input
  synfin explain --live eth0 -Y 'tcp.port == 80'  as it happens; needs CAP_NET_RAW")]
pub(crate) struct Explain {
    /// The capture: pcap or pcapng, also in gzip or zstd; `-` for standard input
    #[arg(value_name = "FILE", required_unless_present = "live")]
    file: Option<PathBuf>,
    /// Listen on this network interface instead of reading a file, until Ctrl-C
    #[arg(long, value_name = "IFACE", conflicts_with = "file")]
    live: Option<String>,
    /// Listen for so long at most
    #[arg(long = "for", value_name = "SECONDS", requires = "live", conflicts_with = "file", allow_negative_numbers = true, value_parser = whole(1..=u64::MAX))]
    seconds: Option<u64>,
    /// Show only segments that Wireshark's display filter lets through, such as `tcp.port == 80`
    ///
    /// Fields and operators are Wireshark's, as far as they concern TCP: ==, !=, <, <=, &, contains,
    /// matches, in {80, 8000..8099}, any, all, len(), count(), lower(), upper(), parts of bytes such as
    /// tcp.payload[0:4]. Ours are synfin.state (also .src and .dst), synfin.why and synfin.confidence.
    #[arg(long, short = 'Y', value_name = "EXPR", value_parser = Filter::parse)]
    filter: Option<Filter>,
    /// Draw this connection as a ladder
    #[arg(long, value_name = "N", conflicts_with_all = ["json", "csv", "zeek"], allow_negative_numbers = true, value_parser = whole(0..=u32::MAX))]
    stream: Option<u32>,
    /// Numbers as they stand in the headers instead of relative ones
    #[arg(long, short)]
    absolute: bool,
    /// Draw runs of more than this many ordinary segments as one line
    #[arg(long, value_name = "N", requires = "stream", allow_negative_numbers = true, value_parser = whole(0..=usize::MAX))]
    fold: Option<usize>,
    /// Show so many connections
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 50, value_parser = whole(0..=usize::MAX))]
    top: usize,
    /// Sort the connections by this column
    #[arg(long, value_enum, default_value_t = Sort::Stream)]
    sort: Sort,
    /// One JSON object a line: segments, connections, findings
    #[arg(long, conflicts_with_all = ["csv", "zeek"])]
    json: bool,
    /// One line of CSV a segment
    #[arg(long, conflicts_with = "zeek")]
    csv: bool,
    /// Connections in the columns of Zeek's conn.log
    #[arg(long)]
    zeek: bool,
    /// Write the capture again as pcapng, with verdicts and reasons as packet comments
    #[arg(long, value_name = "FILE")]
    annotate: Option<PathBuf>,
    /// Write a page to look around in, in one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Segments that are kept for one ladder; a longer connection is cut with a notice.
const LADDER_SEGMENTS_MAX: usize = 200_000;

impl Explain {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let summary = if self.json || self.csv || self.zeek {
            let mut lines = outputs::Lines::new(self.form())?;
            let summary = self.read(&mut lines)?;
            lines.finish()?;
            summary
        } else if self.live.is_some() && self.stream.is_none() && self.html.is_none() {
            let mut live = list::Live::new(self.absolute, Overview::new(self.sort, self.top));
            let summary = self.read(&mut live)?;
            print("\n")?;
            live.overview.show(style)?;
            summary
        } else if self.wanted_segments() == KeepSegments::None {
            let mut overview = Overview::new(self.sort, self.top);
            let summary = self.read(&mut overview)?;
            overview.show(style)?;
            summary
        } else {
            let mut kept = Kept { keep_segments: self.wanted_segments(), ..Kept::default() };
            kept.segments_max = match self.html {
                Some(_) => report::captured::PAGE_SEGMENTS_MAX + 1,
                None => LADDER_SEGMENTS_MAX,
            };
            let summary = self.read(&mut kept)?;
            self.show(&kept, style)?;
            summary
        };
        summary.tell();
        Ok(summary.exit_code())
    }

    fn form(&self) -> outputs::Form {
        match (self.json, self.csv) {
            (true, _) => outputs::Form::Json,
            (_, true) => outputs::Form::Csv,
            _ => outputs::Form::Zeek,
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

    fn read(&self, sink: &mut (impl lens::Sink + Send)) -> Result<reading::Summary, Failure> {
        let ends = self.ends()?;
        let mut annotated = self.annotate.as_deref().map(annotate::Annotated::create).transpose()?;
        let filter = self.filter.as_ref();
        let wishes = reading::Wishes { annotated: annotated.as_mut(), filter, ends: ends.as_ref() };
        let source = match (&self.live, &self.file) {
            (Some(interface), _) => reading::Source::live(interface, self.seconds.map(Duration::from_secs))?,
            (None, Some(file)) => reading::Source::file(file)?,
            (None, None) => return Err(Failure::usage("name a capture file, or an interface with --live")),
        };
        let summary = reading::read(source, sink, wishes)?;
        if let Some(annotated) = annotated {
            annotated.finish()?;
        }
        Ok(summary)
    }

    /// What only the end of the capture tells, if the filter asks for it and the capture can be read twice.
    fn ends(&self) -> Result<Option<reading::Ends>, Failure> {
        if !self.filter.as_ref().is_some_and(Filter::looks_ahead) {
            return Ok(None);
        }
        match &self.file {
            Some(file) if file.is_file() => reading::Ends::of(reading::Source::file(file)?).map(Some),
            _ => {
                note(format_args!(
                    "synfin: tcp.completeness is that up to each segment, because this capture cannot be read twice"
                ));
                Ok(None)
            }
        }
    }

    fn show(&self, kept: &Kept, style: &Style) -> Result<(), Failure> {
        if let Some(path) = &self.html {
            let source = self.source_name();
            let page = report::page::html(&report::captured::page(kept, &source));
            std::fs::write(path, page)
                .map_err(|error| Failure::io(format_args!("write {}", path.display()), &error))?;
            eprintln!("wrote {}", path.display());
        }
        match self.stream {
            Some(stream) => self.show_stream(kept, stream, style),
            None if self.filter.is_some() => self.show_segments(kept, style),
            None => Overview::of(kept, self.sort, self.top).show(style),
        }
    }

    /// What to call the capture on a page.
    fn source_name(&self) -> String {
        let file = self.file.as_deref().and_then(std::path::Path::file_name);
        match (&self.live, file) {
            (Some(interface), _) => interface.clone(),
            (None, Some(name)) => name.to_string_lossy().into_owned(),
            (None, None) => String::new(),
        }
    }

    /// The segments that the filter let through, then the connections they are of.
    fn show_segments(&self, kept: &Kept, style: &Style) -> Result<(), Failure> {
        if kept.segments.is_empty() {
            return print("no segment passes this filter\n");
        }
        print(&list::segments(kept, self.absolute).text(style))?;
        let streams: BTreeSet<u32> = kept.segments.iter().map(|(_, analysis)| analysis.stream).collect();
        print("\n")?;
        for connection in
            kept.connections.iter().filter(|connection| streams.contains(&connection.stream)).take(self.top)
        {
            print(&format!("stream {}: {}\n", connection.stream, connection.sentence()))?;
        }
        Ok(())
    }

    fn show_stream(&self, kept: &Kept, stream: u32, style: &Style) -> Result<(), Failure> {
        let Some(connection) = kept.connections.iter().find(|connection| connection.stream == stream) else {
            let count = kept.connections.len();
            return Err(Failure::usage(format!(
                "there is no stream {stream}: this capture has {count}, counted from 0"
            )));
        };
        let numbers = if self.absolute { Numbers::Absolute } else { Numbers::Relative };
        let ladder = report::captured::ladder(connection, &kept.segments);
        let options = Options { numbers, fold_over: self.fold, ..Options::default() };
        print(&ladder.text(&options, style))?;
        print(&format!("\n {}\n", connection.sentence()))?;
        let findings: Vec<_> =
            kept.findings.iter().filter(|finding| finding.stream == stream).cloned().collect();
        if !findings.is_empty() {
            print("\n")?;
            print(&report::captured::findings(&findings).text(style))?;
        }
        Ok(())
    }
}
