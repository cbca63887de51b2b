//! Every lesson runs, ends, has its marks and its texts, and its questions are answered by its run as the texts say.

use super::look::Look;
use super::{Lesson, LessonView};
use crate::run::Run;
use crate::words::LANGUAGES;

/// The right choice of every question, as the lesson's text has it, numbered from 1 as in the tables.
const RIGHT: &[(&str, &str, usize)] = &[
    ("three-steps", "ack", 2),
    ("three-steps", "flags", 2),
    ("three-steps", "first-byte", 2),
    ("old-syn", "server", 2),
    ("old-syn", "client", 3),
    ("old-syn", "accept", 2),
    ("calls-return", "connect", 2),
    ("calls-return", "accept", 3),
    ("calls-return", "first", 1),
    ("calls-return", "write", 1),
    ("bytes", "second", 2),
    ("bytes", "ack", 2),
    ("bytes", "fin", 2),
    ("close-server", "first", 2),
    ("close-server", "ack", 2),
    ("close-server", "time-wait", 2),
    ("close-client", "between", 2),
    ("close-client", "count", 3),
    ("close-client", "time-wait", 1),
    ("half-close", "client", 2),
    ("half-close", "server", 3),
    ("half-close", "bytes", 3),
    ("both-close", "state", 2),
    ("both-close", "time-wait", 3),
    ("both-open", "state", 2),
    ("both-open", "count", 3),
    ("both-open", "connections", 1),
    ("time-wait", "who", 2),
    ("time-wait", "again", 1),
    ("time-wait", "time", 2),
    ("loss-timer", "arrives", 3),
    ("loss-timer", "double", 2),
    ("loss-fast", "ack", 2),
    ("loss-fast", "why", 2),
    ("loss-fast", "after", 3),
    ("loss-tail", "dups", 1),
    ("loss-tail", "why", 3),
    ("window-zero", "probe", 2),
    ("window-zero", "pace", 2),
    ("window-zero", "opens", 2),
    ("window-silly", "step", 2),
    ("window-silly", "size", 3),
    ("slow-start", "first", 3),
    ("slow-start", "grows", 2),
    ("congestion", "where", 2),
    ("congestion", "why", 2),
    ("congestion", "half", 2),
    ("reset-refused", "answer", 3),
    ("reset-refused", "connect", 2),
    ("reset-aborted", "server", 2),
    ("reset-aborted", "answer", 3),
    ("reset-aborted", "time-wait", 3),
    ("reset-half-open", "when", 2),
    ("reset-half-open", "answer", 3),
    ("reset-forged", "blind", 2),
    ("reset-forged", "exact", 3),
    ("reset-forged", "server", 2),
];

fn run(lesson: &Lesson) -> Run {
    Run::new(&lesson.setup(), &lesson.deeds()).unwrap_or_else(|error| panic!("{}: {error}", lesson.id()))
}

#[test]
fn the_engine_answers_each_question_as_the_texts_say() {
    let told: Vec<(&str, &str, usize)> = Lesson::all()
        .iter()
        .flat_map(|lesson| {
            let run = run(lesson);
            let right = |question: &super::Question| {
                let right = (question.right)(&Look(&run));
                (lesson.id(), question.id, right.map_or(0, |right| right + 1))
            };
            lesson.questions.iter().map(right).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(told, RIGHT);
}

#[test]
fn one_choice_is_right_and_is_explained_in_every_language() {
    for lesson in Lesson::all() {
        let run = run(lesson);
        for lang in LANGUAGES {
            let view = LessonView::of(lesson, &run, lang);
            assert!((2..=4).contains(&view.questions.len()), "{}", view.id);
            for question in &view.questions {
                let count = question.choices.len();
                assert!((2..=4).contains(&count), "{} {}", view.id, question.id);
                let judged = |choice| lesson.judge(question.id, choice, &run, lang).expect("a judgement");
                let right: Vec<usize> = (0..count).filter(|choice| judged(*choice).0).collect();
                assert_eq!(right.len(), 1, "{} {}", view.id, question.id);
                let why = format!("{}/{}/why", view.id, question.id);
                assert_eq!(judged(0).1, crate::words::text(lang, &why));
            }
        }
    }
}

#[test]
fn every_lesson_ends_and_has_marks_and_texts() {
    for lesson in Lesson::all() {
        let run = run(lesson);
        assert!(!run.is_cut, "{}", lesson.id());
        for lang in LANGUAGES {
            let view = LessonView::of(lesson, &run, lang);
            assert!(view.text.len() >= 2 && !view.title.is_empty() && !view.about.is_empty(), "{}", view.id);
            assert!(view.marks.len() >= 3, "{}: {:?}", view.id, view.marks);
            assert!(view.marks.iter().all(|mark| (1..=run.events().len()).contains(&mark.at)), "{}", view.id);
            assert!(view.marks.is_sorted_by_key(|mark| mark.at), "{}", view.id);
        }
    }
}

#[test]
fn the_course_has_twelve_lessons_in_order() {
    let numbers: Vec<u8> = Lesson::all().iter().map(|lesson| lesson.number()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, (1..=12).collect::<Vec<u8>>());
    for lesson in Lesson::all() {
        assert!(std::ptr::eq(Lesson::named(lesson.id()).expect("by its name"), *lesson), "{}", lesson.id());
    }
}
