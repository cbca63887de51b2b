//! The ladder as text, in the width of a terminal.
//!
//! The columns are time, left state, arrow, right state and reason. If there is no room for the reason, it
//! goes under the arrow; if there is none for the numbers either, they go there too.

use super::clocks::{Clocks, LastShown};
use super::fold::Folded;
use super::label::{Form, Labels};
use super::rows::{Kind, Row, StateCell, rows};
use super::{Arrival, Ladder, NoteKind, NoteText, Options, Segment, Side};
use crate::style::{Ink, Style, columns, cut, harmless, padded, padded_left, wrap};
use crate::words::{self, Label, Language};

/// The longest state name, `SYN-RECEIVED`, and the mark before it.
const STATE: usize = 14;
/// Room for a line beside a label: `──── ` before, ` ───▶` after.
const ARROW_ENDS: usize = 10;
/// With less room than this, the reason goes under the arrow.
const REASON_MIN: usize = 18;
/// A longer arrow would only separate the states.
const ARROW_MAX: usize = 64;
/// An arrow gets as many columns as this if it can, so that it looks like one.
const ARROW_WISHED: usize = 40;
/// Beside a label, an arrow with the reason under it gets this much more if it can.
const ARROW_SPARE: usize = 8;
/// Longer lines of a reason are hard to read in a table.
const REASON_MAX: usize = 40;
/// Narrower terminals get this width, because arrows and states have no room in less.
const WIDTH_MIN: usize = 60;
/// Longer lines are hard to follow.
const WIDTH_MAX: usize = 140;

impl Ladder {
    /// Draws the ladder as text; every line ends with a newline.
    pub fn text(&self, options: &Options, style: &Style) -> String {
        let rows = rows(self, options);
        let labels = Labels::of(self, options);
        let clocks = Clocks::of(&rows);
        let language = options.language;
        let layout = Layout::of(&rows, &labels, &clocks, (language, style));
        let shown = LastShown::default();
        let mut page = Page { layout, labels: &labels, clocks, shown, style, language, text: String::new() };
        page.head(self);
        rows.iter().for_each(|row| page.row(row));
        page.foot(self);
        page.text
    }
}

/// The widths of the columns.
struct Layout {
    frame: usize,
    time: usize,
    /// The right end's clock and the gap after it; zero if there is none.
    right_clock: usize,
    arrow: usize,
    /// Zero if the reason goes under the arrow.
    reason: usize,
    form: Form,
}

impl Layout {
    fn of(
        rows: &[Row<'_>],
        labels: &Labels,
        clocks: &Clocks,
        (language, style): (Language, &Style),
    ) -> Layout {
        let time = clocks.columns(words::label(Label::Seconds, language));
        let right_clock = if clocks.has_two { time + 2 } else { 0 };
        let frame = rows.iter().filter_map(|row| segment_of(row)?.frame).max();
        let frame = frame.map_or(0, |frame| {
            columns(&frame.to_string()).max(columns(words::label(Label::Frame, language))) + 2
        });
        let longest = |form| {
            rows.iter()
                .filter_map(segment_of)
                .map(|segment| columns(&labels.text(segment, form)))
                .max()
                .unwrap_or(0)
        };
        // All but the arrow and the reason: margin, frame, clocks, states, and the gaps between them.
        let fixed = 1 + frame + time + 2 + STATE + 1 + 1 + right_clock + STATE;
        let width = style.width.clamp(WIDTH_MIN, WIDTH_MAX);
        let room = width.saturating_sub(fixed);
        let full = longest(Form::Full) + ARROW_ENDS;
        if room >= full + 2 + REASON_MIN {
            // Spare room goes to the reason first, which wraps, then to the arrow.
            let arrow = full.max(ARROW_WISHED).min(room - 2 - REASON_MIN);
            let reason = (room - 2 - arrow).min(REASON_MAX);
            let arrow = (room - 2 - reason).min(arrow.max(ARROW_MAX));
            return Layout { frame, time, right_clock, arrow, reason, form: Form::Full };
        }
        if room >= full {
            let arrow = room.min(full + ARROW_SPARE);
            return Layout { frame, time, right_clock, arrow, reason: 0, form: Form::Full };
        }
        let flags = longest(Form::Flags) + ARROW_ENDS;
        let arrow = room.clamp(flags, flags.max(ARROW_WISHED));
        Layout { frame, time, right_clock, arrow, reason: 0, form: Form::Flags }
    }

    fn indent(&self) -> usize {
        1 + self.frame + self.time + 2
    }
}

fn segment_of<'a>(row: &Row<'a>) -> Option<&'a Segment> {
    match row.kind {
        Kind::Whole(segment) | Kind::Departs(segment) | Kind::Arrives(segment) => Some(segment),
        _ => None,
    }
}

/// The text under construction.
struct Page<'a> {
    layout: Layout,
    labels: &'a Labels,
    clocks: Clocks,
    shown: LastShown,
    style: &'a Style,
    language: Language,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn head(&mut self, ladder: &Ladder) {
        let style = *self.style;
        let right_at = STATE + self.layout.arrow + 2 + self.layout.right_clock;
        let indent = self.layout.indent();
        for (pick, ink) in [(0, Ink::Strong), (1, Ink::Dim)] {
            let ends = [0, 1].map(|side| {
                let end = &ladder.ends[side];
                harmless(if pick == 0 { &end.name } else { &end.address })
            });
            self.ends(&ends, right_at, ink);
        }
        let rule = style.pick("─", "-");
        let [left, right] = [0, 1].map(|side| StateCell { state: ladder.ends[side].state, is_new: false });
        let seconds = words::label(Label::Seconds, self.language);
        let titles = format!(
            " {}{}  {} {:arrow$} {}{}",
            padded(
                if self.layout.frame > 0 { words::label(Label::Frame, self.language) } else { "" },
                self.layout.frame
            ),
            padded_left(seconds, self.layout.time),
            self.cell(left),
            "",
            self.right_clock(seconds),
            self.cell(right),
            arrow = self.layout.arrow,
        );
        self.line(&titles);
        let reason = if self.layout.reason > 0 { self.layout.reason + 2 } else { 0 };
        let rule = rule.repeat(indent - 1 + right_at + STATE + reason);
        let rule = format!(" {}", style.paint(Ink::Dim, &rule));
        self.line(&rule);
    }

    /// The names of both ends above their columns; if one has no room there, each in a line of its own, and the right
    /// one ends with its column. Neither is cut while a line can hold it.
    fn ends(&mut self, [left, right]: &[String; 2], right_at: usize, ink: Ink) {
        let (style, indent) = (*self.style, self.layout.indent());
        if left.is_empty() && right.is_empty() {
            return;
        }
        // Without a column of reasons, the lines end with the right end's states.
        let reason = if self.layout.reason > 0 { self.layout.reason + 2 } else { 0 };
        let width = indent + right_at + STATE + reason;
        let [left, right] = [left, right].map(|end| cut(end, width.saturating_sub(2), &style));
        let left_at = (indent + 2).min(width.saturating_sub(columns(&left)));
        let right_at = (indent + right_at + 2).min(width.saturating_sub(columns(&right)));
        let gap = right_at.saturating_sub(left_at + columns(&left));
        let [painted_left, painted_right] = [&left, &right].map(|end| style.paint(ink, end));
        if left.is_empty() || gap >= 2 {
            self.line(&format!("{:left_at$}{painted_left}{:gap$}{painted_right}", "", ""));
            return;
        }
        self.line(&format!("{:left_at$}{painted_left}", ""));
        self.line(&format!("{:right_at$}{painted_right}", ""));
    }

    fn row(&mut self, row: &Row<'_>) {
        match &row.kind {
            Kind::Whole(segment) | Kind::Departs(segment) | Kind::Arrives(segment) => {
                let arrow = self.arrow(segment, &row.kind);
                let mut reason = reason(segment, &row.kind, self.language);
                if self.layout.form == Form::Flags {
                    let numbers = self.labels.numbers(segment);
                    reason = if reason.is_empty() {
                        numbers
                    } else {
                        format!("{numbers}{}{reason}", words::semicolon(self.language))
                    };
                }
                let ink = reason_ink(segment);
                self.across(row, &arrow, (&reason, ink));
            }
            Kind::Moved { on } => {
                let blank = " ".repeat(self.layout.arrow);
                self.across(row, &blank, (words::cause(*on, self.language), Ink::Plain));
            }
            Kind::Folded(folded) => self.folded(row, folded),
            Kind::Note { side, kind, text } => self.note(row, *side, *kind, text),
        }
    }

    /// A run in one line for each direction.
    fn folded(&mut self, row: &Row<'_>, folded: &Folded) {
        let style = *self.style;
        let width = self.layout.arrow;
        for side in [Side::Left, Side::Right] {
            let text = folded.text(side, self.language);
            if text.is_empty() {
                continue;
            }
            let text = match side {
                Side::Left => format!("{}  ... {text} {}", style.pick("┊", ":"), style.pick("─▶", "->")),
                Side::Right => format!("{} {} ... {text}", style.pick("┊", ":"), style.pick("◀─", "<-")),
            };
            let text = cut(&text, width, &style);
            let text = style.paint(Ink::Dim, &padded(&text, width));
            self.across(row, &text, ("", Ink::Plain));
        }
    }

    /// A line from end to end.
    fn across(&mut self, row: &Row<'_>, middle: &str, reason: (&str, Ink)) {
        let [left, right] = row.states.map(|cell| self.cell(cell));
        let head = self.margin(row);
        let clock = self.clocks.show(row, Side::Right, &mut self.shown);
        let right = format!("{}{right}", self.right_clock(&clock));
        let (text, ink) = reason;
        if self.layout.reason == 0 {
            self.line(&format!("{head}{left} {middle} {right}"));
            let indent = self.layout.indent() + STATE + 6;
            for line in wrap(text, self.layout.arrow + self.layout.right_clock + STATE - 5) {
                let line = format!("{:indent$}{}", "", self.style.paint(ink, &line));
                self.line(&line);
            }
            return;
        }
        let lines = wrap(text, self.layout.reason);
        let first = lines.first().map_or("", String::as_str);
        self.line(&format!("{head}{left} {middle} {right}  {}", self.style.paint(ink, first)));
        let indent = self.layout.indent() + STATE + self.layout.arrow + self.layout.right_clock + STATE + 4;
        for line in lines.iter().skip(1) {
            let line = format!("{:indent$}{}", "", self.style.paint(ink, line));
            self.line(&line);
        }
    }

    fn note(&mut self, row: &Row<'_>, side: Side, kind: NoteKind, text: &NoteText) {
        let (mark, ink) = match kind {
            NoteKind::Call => (self.style.pick("◆", ">"), Ink::Mark),
            NoteKind::Timer => (self.style.pick("○", "o"), Ink::Notable),
            NoteKind::Undo => (self.style.pick("↶", "~"), Ink::Notable),
            NoteKind::Phase => (self.style.pick("◇", "*"), Ink::Mark),
            NoteKind::Trouble => ("!", Ink::Bad),
        };
        let text = format!("{mark} {}", harmless(&words::note(text, self.language)));
        let head = self.margin(row);
        let clock = self.clocks.show(row, Side::Right, &mut self.shown);
        let clock = self.right_clock(&clock);
        let clock_at = STATE + self.layout.arrow + 2;
        let room =
            self.layout.right_clock + STATE + if self.layout.reason > 0 { self.layout.reason + 2 } else { 0 };
        let (gap, clock) = match side {
            Side::Left => (0, String::new()),
            // The note may extend into the column of reasons; without that column it ends with the states.
            Side::Right => {
                let wide = self.layout.right_clock + columns(&text);
                (clock_at.min((clock_at + room).saturating_sub(wide)), clock)
            }
        };
        let before = self.layout.indent() + gap + if clock.is_empty() { 0 } else { self.layout.right_clock };
        let width = self.style.width.clamp(WIDTH_MIN, WIDTH_MAX);
        let lines = wrap(&text, width.saturating_sub(before + 2).max(REASON_MIN));
        let first = lines.first().map_or("", String::as_str);
        self.line(&format!("{head}{:gap$}{clock}{}", "", self.style.paint(ink, first)));
        for line in lines.iter().skip(1) {
            // under the text, behind its mark
            let under = before + 2;
            self.line(&format!("{:under$}{}", "", self.style.paint(ink, line)));
        }
    }

    /// The time at the right end and the gap after it, if there is such a column.
    fn right_clock(&self, time: &str) -> String {
        match self.layout.right_clock {
            0 => String::new(),
            width => self.style.paint(Ink::Dim, &format!("{}  ", padded_left(time, width - 2))),
        }
    }

    /// Frame number and the left clock.
    fn margin(&mut self, row: &Row<'_>) -> String {
        let is_arrival = matches!(row.kind, Kind::Arrives(_));
        let frame = segment_of(row).filter(|_| !is_arrival).and_then(|segment| segment.frame);
        let frame = frame.map(|frame| frame.to_string()).unwrap_or_default();
        let time = self.clocks.show(row, Side::Left, &mut self.shown);
        let text = format!(
            " {frame:>width$}{gap}{time:>time_width$}  ",
            width = self.layout.frame.saturating_sub(2),
            gap = if self.layout.frame > 0 { "  " } else { "" },
            time_width = self.layout.time
        );
        self.style.paint(Ink::Dim, &text)
    }

    fn cell(&self, cell: StateCell) -> String {
        let name = cell.state.map_or("", |state| state.name());
        if cell.is_new {
            let text = format!("{} {name:<12}", self.style.pick("●", "*"));
            self.style.paint(Ink::Fresh, &text)
        } else {
            self.style.paint(Ink::Dim, &format!("  {name:<12}"))
        }
    }

    /// The arrow with its label, as wide as the layout says.
    fn arrow(&self, segment: &Segment, kind: &Kind<'_>) -> String {
        let style = self.style;
        let label = self.labels.text(segment, self.layout.form);
        let dash = style.pick("─", "-");
        let dots = style.pick("···", "...");
        let cross = style.pick("✗", "X");
        // Four columns at the foot of the arrow and three at its head show what happened to the segment.
        let begins_here = !matches!(kind, Kind::Arrives(_)) && segment.arrival != Arrival::Stray;
        let ends = match (kind, segment.arrival) {
            (Kind::Departs(_), _) | (_, Arrival::InFlight) => ArrowHead::Fades,
            (_, Arrival::Lost) => ArrowHead::Lost,
            _ => ArrowHead::Arrives,
        };
        let foot = if begins_here { dash.repeat(4) } else { format!("{dots}{dash}") };
        let body = self.layout.arrow.saturating_sub(columns(&label) + ARROW_ENDS - 1);
        let text = match segment.from {
            Side::Left => {
                let head = match ends {
                    ArrowHead::Arrives => format!("{dash}{dash}{}", style.pick("▶", ">")),
                    ArrowHead::Fades => dots.to_owned(),
                    ArrowHead::Lost => format!("{cross}  "),
                };
                format!("{foot} {label} {}{head}", dash.repeat(body))
            }
            Side::Right => {
                let head = match ends {
                    ArrowHead::Arrives => format!("{}{}", style.pick("◀", "<"), dash.repeat(3)),
                    ArrowHead::Fades => format!("{dots}{dash}"),
                    ArrowHead::Lost => format!("  {cross}{dash}"),
                };
                let foot = if begins_here { dash.repeat(3) } else { dots.to_owned() };
                format!("{head} {label} {}{foot}", dash.repeat(body))
            }
        };
        let ink = match (ends, segment.facts.flags.rst(), segment.from) {
            (ArrowHead::Lost, ..) | (_, true, _) => Ink::Bad,
            (_, _, Side::Left) => Ink::Rightward,
            (_, _, Side::Right) => Ink::Leftward,
        };
        style.paint(ink, &text)
    }

    fn foot(&mut self, ladder: &Ladder) {
        self.line("");
        let width = self.style.width.clamp(WIDTH_MIN, WIDTH_MAX) - 1;
        for line in ladder.story_lines(self.language).iter().flat_map(|line| wrap(&harmless(line), width)) {
            self.line(&format!(" {line}"));
        }
    }
}

/// How an arrow ends.
#[derive(Clone, Copy)]
enum ArrowHead {
    Arrives,
    Fades,
    Lost,
}

/// Why a segment was sent, and the remarks on it.
pub(super) fn reason(segment: &Segment, kind: &Kind<'_>, language: Language) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let (Kind::Arrives(_), Arrival::Delivered { at }) = (kind, segment.arrival) {
        parts.push(words::arrives_later(at.since(segment.at), language));
    } else {
        match segment.arrival {
            Arrival::Lost => parts.push(words::lost(language).to_owned()),
            Arrival::InFlight => parts.push(words::in_flight(language).to_owned()),
            _ => {}
        }
        parts.extend(segment.why.map(|why| words::reason(why, language).to_owned()));
    }
    if !matches!(kind, Kind::Departs(_)) {
        parts.extend(segment.remarks.iter().map(|remark| harmless(&words::remark(remark, language))));
        parts.extend(segment.options.clone());
    }
    parts.join(words::semicolon(language))
}

fn reason_ink(segment: &Segment) -> Ink {
    if segment.arrival == Arrival::Lost || segment.facts.flags.rst() {
        Ink::Bad
    } else if segment.why.is_some_and(|why| why.is_retransmission()) || !segment.remarks.is_empty() {
        Ink::Notable
    } else {
        Ink::Plain
    }
}
