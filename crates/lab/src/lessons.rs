//! Lessons: each an editable start, with questions whose answers the engine's own run decides.
//!
//! A lesson of the course may have several starts, which are lessons of their own with one number: closing by the server
//! and by the client, three ways in which a loss is found. Their texts are in the tables of [`crate::words`], by the
//! lesson's id: `{id}/title`, `{id}/about`, `{id}/text/1`, `{id}/figure/1`, and for each question `{id}/{question}/ask`,
//! `/hint`, `/why` and the choices `/1`, `/2`. What is *not* here: right answers; a question looks at the run.

mod closing;
mod flow;
mod look;
mod loss;
mod opening;
mod resets;
#[cfg(test)]
mod tests;

use crate::deed::Deed;
use crate::marks::{self, Mark};
use crate::run::Run;
use crate::setup::Setup;
use crate::words::{filled, list, text};
use look::Look;
use report::words::Language;
use serde::Serialize;
use std::sync::LazyLock;

/// A lesson.
#[derive(Debug)]
pub struct Lesson {
    number: u8,
    id: &'static str,
    setup: fn() -> Setup,
    deeds: fn() -> Vec<Deed>,
    questions: &'static [Question],
}

/// A question: which of its choices is right is read from a run; none, if nothing happens there that decides it.
#[derive(Debug)]
struct Question {
    id: &'static str,
    right: fn(&Look<'_>) -> Option<usize>,
}

static LESSONS: LazyLock<Vec<&'static Lesson>> = LazyLock::new(|| {
    let parts = [opening::LESSONS, closing::LESSONS, loss::LESSONS, flow::LESSONS, resets::LESSONS];
    parts.into_iter().flatten().collect()
});

/// A lesson as a page shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LessonView {
    /// The version of this shape.
    pub version: u32,
    /// Its number in the course, from 1; several starts of one lesson share it.
    pub number: u8,
    /// Its name in addresses.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// The same in a sentence.
    pub about: &'static str,
    /// What it says, by paragraphs.
    pub text: Vec<&'static str>,
    /// What it starts with.
    pub setup: Setup,
    /// What it does to the run by itself.
    pub deeds: Vec<Deed>,
    /// What it asks.
    pub questions: Vec<QuestionView>,
    /// What of the article it reproduces.
    pub figures: Vec<&'static str>,
    /// The events of its run that are worth stopping at.
    pub marks: Vec<Mark>,
}

/// A question as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QuestionView {
    /// Its name in its lesson.
    pub id: &'static str,
    /// The question.
    pub question: &'static str,
    /// Where to look for the answer.
    pub hint: &'static str,
    /// The answers of which one is right, numbered from 0.
    pub choices: Vec<&'static str>,
}

impl Lesson {
    /// All of them, in the order in which they build on each other.
    pub fn all() -> &'static [&'static Lesson] {
        &LESSONS
    }

    /// The one with which a reader begins.
    pub fn first() -> &'static Lesson {
        LESSONS[0]
    }

    /// The one of this name.
    pub fn named(id: &str) -> Option<&'static Lesson> {
        LESSONS.iter().find(|lesson| lesson.id == id).copied()
    }

    /// Its number in the course, from 1 to 12.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Its name in addresses: `three-steps`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What it is called.
    pub fn title(&self, language: Language) -> &'static str {
        text(language, &self.key("title"))
    }

    /// The same in a sentence.
    pub fn about(&self, language: Language) -> &'static str {
        text(language, &self.key("about"))
    }

    /// What it starts with.
    pub fn setup(&self) -> Setup {
        (self.setup)()
    }

    /// What it does to the run by itself.
    pub fn deeds(&self) -> Vec<Deed> {
        (self.deeds)()
    }

    fn key(&self, of: &str) -> String {
        format!("{}/{of}", self.id)
    }

    fn questions(&self, lang: Language) -> Vec<QuestionView> {
        let view = |question: &Question| QuestionView {
            id: question.id,
            question: text(lang, &self.key(&format!("{}/ask", question.id))),
            hint: text(lang, &self.key(&format!("{}/hint", question.id))),
            choices: list(lang, &self.key(question.id)),
        };
        self.questions.iter().map(view).collect()
    }

    /// Whether a choice is right in this run, and why.
    ///
    /// # Errors
    /// There is no such question or choice, or nothing happens in the run that decides it.
    pub(crate) fn judge(
        &self,
        question: &str,
        choice: usize,
        run: &Run,
        lang: Language,
    ) -> Result<(bool, String), String> {
        let question = self.questions.iter().find(|known| known.id == question).ok_or_else(|| {
            let told: String = question.chars().take(60).collect();
            filled(lang, "error/question-id", &[("text", &told)])
        })?;
        let choices = list(lang, &self.key(question.id));
        if choice >= choices.len() {
            let last = (choices.len() - 1).to_string();
            return Err(filled(lang, "error/choice", &[("text", question.id), ("n", &last)]));
        }
        let right = (question.right)(&Look(run));
        let right = right.ok_or_else(|| text(lang, "error/undecided").to_owned())?;
        let as_meant = self.meant(question) == Some(right);
        let why = if as_meant {
            text(lang, &self.key(&format!("{}/why", question.id))).to_owned()
        } else {
            let choice = choices.get(right).copied().unwrap_or_default().trim_end_matches(['.', '。']);
            filled(lang, "answer/otherwise", &[("choice", choice)])
        };
        Ok((choice == right, why))
    }

    /// The right choice in the lesson's own run, for which its explanation is written.
    fn meant(&self, question: &Question) -> Option<usize> {
        let run = Run::new(&self.setup(), &self.deeds()).ok()?;
        (question.right)(&Look(&run))
    }
}

impl LessonView {
    pub(crate) fn of(lesson: &'static Lesson, run: &Run, lang: Language) -> LessonView {
        LessonView {
            version: crate::view::VERSION,
            number: lesson.number,
            id: lesson.id,
            title: lesson.title(lang),
            about: lesson.about(lang),
            text: list(lang, &lesson.key("text")),
            setup: lesson.setup(),
            deeds: lesson.deeds(),
            questions: lesson.questions(lang),
            figures: list(lang, &lesson.key("figure")),
            marks: marks::of(run, lang),
        }
    }
}

/// A program of these lines.
fn lines(program: &[&str]) -> Vec<String> {
    program.iter().map(|line| (*line).to_owned()).collect()
}

/// The article's connection with other programs.
fn with_programs(client: &[&str], server: &[&str]) -> Setup {
    let mut setup = Setup::default();
    setup.hosts[0].program = lines(client);
    setup.hosts[1].program = lines(server);
    setup
}

fn no_deeds() -> Vec<Deed> {
    Vec::new()
}
