//! Lists of segments, one per line as in Wireshark's packet list, with states and reasons.
//!
//! Nothing is shortened and numbers have no separators, so that these lines can be searched.

use super::overview::Overview;
use crate::failure::print;
use lens::{Analysis, Connection, FindingGroup, Kept, Segment, Sink};
use report::tables::{Cell, Column, Table};

/// The kept segments as a table.
pub(super) fn segments(kept: &Kept, absolute: bool) -> Table {
    let mut table = Table::new(vec![
        Column::numbers("frame"),
        Column::numbers("time"),
        Column::numbers("stream"),
        Column::names("source"),
        Column::names("destination"),
        Column::names("flags"),
        Column::numbers("seq"),
        Column::numbers("ack"),
        Column::numbers("len"),
        Column::names("sender"),
        Column::names("receiver"),
        Column::names("why"),
    ]);
    let origin = kept.connections.iter().map(|connection| connection.first_time).min();
    for (segment, analysis) in &kept.segments {
        let (seq, ack) = match absolute {
            true => (segment.seq.number(), segment.ack.number()),
            false => (analysis.relative_seq, analysis.relative_ack),
        };
        let time = segment.time.since(origin.unwrap_or(segment.time));
        let icmp = report::captured::icmp(segment, analysis);
        let mut why = icmp.unwrap_or_else(|| analysis.why.reason.sentence().to_owned());
        if !analysis.verdicts.is_empty() {
            why.push_str(&format!(" [{}]", analysis.verdicts));
        }
        table.push(vec![
            Cell::number(segment.frame.into()),
            Cell::text(format!("{:.6}", time.as_secs_f64())),
            Cell::number(analysis.stream.into()),
            Cell::text(segment.source.to_string()),
            Cell::text(segment.destination.to_string()),
            Cell::text(report::captured::flags(segment, analysis).replace(", ", ",")),
            Cell::text(seq.to_string()),
            if segment.flags.ack() { Cell::text(ack.to_string()) } else { Cell::none() },
            Cell::text(segment.text_bytes.to_string()),
            Cell::text(analysis.sender().state.name()),
            Cell::text(analysis.receiver().state.name()),
            Cell::text(why),
        ]);
    }
    table
}

/// For live captures: prints each segment as it comes, and keeps the overview for the end.
pub(super) struct Live {
    absolute: bool,
    origin: Option<tcp::Instant>,
    pub(super) overview: Overview,
}

impl Live {
    pub(super) fn new(absolute: bool, overview: Overview) -> Self {
        Live { absolute, origin: None, overview }
    }
}

impl Sink for Live {
    fn segment(&mut self, segment: &Segment, analysis: &Analysis) {
        let origin = *self.origin.get_or_insert(segment.time);
        let (seq, ack) = match self.absolute {
            true => (segment.seq.number(), segment.ack.number()),
            false => (analysis.relative_seq, analysis.relative_ack),
        };
        if let Some(icmp) = report::captured::icmp(segment, analysis) {
            let time = segment.time.since(origin).as_secs_f64();
            let _ = print(&format!("{time:>10.6} {:>4}  {icmp}\n", analysis.stream));
            return;
        }
        let ack = if segment.flags.ack() { format!(" Ack={ack}") } else { String::new() };
        let verdicts =
            if analysis.verdicts.is_empty() { String::new() } else { format!(" [{}]", analysis.verdicts) };
        // If standard output is closed, the overview at the end fails in the same way.
        let _ = print(&format!(
            "{:>10.6} {:>4}  {} > {}  [{}] Seq={seq}{ack} Len={}  {} / {}  {}{verdicts}\n",
            segment.time.since(origin).as_secs_f64(),
            analysis.stream,
            segment.source,
            segment.destination,
            report::captured::flags(segment, analysis),
            segment.text_bytes,
            analysis.sender().state,
            analysis.receiver().state,
            analysis.why.reason.sentence(),
        ));
    }

    fn connection(&mut self, connection: &Connection) {
        self.overview.connection(connection);
    }

    fn group(&mut self, group: &FindingGroup) {
        self.overview.group(group);
    }
}
