//! A moment: everything that a view depends on. It is what the address of the page holds.

use crate::deed::Deed;
use crate::lessons::Lesson;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A lesson or a setup, what was done to its run, and how far the run has come.
///
/// ```
/// let moment: synfin_lab::Moment = serde_json::from_str(r#"{"lesson":"three-steps","at":4}"#).unwrap();
/// assert_eq!(moment.setup().hosts[0].program[0], "connect");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Moment {
    /// The lesson, by [`Lesson::id`]; without it, or if there is none of this name, the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lesson: Option<String>,
    /// The setup, if the reader has edited that of the lesson.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup: Option<Setup>,
    /// What the reader has done, on top of what the lesson does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deeds: Vec<Deed>,
    /// So many events have happened.
    pub at: usize,
}

impl Moment {
    /// Its lesson.
    pub fn lesson(&self) -> &'static Lesson {
        self.lesson.as_deref().and_then(Lesson::named).unwrap_or_else(Lesson::first)
    }

    /// The setup that is run.
    pub fn setup(&self) -> Cow<'_, Setup> {
        self.setup.as_ref().map_or_else(|| Cow::Owned(self.lesson().setup()), Cow::Borrowed)
    }

    /// What is done to the run: by the lesson, then by the reader.
    pub fn deeds(&self) -> Vec<Deed> {
        self.lesson().deeds().into_iter().chain(self.deeds.iter().cloned()).collect()
    }
}
