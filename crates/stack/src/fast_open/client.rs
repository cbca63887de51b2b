//! Fast Open for the end that connects (RFC 7413 §4.1.3): which servers have given cookies, and where Fast Open is left
//! alone for a while.
//!
//! Cookies and segment sizes are kept by the addresses of both ends, as cookies are made. What did not work is kept by
//! the server's port, too (§4.1.3.1): one service behind a middlebox that swallows SYNs with text says nothing of the
//! others. Linux pauses Fast Open for all servers instead. A pause is an hour at first and twice as long after each
//! failure in a row, up to 64 times; the first text that comes back ends the row. Both tables are bounded, and what was
//! learned first goes first.

use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::secret::{Purpose, Secret, TableHash};
use crate::socket::{NO_LISTENER, Standing};
use bytes::Bytes;
use core::hash::Hash;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use tcp::{Connection, FastOpen, FastOpenOutcome, FastOpenReply, Habits, Instant, State};
use wire::tcp::FastOpenCookie;

use super::CookiePolicy;

/// A pause is at most so often doubled (Linux: 2^6 times the first).
const DOUBLINGS_MAX: u32 = 6;
/// So many timeouts in a row, before anything came back, are a black hole (Linux: the third).
const TIMEOUTS_OF_BLACK_HOLE: u8 = 3;

/// Text to open a connection with.
///
/// It goes with the SYN, as much as fits, if the peer has given us a cookie before; if not, the SYN asks for one, and
/// the text goes when the connection is open. Text on a SYN may reach the peer's application more than once
/// (RFC 7413 §6.1): only for requests to which that makes no difference.
#[derive(Clone, Debug, Default)]
pub struct OpenFast {
    /// The text.
    pub text: Bytes,
    /// How much of it is queued.
    pub queued: QueuedText,
    /// Whether text on a SYN needs a cookie.
    pub cookies: CookiePolicy,
}

/// How much of the text that opens a connection is queued.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum QueuedText {
    /// As much as the send buffer takes.
    #[default]
    AsMuchAsFits,
    /// Only what goes with the SYN, as `sendto(MSG_FASTOPEN)` on a non-blocking socket does.
    OnlyWithSyn,
}

/// Both ends' addresses.
type Ends = (Address, Address);
/// Both ends' addresses and the server's port.
type Service = (Address, Address, u16);

/// What a server has told.
#[derive(Clone, Copy, Default)]
struct Known {
    cookie: Option<FastOpenCookie>,
    mss_bytes: Option<u16>,
    experiment: Experiment,
    /// It gave no cookie when it was asked, and is not asked again before this.
    unasked_until: Option<Instant>,
}

/// In which form to ask for a cookie (RFC 7413 §9).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Experiment {
    #[default]
    NotTried,
    /// Option 34 brought none: the next request has option 254.
    Next,
    /// That brought none either.
    Failed,
}

/// Fast Open is left alone.
#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    /// Failures in a row.
    times: u32,
}

/// What is known of servers.
pub(crate) struct FastOpenPeers {
    known: Bounded<Ends, Known>,
    pauses: Bounded<Service, Pause>,
}

/// A table whose oldest entry goes when there are too many.
struct Bounded<K, V> {
    entries: HashMap<K, V, TableHash>,
    /// Every key once, in the order in which they came.
    order: VecDeque<K>,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    fn new(secret: &Secret) -> Self {
        let entries = HashMap::with_hasher(TableHash::new(secret, Purpose::Tables));
        Bounded { entries, order: VecDeque::new() }
    }

    fn held_bytes(&self) -> usize {
        // A hash table has a byte of its own for each place, and an eighth of the places stays empty.
        let place_bytes = size_of::<(K, V)>() + 1;
        self.entries.capacity() * place_bytes * 8 / 7 + self.order.capacity() * size_of::<K>()
    }

    /// The entry of `key`, made anew if there is none.
    fn entry(&mut self, key: K, entries_max: usize, new: V) -> &mut V {
        if !self.entries.contains_key(&key) {
            while self.order.len() >= entries_max.max(1) {
                let Some(oldest) = self.order.pop_front() else { break };
                self.entries.remove(&oldest);
            }
            self.order.push_back(key);
        }
        self.entries.entry(key).or_insert(new)
    }
}

fn ends(flow: &FlowKey) -> Ends {
    (flow.local, flow.remote)
}

fn service(flow: &FlowKey) -> Service {
    (flow.local, flow.remote, flow.remote_port)
}

impl FastOpenPeers {
    pub(crate) fn new(secret: &Secret) -> Self {
        FastOpenPeers { known: Bounded::new(secret), pauses: Bounded::new(secret) }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.known.entries.len() + self.pauses.entries.len()
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.known.held_bytes() + self.pauses.held_bytes()
    }

    fn is_paused(&self, now: Instant, flow: &FlowKey) -> bool {
        !self.pauses.entries.is_empty()
            && self.pauses.entries.get(&service(flow)).is_some_and(|pause| now < pause.until)
    }

    /// How to open; `None`: with an ordinary SYN.
    fn way(&self, now: Instant, flow: &FlowKey, cookies: CookiePolicy) -> Option<FastOpen> {
        if self.is_paused(now, flow) {
            return None;
        }
        let known = self.known.entries.get(&ends(flow)).copied().unwrap_or_default();
        let peer_mss_bytes = known.mss_bytes;
        if cookies == CookiePolicy::NotRequired {
            return Some(FastOpen { cookie: None, peer_mss_bytes });
        }
        if known.cookie.is_none() && known.unasked_until.is_some_and(|until| now < until) {
            return None;
        }
        let mut cookie = known.cookie.unwrap_or_default();
        cookie.experimental |= known.cookie.is_none() && known.experiment == Experiment::Next;
        Some(FastOpen { cookie: Some(cookie), peer_mss_bytes })
    }

    /// The answer to a fast SYN has come.
    fn learn(&mut self, lesson: &Lesson<'_>, reply: &FastOpenReply) {
        let FastOpenReply { cookie, peer_mss_bytes, outcome, syn_was_repeated, .. } = *reply;
        let Lesson { now, flow, habits, pause, entries_max } = *lesson;
        let known = self.known.entry(ends(flow), entries_max, Known::default());
        known.mss_bytes = peer_mss_bytes.or(known.mss_bytes);
        if cookie.is_some() {
            known.cookie = cookie;
            known.unasked_until = None;
        } else if outcome == FastOpenOutcome::NoCookie && !syn_was_repeated {
            if habits.fast_open_tries_the_experiment() {
                known.experiment = match known.experiment {
                    Experiment::NotTried => Experiment::Next,
                    _ => Experiment::Failed,
                };
            } else {
                known.unasked_until = Some(now + pause);
            }
        }
        let was_refused = matches!(outcome, FastOpenOutcome::NotTaken | FastOpenOutcome::SynRepeated);
        let was_swallowed = outcome == FastOpenOutcome::NoCookie && syn_was_repeated;
        if (was_refused || was_swallowed) && cookie.is_none() && !habits.refused_syn_text_is_forgotten() {
            self.pause(lesson);
        }
    }

    /// It did not work: not again for a while.
    fn pause(&mut self, lesson: &Lesson<'_>) {
        let Lesson { now, flow, pause, entries_max, .. } = *lesson;
        if pause.is_zero() {
            return;
        }
        let entry = self.pauses.entry(service(flow), entries_max, Pause { until: now, times: 0 });
        let factor = 1 << entry.times.min(DOUBLINGS_MAX);
        entry.until = now + pause.saturating_mul(factor);
        entry.times = entry.times.saturating_add(1);
    }

    /// It works.
    fn trust(&mut self, flow: &FlowKey) {
        if let Some(pause) = self.pauses.entries.get_mut(&service(flow)) {
            pause.times = 0;
        }
    }
}

/// What a lesson is about.
#[derive(Clone, Copy)]
struct Lesson<'a> {
    now: Instant,
    flow: &'a FlowKey,
    habits: Habits,
    pause: Duration,
    entries_max: usize,
}

/// What a connection that opens fast has shown so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Nothing that decides.
    None,
    Works,
    Fails,
    /// It is over for a reason of its own.
    Over,
}

fn sign_of(connection: &Connection, now: Instant) -> Sign {
    let info = connection.info(now);
    let is_over = connection.state() == State::Closed;
    match info.failure {
        _ if connection.doubts_fast_open() => Sign::Fails,
        _ if info.bytes_received > 0 => Sign::Works,
        Some(tcp::Error::Refused | tcp::Error::Reset | tcp::Error::Aborted | tcp::Error::OutOfMemory) => {
            Sign::Over
        }
        // No answer, or an ICMP error: both are negative responses (RFC 7413 §4.1.3.1).
        Some(_) => Sign::Fails,
        None if is_over => Sign::Over,
        None if info.attempts >= TIMEOUTS_OF_BLACK_HOLE => Sign::Fails,
        None => Sign::None,
    }
}

impl Host {
    /// How long Fast Open is left alone with a service where it failed, at first ([`crate::Config::fast_open_pause`]).
    pub fn set_fast_open_pause(&mut self, pause: Duration) {
        self.config.fast_open_pause = pause;
    }

    /// Whether text could go with the SYN of a connection to `remote`: there is a cookie, or none is needed, and Fast
    /// Open has not failed there lately.
    pub fn can_open_fast(
        &mut self,
        now: Instant,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        cookies: CookiePolicy,
    ) -> bool {
        let now = self.advance(now);
        let Some(hop) = self.route(remote) else { return false };
        let Ok(local) = self.choose_local(local, remote, hop) else { return false };
        let way = self.fast_open_peers.way(now, &FlowKey::new(local, remote), cookies);
        way.is_some_and(|fast| fast.cookie.is_none_or(|cookie| !cookie.as_slice().is_empty()))
    }

    /// A new connection begins with text.
    #[cold]
    pub(crate) fn begin_fast(&mut self, now: Instant, index: u32, open: &OpenFast) {
        let Some(socket) = self.sockets.at_mut(index) else { return };
        let connection = &mut socket.connection;
        let way = self.fast_open_peers.way(now, &socket.key, open.cookies);
        if let Some(fast) = way {
            self.counters.fast_opens_tried += 1;
            connection.open_fast(fast);
            socket.standing = Standing::OpeningFast;
        }
        let most = match open.queued {
            QueuedText::AsMuchAsFits => open.text.len(),
            QueuedText::OnlyWithSyn => connection.syn_text_room(now).min(open.text.len()),
        };
        if most > 0 {
            // A new connection takes at least something; the rest is its program's to write.
            let _ = connection.write_bytes(now, &open.text.slice(..most));
        }
    }

    /// A connection that opens fast has changed: is there something to learn from it?
    #[cold]
    pub(crate) fn watch_fast_open(&mut self, index: u32) {
        let (now, pause) = (self.now, self.config.fast_open_pause);
        let Some(socket) = self.sockets.at_mut(index) else { return };
        debug_assert_eq!(socket.child, NO_LISTENER, "it has no listener");
        let flow = socket.key;
        let reply = socket.connection.take_fast_open_reply();
        let sign = sign_of(&socket.connection, now);
        if sign != Sign::None {
            socket.standing = Standing::Owned;
        }
        let habits = socket.connection.config().habits;
        let entries_max = self.config.fast_open_peers_max;
        let lesson = Lesson { now, flow: &flow, habits, pause, entries_max };
        if let Some(reply) = reply {
            self.fast_open_peers.learn(&lesson, &reply);
        }
        match sign {
            Sign::Fails => {
                self.counters.fast_open_pauses += 1;
                self.fast_open_peers.pause(&lesson);
            }
            Sign::Works => self.fast_open_peers.trust(&flow),
            Sign::Over | Sign::None => {}
        }
    }
}

#[cfg(test)]
mod tests;
