//! Lessons 5 to 8: closing, by either end, by half, by both at once, and what comes after.

use super::Lesson;

pub(super) const LESSONS: &[Lesson] = &[];
