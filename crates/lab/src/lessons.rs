//! Lessons: each an editable start, with questions whose answers the engine checks.

use crate::deed::Deed;
use crate::setup::Setup;

/// A lesson.
pub struct Lesson {
    id: &'static str,
    setup: fn() -> Setup,
    deeds: fn() -> Vec<Deed>,
}

static LESSONS: [Lesson; 1] = [Lesson { id: "three-steps", setup: Setup::default, deeds: Vec::new }];

impl Lesson {
    /// All of them, in the order in which they build on each other.
    pub fn all() -> &'static [Lesson] {
        &LESSONS
    }

    /// The one with which a reader begins.
    pub fn first() -> &'static Lesson {
        &LESSONS[0]
    }

    /// The one of this name.
    pub fn named(id: &str) -> Option<&'static Lesson> {
        LESSONS.iter().find(|lesson| lesson.id == id)
    }

    /// Its name in addresses: `three-steps`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What it starts with.
    pub fn setup(&self) -> Setup {
        (self.setup)()
    }

    /// What it does to the run by itself.
    pub fn deeds(&self) -> Vec<Deed> {
        (self.deeds)()
    }
}
