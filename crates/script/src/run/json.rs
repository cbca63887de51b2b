//! A run for machines: one JSON object.

use super::{Outcome, Run, Rung};
use serde_json::{Value, json};

impl Run {
    /// The run as one JSON object, named after the script.
    ///
    /// ```
    /// let run = synfin_script::run_recorded("0 close(3) = -1 EBADF", &synfin_script::RunOptions::default());
    /// assert!(run.json("demo.pkt").to_string().contains(r#""outcome":"passed""#));
    /// ```
    pub fn json(&self, file: &str) -> Value {
        let mut object = json!({
            "file": file,
            "profile": self.habits.name(),
            "packets": self.packets.len(),
            "virtual_time_us": u64::try_from(self.virtual_time.as_micros()).unwrap_or(u64::MAX),
        });
        if !self.instead.is_empty() {
            object["instead"] = self.instead.iter().map(String::as_str).collect();
        }
        if !self.trailing.is_empty() {
            object["trailing"] = self.trailing.iter().map(String::as_str).collect();
        }
        match &self.outcome {
            Outcome::Passed => object["outcome"] = "passed".into(),
            Outcome::Skipped(reason) => {
                object["outcome"] = "skipped".into();
                object["reason"] = reason.as_str().into();
            }
            Outcome::Failed(failure) => {
                object["outcome"] = "failed".into();
                object["line"] = failure.diagnostic.position.line.into();
                object["column"] = failure.diagnostic.position.column.into();
                object["message"] = failure.diagnostic.message.as_str().into();
                object["expected"] = failure.expected.as_deref().into();
                object["seen"] = failure.seen.as_deref().into();
                object["differences"] = failure.differences.as_slice().into();
                object["ladder"] = failure.ladder.iter().map(rung).collect();
            }
        }
        object
    }
}

fn rung(rung: &Rung) -> Value {
    json!({
        "at_us": u64::try_from(rung.at.as_micros()).unwrap_or(u64::MAX),
        "packet": rung.packet,
        "state": rung.state,
        "why": rung.why,
    })
}
