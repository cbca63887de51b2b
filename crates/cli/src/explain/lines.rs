//! Lines that are printed while the capture is read: JSON, CSV, Zeek's columns.

use crate::failure::Failure;
use lens::{Analysis, Connection, Contents, Correction, Finding, FindingGroup, Notice, Segment, Sink};
use report::captured::{self, Records};
use report::words::Language;
use std::io::{self, BufWriter, Stdout, Write};

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Csv,
    Zeek,
}

impl Form {
    /// The flag that selects it.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Form::Json => "--json",
            Form::Csv => "--csv",
            Form::Zeek => "--zeek",
        }
    }
}

/// Prints each value as it comes. [`Lines::finish`] returns the first error.
pub(super) struct Lines {
    form: Form,
    out: BufWriter<Stdout>,
    records: Option<Records>,
    origin: tcp::Instant,
    language: Language,
    failed: Option<io::Error>,
}

impl Lines {
    pub(super) fn new(form: Form, language: Language) -> Result<Self, Failure> {
        let mut lines = Lines {
            form,
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            records: None,
            origin: tcp::Instant::ZERO,
            language,
            failed: None,
        };
        match form {
            Form::Json => {}
            Form::Csv => lines.line(captured::SEGMENT_CSV_HEADER),
            Form::Zeek => lines.line(&captured::zeek_header()),
        }
        Ok(lines)
    }

    fn line(&mut self, line: &str) {
        if self.failed.is_some() {
            return;
        }
        let end = if line.ends_with('\n') { "" } else { "\n" };
        if let Err(error) =
            self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(end.as_bytes()))
        {
            self.failed = Some(error);
        }
    }

    /// What the packets are: the last line of JSON.
    pub(super) fn contents(&mut self, contents: &Contents) {
        if self.form == Form::Json {
            let line = self.records().contents(contents);
            self.line(&line);
        }
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if self.form == Form::Zeek {
            self.line(captured::ZEEK_FOOTER);
        }
        let flushed = self.out.flush();
        match self.failed.map_or(flushed, Err) {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::io("print", &error)),
        }
    }

    /// Times count from the first segment.
    fn records(&mut self) -> &Records {
        let (origin, language) = (self.origin, self.language);
        self.records.get_or_insert_with(|| Records::since(origin).in_language(language))
    }
}

impl Sink for Lines {
    fn segment(&mut self, segment: &Segment, analysis: &Analysis) {
        if self.origin == tcp::Instant::ZERO {
            self.origin = segment.time;
        }
        let line = match self.form {
            Form::Json => self.records().segment(segment, analysis),
            Form::Csv => captured::segment_csv(segment, analysis, self.origin),
            Form::Zeek => return,
        };
        self.line(&line);
    }

    fn corrected(&mut self, correction: &Correction) {
        // lines of CSV and of Zeek's log have no room for it
        if self.form == Form::Json {
            let line = self.records().correction(correction);
            self.line(&line);
        }
    }

    fn connection(&mut self, connection: &Connection) {
        let line = match self.form {
            Form::Json => self.records().connection(connection),
            Form::Zeek => captured::zeek_line(connection),
            Form::Csv => return,
        };
        self.line(&line);
    }

    fn finding(&mut self, finding: &Finding) {
        if self.form == Form::Json {
            let line = self.records().finding(finding);
            self.line(&line);
        }
    }

    fn group(&mut self, group: &FindingGroup) {
        // what is told one by one already is no group
        if self.form == Form::Json && !group.is_few() {
            let line = self.records().group(group);
            self.line(&line);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        if self.form == Form::Json {
            let line = self.records().notice(notice);
            self.line(&line);
        } else {
            eprintln!("synfin: {notice}");
        }
    }
}
