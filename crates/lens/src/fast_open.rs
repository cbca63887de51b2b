//! What a SYN with text or a cookie asks, and what its answer says (RFC 7413).
//!
//! A capture does not show whether a cookie is valid: only whether the SYN,ACK acknowledges the text.

use crate::live::At;
use crate::{Frame, Segment};
use wire::Seq;

/// What a segment of the handshake says of Fast Open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FastOpenWords {
    /// Nothing.
    #[default]
    Nothing,
    /// A SYN with an empty option: it asks for a cookie (§4.1.2).
    AsksForCookie,
    /// A SYN with a cookie (§4.2.1).
    Cookie {
        /// Bytes of text with it.
        text_bytes: u32,
    },
    /// A SYN with text and without a cookie: it waits until the third step, unless the peer wants no cookie (§7.3).
    TextAlone {
        /// How many bytes.
        text_bytes: u32,
    },
    /// The SYN,ACK of a SYN with text or option.
    Answer {
        /// Bytes of text of the latest SYN.
        text_bytes: u32,
        /// How many of them it acknowledges.
        taken_bytes: u32,
        /// It brings a cookie (§4.2.2).
        grants_cookie: bool,
    },
}

impl FastOpenWords {
    /// In words, where there is something to say.
    pub fn sentence(self) -> Option<String> {
        Some(match self {
            FastOpenWords::Nothing => return None,
            FastOpenWords::AsksForCookie => "asks for a Fast Open cookie".to_owned(),
            FastOpenWords::Cookie { text_bytes: 0 } => "a Fast Open cookie, no text".to_owned(),
            FastOpenWords::Cookie { .. } => "text on the SYN with a cookie (Fast Open)".to_owned(),
            FastOpenWords::TextAlone { .. } => "text on the SYN without a cookie".to_owned(),
            FastOpenWords::Answer { text_bytes, taken_bytes, grants_cookie } => {
                let text = match (text_bytes, taken_bytes) {
                    (0, _) => String::new(),
                    (_, 0) => "does not acknowledge the text of the SYN".to_owned(),
                    (text, taken) if taken >= text => "acknowledges the text of the SYN".to_owned(),
                    (text, taken) => format!("acknowledges {taken} of the {text} bytes of the SYN"),
                };
                let cookie = if grants_cookie { "a Fast Open cookie is granted" } else { "" };
                let parts: Vec<&str> =
                    [text.as_str(), cookie].into_iter().filter(|part| !part.is_empty()).collect();
                if parts.is_empty() {
                    return None;
                }
                parts.join("; ")
            }
        })
    }
}

/// How the text of a SYN fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FastOpen {
    /// The first SYN with text.
    pub syn_frame: Frame,
    /// Its text in bytes.
    pub text_bytes: u32,
    /// It had a cookie.
    pub had_cookie: bool,
    /// The first SYN,ACK after it; 0 for none.
    pub answer_frame: Frame,
    /// How many bytes of the text it acknowledges.
    pub taken_bytes: u32,
    /// It brings a cookie.
    pub grants_cookie: bool,
    /// The SYN had gone again without text before that.
    pub went_again_without: bool,
}

/// The SYNs of a connection that has text or an option on one; boxed, because most have none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FastOpening {
    isn: Seq,
    latest_text_bytes: u32,
    story: FastOpen,
}

/// What the segment says; `opening` is made by the first SYN that has something to say.
pub(crate) fn read(opening: &mut Option<Box<FastOpening>>, segment: &Segment, at: At) -> FastOpenWords {
    let option = segment.options.fast_open;
    let has_cookie = option.is_some_and(|cookie| !cookie.as_slice().is_empty());
    match (segment.flags.ack(), opening) {
        (false, opening) => {
            if option.is_none() && segment.text_bytes == 0 && opening.is_none() {
                return FastOpenWords::Nothing;
            }
            opening.get_or_insert_default().on_syn(segment, has_cookie, at);
            match (option.is_some(), has_cookie, segment.text_bytes) {
                (true, false, _) => FastOpenWords::AsksForCookie,
                (_, true, text_bytes) => FastOpenWords::Cookie { text_bytes },
                (false, false, 0) => FastOpenWords::Nothing,
                (false, false, text_bytes) => FastOpenWords::TextAlone { text_bytes },
            }
        }
        (true, None) => FastOpenWords::Nothing,
        (true, Some(opening)) => opening.on_syn_ack(segment, has_cookie, at),
    }
}

impl FastOpening {
    /// How the text of the SYN fared, if it had some.
    pub(crate) fn story(&self) -> Option<FastOpen> {
        Some(self.story).filter(|story| story.syn_frame != 0)
    }

    fn on_syn(&mut self, segment: &Segment, has_cookie: bool, at: At) {
        (self.isn, self.latest_text_bytes) = (segment.seq, segment.text_bytes);
        if segment.text_bytes > 0 && self.story.syn_frame == 0 {
            self.story.syn_frame = at.frame;
            self.story.text_bytes = segment.text_bytes;
            self.story.had_cookie = has_cookie;
        }
        if self.story.answer_frame == 0 {
            self.story.went_again_without = self.story.syn_frame != 0 && segment.text_bytes == 0;
        }
    }

    fn on_syn_ack(&mut self, segment: &Segment, grants_cookie: bool, at: At) -> FastOpenWords {
        let text_bytes = self.latest_text_bytes.max(self.story.text_bytes);
        let beyond = segment.ack.offset_from(self.isn + 1).max(0).cast_unsigned();
        let taken_bytes = beyond.min(text_bytes);
        if self.story.answer_frame == 0 {
            self.story.answer_frame = at.frame;
            self.story.taken_bytes = taken_bytes;
            self.story.grants_cookie = grants_cookie;
        }
        FastOpenWords::Answer {
            text_bytes: self.latest_text_bytes.max(taken_bytes),
            taken_bytes,
            grants_cookie,
        }
    }
}
