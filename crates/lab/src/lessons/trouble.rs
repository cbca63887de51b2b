//! Lessons 9 to 12: loss, windows, congestion, resets.

use super::Lesson;

pub(super) const LESSONS: &[Lesson] = &[];
