use super::*;
use crate::Charset;

fn connections() -> Table {
    let mut table = Table::new(vec![
        Column::numbers("stream"),
        Column::words("client"),
        Column::words("server"),
        Column::numbers("bytes"),
        Column::numbers("time"),
        Column::numbers("rate"),
        Column::names("closed by"),
    ]);
    for (stream, bytes, micros) in [(0u64, 2_911u64, 70_000u64), (1, 58_400_000, 4_700_000), (2, 0, 450)] {
        table.push(vec![
            Cell::number(stream),
            Cell::text(format!("[2001:db8::{stream}]:49152")),
            Cell::text("a-long-name.example.net:443"),
            Cell::bytes(bytes),
            Cell::duration(Duration::from_micros(micros)),
            Cell::rate(bytes as f64 * 8e6 / micros as f64),
            Cell::text("server"),
        ]);
    }
    table
}

#[test]
fn connections_look_like_this() {
    let mut table = connections();
    table.push(vec![Cell::number(3), Cell::text("tab\tand \x1b[31m"), Cell::none()]);
    crate::snapshot::check("tables/wide.txt", &table.text(&Style::PLAIN));
    let narrow = Style { width: 72, charset: Charset::Ascii, ..Style::PLAIN };
    crate::snapshot::check("tables/narrow.txt", &table.text(&narrow));
    crate::snapshot::check("tables/table.md", &table.markdown());
    crate::snapshot::check("tables/table.csv", &table.csv());
}

#[test]
fn numbers_sort_by_value_and_unknown_ones_come_first() {
    let mut table = connections();
    table.push(vec![Cell::number(3), Cell::text("x"), Cell::text("y"), Cell::none()]);
    let order = |table: &Table| {
        table.csv().lines().skip(1).map(|line| line[..1].to_owned()).collect::<Vec<_>>().join("")
    };
    table.sort_by(table.column("bytes").expect("the column is there"), Order::Ascending);
    assert_eq!(order(&table), "3201");
    table.sort_by(3, Order::Descending);
    assert_eq!(order(&table), "1023");
    table.truncate(2);
    assert_eq!(table.len(), 2);
    assert_eq!(table.column("nothing"), None);
}

#[test]
fn csv_quotes_what_would_break_it() {
    let mut table = Table::new(vec![Column::words("a"), Column::words("b")]);
    table.push(vec![Cell::text("x,y"), Cell::text("say \"hi\"\n")]);
    assert_eq!(table.csv(), "a,b\n\"x,y\",\"say \"\"hi\"\"·\"\n");
    assert_eq!(table.tsv(), "a\tb\nx,y\tsay \"hi\"·\n");
}

#[test]
fn a_table_never_becomes_wider_than_asked_while_it_can_shrink() {
    for width in [60, 72, 90, 120] {
        let text = connections().text(&Style { width, ..Style::PLAIN });
        let longest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= width.max(70), "{longest} columns of {width}\n{text}");
    }
}

#[test]
fn sentences_are_broken_into_lines_and_not_cut() {
    let mut table = Table::new(vec![Column::sentences("finding"), Column::words("frames")]);
    let sentence = "10.0.0.7 retransmitted its FIN five times: the peer never acknowledged it";
    table.push(vec![Cell::text(sentence), Cell::text("3 5 8")]);
    let text = table.text(&Style { width: 60, ..Style::PLAIN });
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.lines().all(|line| line.len() <= 60), "{text}");
    assert_eq!(
        text.replace("3 5 8", "").split_whitespace().collect::<Vec<_>>().join(" "),
        format!("finding frames {sentence}")
    );
}
