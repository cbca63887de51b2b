//! The state diagram in words: why each state exists, what each arrow means. The arrows are [`tcp::state::ROWS`].

use crate::view::RowView;
use crate::words::{filled, text};
use report::words::Language;
use serde::Serialize;
use tcp::State;
use tcp::state::{ROWS, Row, Sends};

/// The diagram.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DiagramView {
    /// The version of this shape.
    pub version: u32,
    /// The eleven states.
    pub states: Vec<StateView>,
    /// Every arrow, by its number.
    pub rows: Vec<ArrowView>,
}

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateView {
    /// `FIN-WAIT-1`.
    pub name: &'static str,
    /// Why it exists, and what ends it.
    pub about: &'static str,
    /// Where it is written.
    pub section: &'static str,
}

/// An arrow, and a sentence on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ArrowView {
    /// The arrow.
    #[serde(flatten)]
    pub row: RowView,
    /// What happens, what is sent, where it leads.
    pub about: String,
}

impl DiagramView {
    /// The diagram in a language.
    ///
    /// ```
    /// let diagram = synfin_lab::DiagramView::new(Default::default());
    /// assert_eq!(diagram.states.len(), 11);
    /// assert!(diagram.rows[0].about.ends_with("The state is then LISTEN."), "{}", diagram.rows[0].about);
    /// ```
    pub fn new(language: Language) -> DiagramView {
        let states = State::ALL.iter().map(|state| StateView {
            name: state.name(),
            about: text(language, &format!("state/{}", state.name())),
            section: "9293#3.3.2",
        });
        let rows = ROWS.iter().map(|row| ArrowView { row: RowView::of(row), about: about(row, language) });
        DiagramView { version: crate::view::VERSION, states: states.collect(), rows: rows.collect() }
    }
}

/// What happens along an arrow.
pub(crate) fn about(row: &Row, language: Language) -> String {
    let cause = text(language, &format!("cause/{}", row.on.name()));
    if row.sends == Sends::Nothing {
        return filled(language, "row/quiet", &[("cause", cause), ("to", row.to.name())]);
    }
    let sends = text(language, &format!("sends/{}", row.sends.name()));
    filled(language, "row/sends", &[("cause", cause), ("sends", sends), ("to", row.to.name())])
}
