//! What was measured, as a part of a Markdown page, and whether it is good enough.

use super::seen::Said;
use super::tally::{Share, Tally, Vantage};
use super::truth::Class;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What stands before the generated part of a page.
pub const BEGIN: &str = "<!-- generated: causes -->";
/// What stands behind it.
pub const END: &str = "<!-- /generated: causes -->";

/// The least share of retransmissions with the right cause, in percent, at the sender and at the receiver.
const RIGHT_MIN: [(Vantage, f64); 2] = [(Vantage::Sender, 99.0), (Vantage::Receiver, 97.0)];
/// The least share of each class, in percent.
const CLASS_MIN: f64 = 90.0;
/// Stated confidence and measured share differ by no more than so many points.
const POINTS_MAX: f64 = 5.0;
/// Of fewer than this a share says nothing.
const COUNT_MIN: u64 = 20;

/// One scenario's part.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What was counted.
    pub tally: Tally,
    /// Events that say nothing: without a stack, or with an unknown one.
    pub unclear: usize,
    /// Retransmissions without a frame, frames without a retransmission, and pieces of unknown origin.
    pub unmatched: usize,
    /// SYNs and SYN-ACKs sent again of which the receiver cannot know it.
    pub unknowable: usize,
}

/// All scenarios.
#[derive(Clone, Debug)]
pub struct Page {
    /// The version of the kernel.
    pub kernel: String,
    /// What was called.
    pub command: String,
    /// The seed of the wire.
    pub seed: u64,
    /// The scenarios.
    pub lines: Vec<Line>,
}

impl Page {
    /// Everything counted.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.lines.iter().for_each(|line| total.merge(&line.tally));
        total
    }

    /// What is not good enough, in words; nothing if all is.
    pub fn shortfalls(&self) -> Vec<String> {
        let total = self.total();
        let mut short = Vec::new();
        for (vantage, least) in RIGHT_MIN {
            let mut check = |what: &str, share: Share, least: f64| {
                if let Some(percent) =
                    share.percent().filter(|percent| *percent < least && share.of >= COUNT_MIN)
                {
                    short.push(format!("{}: {what} {percent:.1} %, not {least} %", vantage.name()));
                }
            };
            check("all causes", total.share(vantage, None), least);
            for class in Class::ALL {
                check(class.name(), total.share(vantage, Some(class)), CLASS_MIN);
            }
        }
        for ((vantage, stated), share) in &total.calibration {
            let Some(percent) = share.percent().filter(|_| share.of >= COUNT_MIN) else { continue };
            if (percent - f64::from(*stated)).abs() > POINTS_MAX {
                let name = vantage.name();
                short.push(format!(
                    "{name}: of what is stated at {stated} %, {percent:.1} % of {} is right",
                    share.of
                ));
            }
        }
        short
    }

    /// The generated part, without its markers.
    pub fn text(&self) -> String {
        let total = self.total();
        let count = total.share(Vantage::Sender, None).of;
        let sum = |what: fn(&Line) -> usize| self.lines.iter().map(what).sum::<usize>();
        let mut text = format!(
            "Linux {}, seed {}, `{}`: {count} retransmissions in {} scenarios. Not counted: {} whose stack says nothing, {} that could not be matched, {} SYNs and SYN-ACKs of which the receiver cannot know that they are repetitions, because none had come before.\n",
            self.kernel,
            self.seed,
            self.command,
            self.lines.len(),
            sum(|line| line.unclear),
            sum(|line| line.unmatched),
            sum(|line| line.unknowable),
        );
        for vantage in Vantage::ALL {
            text += &classes(&total, vantage);
        }
        text += &calibration(&total);
        text += &second_looks(&total);
        text += &self.scenarios();
        text += "\n**Bars**: 99 % at the sender, 97 % at the receiver, no class under 90 %, confidence within 5 points of what is measured (of 20 or more).\n\n";
        match &self.shortfalls()[..] {
            [] => text += "All are met.\n",
            short => text.extend(short.iter().map(|line| format!("- {line}\n"))),
        }
        text
    }

    fn scenarios(&self) -> String {
        let mut text = "\n| scenario | what it is | retransmissions | sender | receiver | false claims |\n|---|---|--:|--:|--:|--:|\n".to_owned();
        for line in &self.lines {
            let [sender, receiver] = Vantage::ALL.map(|vantage| line.tally.share(vantage, None));
            let false_claims: u64 =
                Vantage::ALL.iter().map(|vantage| line.tally.false_claims(*vantage)).sum();
            let (name, about) = (&line.name, &line.about);
            let _ = writeln!(
                text,
                "| {name} | {about} | {} | {} | {} | {false_claims} |",
                sender.of,
                percent(sender),
                percent(receiver),
            );
        }
        text
    }

    /// The page with its generated part replaced.
    ///
    /// # Errors
    /// If the page has no markers, in words.
    pub fn put_into(&self, page: &str) -> Result<String, String> {
        let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let (before, after) = parts.ok_or_else(|| format!("the page has no {BEGIN} ... {END}"))?;
        Ok(format!("{before}{BEGIN}\n{}{END}{after}", self.text()))
    }
}

/// Of each true class, what was said.
fn classes(total: &Tally, vantage: Vantage) -> String {
    let here = || total.answers.iter().filter(|((at, ..), _)| *at == vantage);
    let said: BTreeSet<Said> = here().map(|((_, _, said), _)| *said).collect();
    let mut text = format!(
        "\nAt the {} (rows: what the kernel did; columns: what the lens says):\n\n| |",
        vantage.name()
    );
    text.extend(said.iter().map(|said| format!(" {said} |")));
    text += " right |\n|---|";
    text += &"--:|".repeat(said.len() + 1);
    text += "\n";
    let rows = Class::ALL.iter().copied().map(Some).chain([None]);
    for class in rows.filter(|class| here().any(|((_, truth, _), _)| truth == class)) {
        let _ = write!(text, "| {} |", class.map_or("sent for the first time", Class::name));
        for said in &said {
            match total.answers.get(&(vantage, class, *said)) {
                Some(count) => text += &format!(" {count} |"),
                None => text += " |",
            }
        }
        let share = class.map(|_| total.share(vantage, class));
        let _ = writeln!(text, " {} |", share.map_or("-".to_owned(), percent));
    }
    let first = total.first_sendings.get(&vantage).copied().unwrap_or(0);
    let right = percent(total.share(vantage, None));
    let _ = writeln!(
        text,
        "\nRight: **{right}**; of {first} first sendings {} are called repetitions.",
        total.false_claims(vantage)
    );
    text
}

fn calibration(total: &Tally) -> String {
    let mut text = "\n| vantage | stated confidence | right | of |\n|---|--:|--:|--:|\n".to_owned();
    for ((vantage, stated), share) in &total.calibration {
        let _ = writeln!(text, "| {} | {stated} % | {} | {} |", vantage.name(), percent(*share), share.of);
    }
    text
}

/// What the lens corrected by what came later; nothing if it did not.
fn second_looks(total: &Tally) -> String {
    if total.corrections.is_empty() && total.needless.is_empty() {
        return String::new();
    }
    let mut text = "\n| vantage | said first | said later | right | of |\n|---|---|---|--:|--:|\n".to_owned();
    for ((vantage, first, said), share) in &total.corrections {
        let name = vantage.name();
        let _ = writeln!(text, "| {name} | {first} | {said} | {} | {} |", percent(*share), share.of);
    }
    for (vantage, share) in &total.needless {
        let name = vantage.name();
        let _ =
            writeln!(text, "| {name} | sent again | it was needless | {} | {} |", percent(*share), share.of);
    }
    text
}

fn percent(share: Share) -> String {
    share.percent().map_or("-".to_owned(), |percent| format!("{percent:.1} %"))
}

#[cfg(test)]
mod tests;
