//! Lists of segments, one per line as in Wireshark's packet list, with states and reasons.
//!
//! Numbers have no separators, and where the width of a terminal is not known nothing is shortened or broken, so that
//! these lines can be searched.

use super::overview::Overview;
use crate::failure::print;
use lens::{Analysis, Connection, Correction, FindingGroup, Kept, Segment, Sink};
use report::ladder::Remark;
use report::tables::{Cell, Column, Table};
use report::words::{self, Label, Language};

/// The kept segments as a table.
pub(super) fn segments(kept: &Kept, absolute: bool, language: Language) -> Table {
    let title = |label| words::label(label, language);
    // Where there is no room, the numbers of the headers are the last to go for who asked for them.
    let numbers = if absolute { [8, 9] } else { [4, 3] };
    let mut table = Table::new(vec![
        Column::numbers(title(Label::Frame)),
        Column::numbers(title(Label::Time)).going(Column::LAST),
        Column::numbers(title(Label::Stream)).going(7),
        Column::addresses(title(Label::Source)),
        Column::addresses(title(Label::Destination)).going(6),
        Column::names(title(Label::Flags)).going(Column::LAST + 1),
        Column::numbers(title(Label::Seq)).going(numbers[0]),
        Column::numbers(title(Label::Ack)).going(numbers[1]),
        Column::numbers(title(Label::Len)).going(5),
        Column::names(title(Label::Sender)).going(2),
        Column::names(title(Label::Receiver)).going(1),
        Column::sentences(title(Label::Why)),
    ])
    .in_language(language);
    let origin = kept.connections.iter().map(|connection| connection.first_time).min();
    for (segment, analysis) in &kept.segments {
        let (seq, ack) = match absolute {
            true => (segment.seq.number(), segment.ack.number()),
            false => (analysis.relative_seq, analysis.relative_ack),
        };
        let time = segment.time.since(origin.unwrap_or(segment.time));
        let icmp = report::captured::icmp(segment, analysis);
        let mut why = match icmp {
            Some(icmp) => words::note(&icmp, language),
            None => words::reason(analysis.why.reason, language).to_owned(),
        };
        let seen_later = analysis.seen_later;
        let cause = (seen_later.cause != 0).then_some(Remark::SeenLater { frame: seen_later.cause });
        let needless = (seen_later.needless != 0).then_some(Remark::Needless { frame: seen_later.needless });
        for remark in cause.into_iter().chain(needless) {
            why.push_str(&words::aside(&words::remark(&remark, language), language));
        }
        if !analysis.verdicts.is_empty() {
            why.push_str(&format!(" {}", words::remark(&Remark::Verdicts(analysis.verdicts), language)));
        }
        table.push(vec![
            Cell::number(segment.frame.into()),
            Cell::text(format!("{:.6}", time.as_secs_f64())),
            Cell::number(analysis.stream.into()),
            Cell::address(segment.source),
            Cell::address(segment.destination),
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

/// The parts in lines of at most `width` columns; a longer part stands alone. Later lines begin under the addresses.
fn packed(parts: &[String], width: usize) -> String {
    const INDENT: usize = 17;
    let mut text = String::new();
    let mut columns = 0;
    for part in parts {
        let wide = report::columns(part);
        if columns > INDENT && columns + 2 + wide > width {
            text.push_str(&format!("\n{:INDENT$}", ""));
            columns = INDENT;
        } else if columns > 0 {
            text.push_str("  ");
            columns += 2;
        }
        text.push_str(part);
        columns += wide;
    }
    text.push('\n');
    text
}

/// For live captures: prints each segment as it comes, and keeps the overview for the end.
pub(super) struct Live {
    absolute: bool,
    origin: Option<tcp::Instant>,
    /// Longer lines are broken between their parts.
    width: usize,
    language: Language,
    pub(super) overview: Overview,
}

impl Live {
    pub(super) fn new(absolute: bool, width: usize, overview: Overview) -> Self {
        Live { absolute, origin: None, width, language: overview.language, overview }
    }
}

impl Sink for Live {
    fn segment(&mut self, segment: &Segment, analysis: &Analysis) {
        let origin = *self.origin.get_or_insert(segment.time);
        let (seq, ack) = match self.absolute {
            true => (segment.seq.number(), segment.ack.number()),
            false => (analysis.relative_seq, analysis.relative_ack),
        };
        let time = segment.time.since(origin).as_secs_f64();
        let head = format!("{time:>10.6} {:>4}", analysis.stream);
        let parts = match report::captured::icmp(segment, analysis) {
            Some(icmp) => vec![head, words::note(&icmp, self.language)],
            None => {
                let ack = if segment.flags.ack() { format!(" Ack={ack}") } else { String::new() };
                let mut parts = vec![
                    head,
                    format!("{} >", segment.source),
                    segment.destination.to_string(),
                    format!("[{}]", report::captured::flags(segment, analysis)),
                    format!("Seq={seq}{ack} Len={}", segment.text_bytes),
                    format!("{} / {}", analysis.sender().state, analysis.receiver().state),
                    words::reason(analysis.why.reason, self.language).to_owned(),
                ];
                if !analysis.verdicts.is_empty() {
                    parts.push(words::remark(&Remark::Verdicts(analysis.verdicts), self.language));
                }
                parts
            }
        };
        // If standard output is closed, the overview at the end fails in the same way.
        let _ = print(&packed(&parts, self.width));
    }

    fn corrected(&mut self, correction: &Correction) {
        let said = words::correction(correction, self.language);
        let parts = [format!("{:>10} {:>4}", "", correction.stream), said];
        let _ = print(&packed(&parts, self.width));
    }

    fn connection(&mut self, connection: &Connection) {
        self.overview.connection(connection);
    }

    fn group(&mut self, group: &FindingGroup) {
        self.overview.group(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_between_its_parts_where_the_terminal_ends() {
        let parts =
            ["  0.000001    0", "[2001:db8::1]:51000 >", "[2001:db8::2]:443", "[SYN]", "asks to open"];
        let parts = parts.map(str::to_owned);
        assert_eq!(packed(&parts, usize::MAX).lines().count(), 1);
        for width in [60, 80] {
            let text = packed(&parts, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words(&text), words(&parts.join(" ")));
        }
    }
}
