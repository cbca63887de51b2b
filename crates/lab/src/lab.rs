//! The one interface of the page: a question in JSON, an answer in JSON. The browser's exports and the HTTP server of
//! `synfin lab` both end here, so that they give the same bytes.
//!
//! | question | answer |
//! | --- | --- |
//! | `{"ask":"lessons"}` | `{"version":1,"lessons":[{"number","id","title","about"}]}`; several may have one number |
//! | `{"ask":"lesson","id":"close-server"}` | [`LessonView`]: text, setup, deeds, questions, figures, marks |
//! | `{"ask":"answer","moment":M,"question":"id","choice":N}` | `{"right":true,"why":"..."}`; choices count from 0 |
//! | `{"ask":"view","moment":M}` | [`View`](crate::View) |
//! | `{"ask":"marks","moment":M}` | `{"marks":[{"at","text"}]}`: the events of this run that are worth stopping at |
//! | `{"ask":"diagram"}` | [`DiagramView`]: the eleven states and every arrow, each with a sentence |
//! | `{"ask":"pcap","moment":M}` | `{"name":"....pcapng","base64":"..."}`: what passed the client's network card by then; the server's with `"host":1` |
//! | `{"ask":"words"}` | `{"key":"text"}`: every text of the page's own surface |
//!
//! Each takes `"lang":"en"` or `"zh"`, and `M` is a [`Moment`]. What cannot be answered has an answer, too:
//! `{"error":"..."}`. The shape is versioned: `version` grows when a reader must know of a change; fields may be added
//! without it.

use crate::diagram::DiagramView;
use crate::lessons::{Lesson, LessonView};
use crate::marks::{self, Mark};
use crate::moment::Moment;
use crate::run::Run;
use crate::said;
use crate::words;
use crate::{Deed, Setup, pcap};
use report::words::Language;
use serde::{Deserialize, Serialize};

/// The longest question: a moment with all its deeds and programs is shorter.
pub(crate) const QUESTION_BYTES_MAX: usize = 256 * 1_024;

/// A laboratory: it keeps its last run, so that the next moment of the same run is only looked up.
///
/// ```
/// let mut lab = synfin_lab::Lab::new();
/// let answer = lab.call(r#"{"ask":"view","moment":{"lesson":"three-steps","at":3}}"#);
/// assert!(answer.starts_with(r#"{"version":1,"at":3,"#), "{answer}");
/// let answer = lab.call("what?");
/// assert!(answer.starts_with(r#"{"error":"#), "{answer}");
/// ```
#[derive(Debug, Default)]
pub struct Lab {
    last: Option<(Setup, Vec<Deed>, Run)>,
}

/// What a page asks.
#[derive(Debug, Deserialize)]
struct Question {
    #[serde(default)]
    lang: Language,
    #[serde(flatten)]
    about: About,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
enum About {
    Lessons,
    Lesson {
        id: String,
    },
    Answer {
        moment: Moment,
        question: String,
        choice: usize,
    },
    View {
        moment: Moment,
    },
    Marks {
        moment: Moment,
    },
    Diagram,
    Pcap {
        moment: Moment,
        #[serde(default)]
        host: u8,
    },
    Words,
}

/// An answer of one kind.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Error { error: String },
    Lessons { version: u32, lessons: Vec<Listed> },
    Judged { right: bool, why: String },
    Marks { marks: Vec<Mark> },
}

/// A lesson in the list of lessons.
#[derive(Serialize)]
struct Listed {
    number: u8,
    id: &'static str,
    title: &'static str,
    about: &'static str,
}

/// What could not be done, as an answer.
pub(crate) fn failure(error: String) -> String {
    json(&Answer::Error { error })
}

impl Lab {
    /// An empty one.
    pub fn new() -> Lab {
        Lab::default()
    }

    /// Answers a question. What cannot be answered has an answer, too: `{"error": "..."}`.
    pub fn call(&mut self, question: &str) -> String {
        if question.len() > QUESTION_BYTES_MAX {
            let most = QUESTION_BYTES_MAX.to_string();
            let error = words::filled(Language::English, "error/too-long", &[("n", &most)]);
            return failure(error);
        }
        let answer = serde_json::from_str(question)
            .map_err(|error| {
                let language = language_of(question);
                words::filled(language, "error/question", &[("why", &error.to_string())])
            })
            .and_then(|question| self.answer(question));
        answer.unwrap_or_else(failure)
    }

    fn answer(&mut self, question: Question) -> Result<String, String> {
        let lang = question.lang;
        Ok(match question.about {
            About::Lessons => {
                let lessons = Lesson::all().iter().map(|lesson| Listed {
                    number: lesson.number(),
                    id: lesson.id(),
                    title: lesson.title(lang),
                    about: lesson.about(lang),
                });
                json(&Answer::Lessons { version: crate::view::VERSION, lessons: lessons.collect() })
            }
            About::Lesson { id } => {
                let lesson = Lesson::named(&id).ok_or_else(|| said::no_lesson(&id, lang))?;
                let moment = Moment { lesson: Some(id), ..Moment::default() };
                json(&LessonView::of(lesson, self.run(&moment, lang)?, lang))
            }
            About::Answer { moment, question, choice } => {
                let run = self.run(&moment, lang)?;
                let (right, why) = moment.lesson().judge(&question, choice, run, lang)?;
                json(&Answer::Judged { right, why })
            }
            About::View { moment } => json(&self.run(&moment, lang)?.view(moment.at, lang)),
            About::Marks { moment } => {
                json(&Answer::Marks { marks: marks::of(self.run(&moment, lang)?, lang) })
            }
            About::Diagram => json(&DiagramView::new(lang)),
            About::Pcap { moment, host } => {
                let run = self.run(&moment, lang)?;
                json(&pcap::saved(run, moment.lesson().id(), moment.at, host, lang)?)
            }
            About::Words => json(&words::surface(lang)),
        })
    }

    fn run(&mut self, moment: &Moment, lang: Language) -> Result<&Run, String> {
        if let Some(id) = moment.lesson.as_ref().filter(|id| Lesson::named(id).is_none()) {
            return Err(said::no_lesson(id, lang));
        }
        let (setup, deeds) = (moment.setup(), moment.deeds());
        let is_known = self.last.as_ref().is_some_and(|(of, done, _)| *of == *setup && *done == deeds);
        if !is_known {
            self.last = None;
            let run = Run::new(&setup, &deeds).map_err(|error| said::no_run(&error, lang))?;
            self.last = Some((setup.into_owned(), deeds, run));
        }
        Ok(&self.last.as_ref().expect("it has just been run").2)
    }
}

/// The language of a question that is none, as far as it can be read.
fn language_of(question: &str) -> Language {
    #[derive(Deserialize)]
    struct Lang {
        #[serde(default)]
        lang: Language,
    }
    serde_json::from_str::<Lang>(question).map_or(Language::English, |question| question.lang)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values")
}
