use super::{EcnMeaning, EcnTalk};
use crate::Side;
use crate::story::{ACK, RST, SYN, Story};
use tcp::EcnFeedback;
use wire::ip::Ecn;
use wire::tcp::{AccurateEcn, Flags};

const ASKS_ACCURATE: u8 = 0b111;
const ASKS_CLASSIC: u8 = 0b011;
/// A SYN or SYN,ACK arrived as Not-ECT, and so on (RFC 9768 table 2).
const NOT_ECT: u8 = 0b010;
const ECT0: u8 = 0b100;
const CE: u8 = 0b110;

/// The flags with AE, CWR and ECE as this number.
pub(crate) fn with(flags: Flags, code: u8) -> Flags {
    flags | Flags::from_bits(u16::from(code) << 6)
}

fn read(talk: &mut EcnTalk, from: Side, flags: Flags, code: u8) -> EcnMeaning {
    talk.read(from, with(flags, code), true)
}

/// What a SYN with these flags and its answer with those agree on.
fn agreement(asked: u8, answered: u8) -> (Option<EcnFeedback>, EcnMeaning) {
    let mut talk = EcnTalk::default();
    read(&mut talk, Side::A, SYN, asked);
    let meaning = read(&mut talk, Side::B, SYN | ACK, answered);
    (talk.agreed(), meaning)
}

#[test]
fn the_handshake_agrees_as_the_table_says() {
    use EcnFeedback::{Accurate, Classic, Off};
    let rows = [
        (ASKS_ACCURATE, NOT_ECT, Accurate, "accepts AccECN; the SYN arrived as Not-ECT"),
        (ASKS_ACCURATE, 0b011, Accurate, "accepts AccECN; the SYN arrived as ECT(1)"),
        (ASKS_ACCURATE, ECT0, Accurate, "accepts AccECN; the SYN arrived as ECT(0)"),
        (ASKS_ACCURATE, CE, Accurate, "accepts AccECN; the SYN arrived as CE"),
        (ASKS_ACCURATE, 0b101, Accurate, "accepts AccECN"),
        (ASKS_ACCURATE, 0b001, Classic, "accepts ECN"),
        (ASKS_ACCURATE, 0b000, Off, "declines ECN"),
        (ASKS_ACCURATE, 0b111, Off, "reflects the flags of the SYN, which is no ECN"),
        (ASKS_CLASSIC, 0b001, Classic, "accepts ECN"),
        (ASKS_CLASSIC, 0b000, Off, "declines ECN"),
        (ASKS_CLASSIC, 0b011, Off, "reflects the flags of the SYN, which is no ECN"),
    ];
    for (asked, answered, agreed, sentence) in rows {
        let (found, meaning) = agreement(asked, answered);
        assert_eq!(found, Some(agreed), "{asked:03b} {answered:03b}");
        assert_eq!(meaning.sentence().as_deref(), Some(sentence), "{asked:03b} {answered:03b}");
    }
    assert_eq!(agreement(0, NOT_ECT), (Some(Off), EcnMeaning::AsNamed), "nobody asked");
}

#[test]
fn flags_are_a_number_only_after_an_agreement_that_was_seen() {
    let mut middle = EcnTalk::default();
    assert_eq!(read(&mut middle, Side::A, ACK, 5), EcnMeaning::AsNamed);
    assert_eq!(read(&mut middle, Side::B, SYN | ACK, ECT0), EcnMeaning::AsNamed, "its SYN was not seen");
    assert_eq!((middle.agreed(), read(&mut middle, Side::A, ACK, 5).ace()), (None, None));
    let mut talk = EcnTalk::default();
    read(&mut talk, Side::A, SYN, ASKS_ACCURATE);
    assert_eq!(read(&mut talk, Side::B, SYN | ACK, NOT_ECT).ace(), None, "those of a SYN,ACK are flags");
    let third = read(&mut talk, Side::A, ACK, CE);
    assert_eq!(third, EcnMeaning::AnswersSynAck { ace: CE, arrived: Some(Ecn::CongestionExperienced) });
    assert_eq!(
        read(&mut talk, Side::A, ACK, CE),
        EcnMeaning::Counts { ace: 6, news: 0 },
        "now it is a number"
    );
    assert_eq!(read(&mut talk, Side::A, RST, 0), EcnMeaning::AsNamed);
    assert_eq!(read(&mut talk, Side::B, SYN | ACK, NOT_ECT).ace(), None, "a SYN,ACK again");
    assert_eq!(
        read(&mut talk, Side::A, ACK, NOT_ECT).sentence().as_deref(),
        Some("the SYN,ACK arrived as Not-ECT")
    );
}

#[test]
fn text_as_the_third_step_counts_and_does_not_answer() {
    let mut talk = EcnTalk::default();
    read(&mut talk, Side::A, SYN, ASKS_ACCURATE);
    read(&mut talk, Side::B, SYN | ACK, NOT_ECT);
    assert_eq!(talk.read(Side::A, with(ACK, 5), false), EcnMeaning::Counts { ace: 5, news: 0 });
}

#[test]
fn the_third_step_shows_which_of_two_answers_was_heard() {
    for (third, agreed) in [(0, EcnFeedback::Off), (NOT_ECT, EcnFeedback::Accurate)] {
        let mut talk = EcnTalk::default();
        read(&mut talk, Side::A, SYN, ASKS_ACCURATE);
        read(&mut talk, Side::B, SYN | ACK, NOT_ECT);
        read(&mut talk, Side::B, SYN | ACK, 0);
        read(&mut talk, Side::A, ACK, third);
        assert_eq!(talk.agreed(), Some(agreed));
    }
}

/// A handshake with these answers of both ends; then each end has sent what it knows.
pub(crate) fn opened(asks: u8, answers: u8, third: u8) -> Story {
    let mut story = Story::new();
    story.send(0, with(SYN, asks), 0);
    story.wait_ms(20).send(1, with(SYN | ACK, answers), 0);
    story.send(0, with(ACK, third), 0);
    story
}

#[test]
fn news_are_what_the_number_and_the_bytes_say_more() {
    let mut story = opened(ASKS_ACCURATE, NOT_ECT, NOT_ECT);
    let mut told = Vec::new();
    let mut answer = |story: &mut Story, ace: u8, ceb: Option<u32>| {
        (0..20).for_each(|_| story.send(0, with(ACK, 5), 1_000).ecn = 2);
        let acknowledgment = story.wait_ms(20).send(1, with(ACK, ace), 0);
        acknowledgment.options.accurate_ecn = ceb.map(|ceb| AccurateEcn::with_e0b_first(&[1, ceb]));
        told.push(story.told().last().ecn);
    };
    answer(&mut story, 5, None);
    answer(&mut story, 7, None);
    answer(&mut story, 0, Some(3_000));
    answer(&mut story, 2, Some(13_000));
    let news: Vec<u32> = told
        .iter()
        .map(|meaning| match meaning {
            EcnMeaning::Counts { news, .. } => *news,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(news, [0, 2, 1, 10], "the bytes say that three bits went round once");
    let marked = story.told().connection().directions[0].marked;
    assert_eq!((marked.told_packets, marked.told_bytes, marked.told.count), (13, 13_000, 3));
}

#[test]
fn an_acknowledgment_that_was_overtaken_tells_nothing() {
    let mut story = opened(ASKS_ACCURATE, NOT_ECT, NOT_ECT);
    for _ in 0..4 {
        story.send(0, with(ACK, 5), 1_000);
    }
    let early = story.received[1] - 2_000;
    story.wait_ms(20).send(1, with(ACK, 6), 0);
    story.send(1, with(ACK, 5), 0).ack = wire::Seq::new(early);
    story.send(1, with(ACK, 6), 0);
    assert_eq!(story.told().connection().directions[0].marked.told_packets, 1);
}

#[test]
fn an_option_that_was_overtaken_or_cleared_counts_no_bytes() {
    let mut story = opened(ASKS_ACCURATE, NOT_ECT, NOT_ECT);
    for ceb in [3_000, 0, 4_000] {
        story.send(0, with(ACK, 5), 1_000);
        let option = AccurateEcn::with_e0b_first(&[1, ceb]);
        story.wait_ms(20).send(1, with(ACK, 6), 0).options.accurate_ecn = Some(option);
    }
    assert_eq!(story.told().connection().directions[0].marked.told_bytes, 4_000);
}

#[test]
fn a_number_that_was_cleared_at_the_third_step_is_not_believed() {
    let mut story = opened(ASKS_ACCURATE, NOT_ECT, 0);
    assert_eq!(story.told().last().ecn.sentence().as_deref(), Some("ACE was cleared on the way"));
    story.send(1, with(ACK, 5), 1_000);
    story.wait_ms(20).send(0, ACK, 0);
    assert_eq!(story.told().connection().directions[1].marked.told_packets, 0);
}
