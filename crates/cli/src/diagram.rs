//! `synfin diagram`: the state diagram, drawn from the rows that the engine moves by.

use crate::failure::{Outcome, print};
use crate::output::Files;
use clap::{Args, ValueEnum};
use report::{Style, diagram};
use std::path::PathBuf;
use std::process::ExitCode;

/// Print TCP's state diagram as the engine uses it
#[derive(Args)]
#[command(after_help = "Examples:
  synfin diagram                            as text
  synfin diagram --format table             every row: from, on, to, what is sent, where it is written
  synfin diagram --format svg -o tcp.svg    a picture
  synfin diagram --format mermaid           for a Markdown page")]
pub(crate) struct Diagram {
    /// How to draw it
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A drawing for the terminal
    Text,
    /// All rows
    Table,
    /// All rows, for a Markdown page
    Markdown,
    /// A Mermaid state diagram
    Mermaid,
    /// An SVG picture
    Svg,
}

impl Diagram {
    pub(crate) fn run(self, style: &Style) -> Outcome {
        let text = match self.format {
            Format::Text => diagram::text(style),
            Format::Table => diagram::listing(style),
            Format::Markdown => diagram::markdown(),
            Format::Mermaid => diagram::mermaid(),
            Format::Svg => diagram::svg(),
        };
        match &self.output {
            None => print(&text)?,
            Some(path) => Files::new().write("--output", path)?.write(&text)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
