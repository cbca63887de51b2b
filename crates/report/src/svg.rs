//! A minimal SVG writer: escaping, and elements with rounded coordinates.
//!
//! Output is deterministic: coordinates have at most one decimal. What is *not* here: layout.

use std::fmt::Write as _;

/// `text` escaped for XML, in content or in an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{b7}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A coordinate with at most one decimal: `12`, `12.5`.
pub(crate) fn at(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{:.1}", tenths as f64 / 10.0) }
}

/// Which part of a text is at its point.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// A picture under construction.
pub(crate) struct Canvas {
    body: String,
}

impl Canvas {
    pub(crate) fn new() -> Canvas {
        Canvas { body: String::new() }
    }

    /// What `draw` draws, moved down by `by`.
    pub(crate) fn lowered(&mut self, by: f64, draw: impl FnOnce(&mut Canvas)) {
        let _ = writeln!(self.body, r#"<g transform="translate(0 {})">"#, at(by));
        draw(self);
        self.body.push_str("</g>\n");
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (at(from.0), at(from.1), at(to.0), at(to.1));
        let _ = writeln!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    pub(crate) fn path(&mut self, class: &str, d: &str) {
        let _ = writeln!(self.body, r#"<path class="{class}" d="{d}"/>"#);
    }

    /// A filled triangle, for arrow heads.
    pub(crate) fn head(&mut self, class: &str, corners: &[(f64, f64); 3]) {
        let points: Vec<String> = corners.iter().map(|(x, y)| format!("{},{}", at(*x), at(*y))).collect();
        let _ = writeln!(self.body, r#"<polygon class="{class}" points="{}"/>"#, points.join(" "));
    }

    pub(crate) fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), radius: f64) {
        let (x, y, w, h, r) = (at(corner.0), at(corner.1), at(size.0), at(size.1), at(radius));
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}" rx="{r}"/>"#
        );
    }

    pub(crate) fn circle(&mut self, class: &str, center: (f64, f64), radius: f64) {
        let (x, y, r) = (at(center.0), at(center.1), at(radius));
        let _ = writeln!(self.body, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}"/>"#);
    }

    pub(crate) fn text(&mut self, class: &str, point: (f64, f64), anchor: Anchor, text: &str) {
        if text.is_empty() {
            return;
        }
        let (x, y, anchor, text) = (at(point.0), at(point.1), anchor.name(), escape(text));
        let _ = writeln!(
            self.body,
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    /// One line of text in pieces, each with a class.
    pub(crate) fn spans(&mut self, point: (f64, f64), anchor: Anchor, spans: &[(&str, &str)]) {
        let (x, y, anchor) = (at(point.0), at(point.1), anchor.name());
        let spans: String = spans
            .iter()
            .map(|(class, text)| format!(r#"<tspan class="{class}">{}</tspan>"#, escape(text)))
            .collect();
        let _ = writeln!(self.body, r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{spans}</text>"#);
    }

    /// The whole document: `style` is CSS, `title` is what screen readers read.
    pub(crate) fn finish(self, size: (f64, f64), title: &str, style: &str) -> String {
        let (w, h, title) = (at(size.0), at(size.1), escape(title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n{style}</style>\n{}</svg>\n",
            self.body
        )
    }
}

/// Colours and fonts that all our pictures share, light and dark.
pub(crate) const THEME: &str = include_str!("assets/theme.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_name_stays_text() {
        assert_eq!(escape("<a b='\"&\x1b"), "&lt;a b=&#39;&quot;&amp;·");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!((at(1.0), at(0.25), at(-2.04)), ("1".to_owned(), "0.3".to_owned(), "-2".to_owned()));
    }
}
