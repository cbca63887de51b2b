//! The rows without a picture: by state for narrow terminals, as Mermaid, as a Markdown table.

use super::text::legend_lines;
use super::{arrows, is_in_legend, label_of};
use crate::style::{Ink, Style};
use tcp::state::{ROWS, Row, State};

/// Every state with its transitions, and the abnormal ends below them.
pub fn listing(style: &Style) -> String {
    let arrow = style.pick("→", "->");
    let width =
        ROWS.iter().filter(|row| !is_in_legend(row)).map(|row| label_of(row).len()).max().unwrap_or(0);
    let mut text = String::new();
    for state in State::ALL {
        text += &format!("{}\n", style.paint(Ink::Fresh, state.name()));
        for row in ROWS.iter().filter(|row| row.from == state && !is_in_legend(row)) {
            let section = style.paint(Ink::Dim, &section_words(row, style));
            text += &format!("  {:<width$}  {arrow} {:<12}  {section}\n", label_of(row), row.to.name());
        }
    }
    text.push('\n');
    text + &legend_lines(style)
}

fn section_words(row: &Row, style: &Style) -> String {
    match row.section.split_once('#') {
        Some((document, section)) => format!("RFC {document} {}{section}", style.pick("§", "")),
        None => row.section.to_owned(),
    }
}

/// A Mermaid `stateDiagram-v2`; all rows between two states share an arrow. CLOSED appears twice, where
/// connections begin and where they end, so that the arrows run downwards.
pub fn mermaid() -> String {
    const END: &str = "Ended";
    let mut text = String::from("stateDiagram-v2\n");
    for state in State::ALL {
        text += &format!("    state \"{}\" as {state:?}\n", state.name());
    }
    text += &format!("    state \"{}\" as {END}\n", State::Closed.name());
    let mut ends: Vec<(State, State, Vec<&Row>)> = arrows();
    for row in ROWS.iter().filter(|row| is_in_legend(row)) {
        match ends.iter_mut().find(|(from, to, _)| (*from, *to) == (row.from, row.to)) {
            Some((_, _, rows)) => rows.push(row),
            None => ends.push((row.from, row.to, vec![row])),
        }
    }
    text += "    [*] --> Closed\n";
    for (from, to, rows) in ends {
        let labels: Vec<String> = rows.iter().map(|row| label_of(row)).collect();
        let to = if to == State::Closed { END.to_owned() } else { format!("{to:?}") };
        text += &format!("    {from:?} --> {to} : {}\n", labels.join("<br/>"));
    }
    text + &format!("    {END} --> [*]\n")
}

/// A Markdown table of all rows, with links to the sections.
pub fn markdown() -> String {
    let mut text =
        String::from("| In | on | go to | and send | because of |\n| --- | --- | --- | --- | --- |\n");
    for row in ROWS {
        let sends = row.sends.name().strip_prefix("snd ").unwrap_or("");
        let because = match row.section.split_once('#') {
            Some((document, section)) => format!(
                "[RFC {document} §{section}](https://www.rfc-editor.org/rfc/rfc{document}#section-{section})"
            ),
            None => row.section.to_owned(),
        };
        text += &format!("| {} | {} | {} | {sends} | {because} |\n", row.from, row.on.name(), row.to);
    }
    text
}
