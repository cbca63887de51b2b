//! Fast Open (RFC 7413): text on the SYN, and what the other end made of it.
//!
//! Who opens may send text with its first SYN; who answers may hand it to its application, which may answer before the
//! third step. What makes that safe, the cookie, is opaque here: the host makes, checks and keeps cookies, and this
//! end only carries them. A SYN that goes again has neither text nor option (§4.2.2), and what its answer does not
//! acknowledge goes again at once as if it had never left: nothing was lost, so nothing is slower for it.
//!
//! What is *not* here: whether to open fast, which the host decides by what it knows of the peer; keys; how many
//! connections of a listener may stand in SYN-RECEIVED with text taken.

use crate::Instant;
use crate::connection::{Connection, Fact};
use crate::handshake::Stage;
use crate::segment::{Event, Segment};
use crate::state::State;
use alloc::boxed::Box;
use wire::Payload;
use wire::tcp::{FastOpenCookie, Flags, Header};

/// All the options that a header may have: what Linux leaves free beside the text of a SYN, for middleboxes that add
/// some.
const OPTIONS_BYTES_MAX: usize = 40;
const HEADER_BYTES: usize = 20;

/// How to open fast: what is known of the peer (RFC 7413 §4.2.1, §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FastOpen {
    /// The option of the first SYN: a cookie that the peer has given, or an empty one, which asks for a cookie, and then
    /// no text goes with the SYN. `None`: text without a cookie, for a peer that wants none (§7.3).
    pub cookie: Option<FastOpenCookie>,
    /// The MSS that the peer announced the last time, in bytes (§4.1.3); `None`: the default of 536 bytes over IPv4 and
    /// 1,220 over IPv6.
    pub peer_mss_bytes: Option<u16>,
}

/// What a listener answers a SYN with (RFC 7413 §4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FastOpenAnswer {
    /// What becomes of the text of the SYN.
    pub text: SynText,
    /// The cookie for the SYN-ACK, in the form in which it was asked for.
    pub cookie: Option<FastOpenCookie>,
}

/// What becomes of the text of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SynText {
    /// It waits for the third step, or comes again (RFC 9293 §3.10.7.2).
    #[default]
    Waits,
    /// It is acknowledged and delivered at once, also when there is none, and the application may answer.
    Taken,
}

/// What the answer to a fast SYN said, for whoever remembers it for the next time (RFC 7413 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FastOpenReply {
    /// The cookie that came with it, if the SYN had the option.
    pub cookie: Option<FastOpenCookie>,
    /// The MSS that the peer announced, in bytes.
    pub peer_mss_bytes: Option<u16>,
    /// How it went.
    pub outcome: FastOpenOutcome,
    /// The first SYN, or the answer to it, was lost.
    pub syn_was_repeated: bool,
}

/// How a Fast Open went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FastOpenOutcome {
    /// There was none, or it is not known yet.
    #[default]
    None,
    /// All text of the SYN was taken, by the peer or by this end (`TCPI_OPT_SYN_DATA`).
    Taken,
    /// There was no cookie to send text with (`TFO_COOKIE_UNAVAILABLE`).
    NoCookie,
    /// The peer did not take all of it (`TFO_DATA_NOT_ACKED`).
    NotTaken,
    /// The SYN had to go again, without text, and that is what was answered (`TFO_SYN_RETRANSMITTED`).
    SynRepeated,
}

/// What a connection knows of its Fast Open. Boxed: most have none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FastOpening {
    /// The option of the first SYN or SYN-ACK, until that has left.
    option: Option<FastOpenCookie>,
    /// The text of the peer's SYN is for the application at once.
    takes_text: bool,
    /// The first SYN has to take text along.
    owes_text: bool,
    /// The SYN had the option: a cookie in its answer is one that was asked for.
    had_option: bool,
    /// Text bytes that left with the SYN.
    text_bytes: u16,
    /// The SYN went again.
    syn_was_repeated: bool,
    reply: Option<FastOpenReply>,
    outcome: FastOpenOutcome,
    /// Something came that only a middlebox would send, before any text of the peer.
    is_doubted: bool,
}

impl Connection {
    /// The SYN of this active open goes as `fast` says, with as much of what is written by then as fits. To be called
    /// before the SYN leaves; afterwards it does nothing.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use synfin_tcp::{Birth, Config, Connection, FastOpen, Instant, Path};
    /// # use wire::{Seq, tcp::FastOpenCookie};
    /// # let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
    /// # let birth = Birth { iss: Seq::new(9), timestamp_offset: 0, path };
    /// let mut client = Connection::connect(Instant::ZERO, birth, Arc::new(Config::default()));
    /// let cookie = FastOpenCookie::new(&[1, 2, 3, 4, 5, 6, 7, 8]);
    /// client.open_fast(FastOpen { cookie, peer_mss_bytes: Some(1_460) });
    /// client.write(Instant::ZERO, b"GET / HTTP/1.0\r\n\r\n")?;
    /// let syn = client.poll_transmit(Instant::ZERO, 0).expect("the first step");
    /// assert!(syn.header.flags.syn() && syn.payload.len() == 18 && syn.header.options.fast_open == cookie);
    /// # Ok::<(), synfin_tcp::WriteError>(())
    /// ```
    pub fn open_fast(&mut self, fast: FastOpen) {
        if self.state() != State::SynSent || self.sender.nxt != self.sender.iss {
            return;
        }
        let FastOpen { cookie, peer_mss_bytes } = fast;
        let asks = cookie.is_some_and(|cookie| cookie.as_slice().is_empty());
        let guessed = self.config.habits.syn_text_may_fill_the_path().then_some(u16::MAX);
        if let Some(mss) = peer_mss_bytes.or(guessed) {
            self.sizes.take_peer_mss(Some(mss), self.path(), &self.config);
        }
        let outcome = if asks { FastOpenOutcome::NoCookie } else { FastOpenOutcome::None };
        self.marks.put(Fact::KeepsMore);
        self.fast_opening = Some(Box::new(FastOpening {
            option: cookie,
            owes_text: !asks,
            outcome,
            ..FastOpening::default()
        }));
    }

    /// How the next SYN is answered. To be called in LISTEN; anywhere else it does nothing.
    pub fn answer_fast(&mut self, answer: FastOpenAnswer) {
        if self.state() != State::Listen || answer == FastOpenAnswer::default() {
            return;
        }
        let (option, takes_text) = (answer.cookie, answer.text == SynText::Taken);
        self.marks.put(Fact::KeepsMore);
        self.fast_opening = Some(Box::new(FastOpening { option, takes_text, ..FastOpening::default() }));
    }

    /// The passive open becomes an active one: no SYN is answered any more.
    #[cold]
    pub(crate) fn forget_passive_open(&mut self) {
        self.handshake.marks.clear([Stage::Passive, Stage::Early]);
        self.fast_opening = None;
    }

    /// Whether the application may read and write: both ends are synchronized, or the text of the peer's SYN was taken
    /// and its third step has not arrived yet.
    pub fn may_exchange(&self) -> bool {
        self.state().is_synchronized() || (self.handshake.is_early() && self.state() == State::SynReceived)
    }

    /// Whether the SYN was answered with its text taken, and the third step has not arrived: the peer has not shown
    /// that it is where it says.
    pub fn is_unproven(&self) -> bool {
        self.handshake.is_early() && self.syn_unacked() && self.state() != State::Closed
    }

    /// What the answer to a fast SYN said, once.
    pub fn take_fast_open_reply(&mut self) -> Option<FastOpenReply> {
        self.fast_opening.as_mut()?.reply.take()
    }

    /// Whether a fast connection looks as if somebody on the path did not understand it: before any text of the peer came
    /// a FIN ahead of its turn, or a reset that is not at RCV.NXT.
    pub fn doubts_fast_open(&self) -> bool {
        self.fast_opening.as_ref().is_some_and(|fast| fast.is_doubted)
    }

    pub(crate) fn fast_open_outcome(&self) -> FastOpenOutcome {
        self.fast_opening.as_ref().map_or(FastOpenOutcome::None, |fast| fast.outcome)
    }

    /// Text bytes that left with our SYN.
    pub(crate) fn syn_text_bytes(&self) -> u32 {
        self.fast_opening.as_ref().map_or(0, |fast| fast.text_bytes.into())
    }

    /// The option of the first SYN or SYN-ACK, once: what goes again goes without (§4.2.1).
    pub(crate) fn take_fast_open_option(&mut self) -> Option<FastOpenCookie> {
        self.fast_opening.as_mut()?.option.take()
    }

    /// How much text the SYN will take along, in bytes.
    pub fn syn_text_room(&mut self, now: Instant) -> usize {
        if self.fast_opening.as_ref().is_none_or(|fast| !fast.owes_text) {
            return 0;
        }
        let flags = Flags::SYN;
        let mut header = Header { flags, ..Header::default() };
        self.add_syn_options(now, &mut header);
        let option = header.options.fast_open;
        let room = self.measure_syn(&mut header);
        if let Some(fast) = &mut self.fast_opening {
            fast.option = option;
        }
        room as usize
    }

    /// The text bytes that fit beside the options of a SYN: as many as the MSS lets and no more than one segment (§4.2.2,
    /// 1 b); none if the option of Fast Open itself does not fit and is taken away (1 a).
    fn measure_syn(&self, header: &mut Header) -> u32 {
        let mut bytes = [0; HEADER_BYTES + OPTIONS_BYTES_MAX];
        let header_bytes = header.emit(&mut bytes, self.config.option_layout);
        let carried = Header::parse(&bytes[..header_bytes]).ok().and_then(|(sent, _)| sent.options.fast_open);
        if carried != header.options.fast_open {
            header.options.fast_open = None;
            return 0;
        }
        let keeps_all = self.config.habits.syn_text_leaves_room_for_options();
        let options_bytes = if keeps_all { OPTIONS_BYTES_MAX } else { header_bytes - HEADER_BYTES };
        u32::from(self.sizes.send_mss()).saturating_sub(options_bytes as u32)
    }

    /// The text that the first SYN takes along.
    #[cold]
    pub(crate) fn take_syn_text(&mut self, header: &mut Header) -> Payload {
        let most = self.measure_syn(header);
        let Some(fast) = &mut self.fast_opening else { return Payload::new() };
        fast.had_option |= header.options.fast_open.is_some();
        if !core::mem::take(&mut fast.owes_text) {
            return Payload::new();
        }
        let text = self.sender.take_syn_text(most);
        fast.text_bytes = text.len() as u16;
        text
    }

    /// Our SYN is acknowledged: what was not acknowledged of its text goes again (§4.2.2, receiving SYN-ACK).
    #[cold]
    pub(crate) fn hear_fast_open_reply(&mut self, header: &Header) {
        let ack = self.sender.una;
        let Some(fast) = self.fast_opening.as_mut().filter(|_| !self.handshake.is_passive()) else { return };
        let syn_was_repeated = fast.syn_was_repeated;
        let end = self.sender.iss + 1 + u32::from(fast.text_bytes);
        if fast.text_bytes > 0 {
            fast.outcome = match (ack.before(end), syn_was_repeated) {
                (false, _) => FastOpenOutcome::Taken,
                (true, false) => FastOpenOutcome::NotTaken,
                (true, true) => FastOpenOutcome::SynRepeated,
            };
            self.sender.take_back_syn_text();
        }
        let is_cookie = |cookie: &FastOpenCookie| !cookie.as_slice().is_empty();
        fast.reply = Some(FastOpenReply {
            cookie: header.options.fast_open.filter(|cookie| fast.had_option && is_cookie(cookie)),
            peer_mss_bytes: header.options.mss,
            outcome: fast.outcome,
            syn_was_repeated,
        });
    }

    /// The SYN had to go again.
    pub(crate) fn note_repeated_syn(&mut self) {
        if let Some(fast) = &mut self.fast_opening {
            fast.syn_was_repeated = true;
        }
    }

    /// Memory that it takes.
    pub(crate) fn fast_open_bytes(&self) -> usize {
        if self.fast_opening.is_some() { size_of::<FastOpening>() } else { 0 }
    }

    /// What a Fast Open did not take along, or the answer did not take, goes with the third step (§4.2.2, step 2), not
    /// behind it.
    pub(crate) fn fast_text_waits(&self) -> bool {
        self.fast_opening.is_some() && self.sender.unsent_bytes() > 0
    }

    /// Takes the text of a SYN, if the listener's host said so. Returns whether it did.
    pub(crate) fn take_text_of_syn(&mut self, syn: &Segment) -> bool {
        let Some(fast) = self.fast_opening.as_mut().filter(|fast| fast.takes_text) else { return false };
        fast.outcome = FastOpenOutcome::Taken;
        self.handshake.marks.put(Stage::Early);
        let text = syn.payload.clone();
        self.receiver.take_text_of_syn(text, &mut self.events);
        self.events.raise(Event::Accepted);
        self.events.raise(Event::Writable);
        true
    }

    /// Something came that a peer which has taken our text would not send.
    #[cold]
    pub(crate) fn doubt_fast_open(&mut self) {
        let nothing_came = self.receiver.received().bytes == 0;
        if let Some(fast) = self.fast_opening.as_mut().filter(|fast| nothing_came && fast.had_option) {
            fast.is_doubted = true;
        }
    }
}
