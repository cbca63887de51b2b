//! The one interface of the page: a question in JSON, an answer in JSON. The browser's exports and the HTTP server of
//! `synfin lab` both end here, so that they give the same bytes.

use crate::lessons::Lesson;
use crate::moment::Moment;
use crate::run::Run;
use crate::{Deed, Setup};
use report::words::Language;
use serde::{Deserialize, Serialize};

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
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
enum Question {
    /// The lessons: `{"ask":"lessons","lang":"en"}`.
    Lessons {
        #[serde(default)]
        lang: Language,
    },
    /// A moment: `{"ask":"view","moment":{...},"lang":"en"}`.
    View {
        moment: Moment,
        #[serde(default)]
        lang: Language,
    },
    /// What crossed the wire up to a moment, as a capture.
    Pcap { moment: Moment },
}

#[derive(Serialize)]
struct Failure {
    error: String,
}

impl Lab {
    /// An empty one.
    pub fn new() -> Lab {
        Lab::default()
    }

    /// Answers a question. What cannot be answered has an answer, too: `{"error": "..."}`.
    pub fn call(&mut self, question: &str) -> String {
        let answer = serde_json::from_str(question)
            .map_err(|error| format!("this is no question of the laboratory: {error}"))
            .and_then(|question| self.answer(question));
        answer.unwrap_or_else(|error| json(&Failure { error }))
    }

    fn answer(&mut self, question: Question) -> Result<String, String> {
        match question {
            Question::Lessons { lang: _ } => {
                Ok(json(&Lesson::all().iter().map(Lesson::id).collect::<Vec<_>>()))
            }
            Question::View { moment, lang } => Ok(json(&self.run(&moment)?.view(moment.at, lang))),
            Question::Pcap { moment } => self.run(&moment).map(|_| String::new()),
        }
    }

    fn run(&mut self, moment: &Moment) -> Result<&Run, String> {
        let (setup, deeds) = (moment.setup(), moment.deeds());
        let is_known = self.last.as_ref().is_some_and(|(of, done, _)| *of == *setup && *done == deeds);
        if !is_known {
            self.last = None;
            let run = Run::new(&setup, &deeds).map_err(|error| error.to_string())?;
            self.last = Some((setup.into_owned(), deeds, run));
        }
        Ok(&self.last.as_ref().expect("it has just been run").2)
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain values")
}
