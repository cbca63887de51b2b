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
