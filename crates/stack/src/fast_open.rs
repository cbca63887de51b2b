//! Fast Open for listeners (RFC 7413 §4.1.2, §4.2, §5): cookies, and how many connections may be open before the third
//! step.
//!
//! A cookie is a keyed hash of the client's address and of ours, so that it is worth nothing for anybody else. Two keys
//! are known at a time: cookies are made with the first, those of the second are still taken and replaced, so that a
//! program can rotate keys without a round trip for its clients. Whose cookie is right has shown that it once received
//! at its address, not that it does now: so no more than a bound of such connections wait for their third step, and
//! those that were reset count for a minute (§5.1). Beyond the bound, while memory is scarce and while SYN cookies go out,
//! the handshake is an ordinary one.
//!
//! What is *not* here: what a connection does with the text (`tcp`), and the end that connects (`client.rs`). Flows at
//! gates open with three steps: an answer is what a gate holds back.

pub(crate) mod client;

use crate::error::Error;
use crate::flow::FlowKey;
use crate::host::Host;
use crate::id::{SlabKey, SocketId, SocketKind};
use crate::reopen::Predecessor;
use crate::secret::{Purpose, Secret};
use crate::socket::{NO_LISTENER, Standing};
use core::fmt;
use core::time::Duration;
use siphasher::sip::SipHasher24;
use std::collections::VecDeque;
use std::net::IpAddr;
use tcp::{FastOpenAnswer, Instant, Segment, State, SynText};
use wire::tcp::FastOpenCookie;

/// How long a connection that was reset before its third step counts among those that wait for it (§5.1; Linux: 60 s).
const RESET_COUNTS_FOR: Duration = Duration::from_secs(60);

/// The keys of the cookies that a host or a listener gives (RFC 7413 §4.1.2).
///
/// Several servers behind one address share their keys (§6.3.4); otherwise a client's cookie of one is refused by the
/// next, which costs it the round trip that it hoped to save.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FastOpenKeys {
    /// Cookies are made with this one.
    pub primary: [u8; 16],
    /// Cookies of this one are still taken, and replaced.
    pub backup: Option<[u8; 16]>,
}

impl FastOpenKeys {
    pub(crate) fn of(secret: &Secret) -> Self {
        FastOpenKeys { primary: secret.key(Purpose::FastOpen), backup: None }
    }

    /// A new first key; the one until now becomes the second.
    ///
    /// ```
    /// let keys = synfin_stack::FastOpenKeys { primary: [1; 16], backup: None }.rotated([2; 16]);
    /// assert_eq!((keys.primary, keys.backup), ([2; 16], Some([1; 16])));
    /// ```
    #[must_use]
    pub const fn rotated(self, primary: [u8; 16]) -> Self {
        FastOpenKeys { primary, backup: Some(self.primary) }
    }
}

impl fmt::Debug for FastOpenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys do not belong into logs.
        f.debug_struct("FastOpenKeys").field("has_backup", &self.backup.is_some()).finish_non_exhaustive()
    }
}

/// Whether text on a SYN needs a cookie.
///
/// There are no others: a program may match on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CookiePolicy {
    /// It does (RFC 7413 §4.2.2).
    #[default]
    Required,
    /// It does not (§7.3): for networks in which nobody forges addresses.
    NotRequired,
}

/// How a listener takes Fast Opens (RFC 7413).
///
/// The text of a SYN may reach the application more than once, if the network doubles the SYN and the first connection is
/// over before the second arrives (§6.1): only for services to which that makes no difference.
///
/// Fields are added in minor versions: write `FastOpenOptions { keys, ..FastOpenOptions::new(16) }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastOpenOptions {
    /// How many connections may be open before their third step (PendingFastOpenRequests, §4.2). Zero: none.
    pub pending_max: usize,
    /// The keys of the cookies; `None`: the host's.
    pub keys: Option<FastOpenKeys>,
    /// Whether a cookie is asked for.
    pub cookies: CookiePolicy,
}

impl FastOpenOptions {
    /// At most so many before their third step, with cookies of the host's keys.
    pub const fn new(pending_max: usize) -> Self {
        FastOpenOptions { pending_max, keys: None, cookies: CookiePolicy::Required }
    }
}

/// A listener's Fast Opens.
pub(crate) struct FastOpenQueue {
    options: FastOpenOptions,
    /// Connections whose text was taken and whose third step has not arrived.
    pending: usize,
    /// Until when each of those counts that were reset, the earliest first; no more than `pending_max`.
    reset: VecDeque<Instant>,
}

impl FastOpenQueue {
    pub(crate) fn new(options: FastOpenOptions) -> Self {
        FastOpenQueue { options, pending: 0, reset: VecDeque::new() }
    }

    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<FastOpenQueue>() + self.reset.capacity() * size_of::<Instant>()
    }

    /// Whether one more may be open before its third step.
    fn has_room(&mut self, now: Instant) -> bool {
        while self.reset.front().is_some_and(|until| *until <= now) {
            self.reset.pop_front();
        }
        self.pending + self.reset.len() < self.options.pending_max
    }

    /// One of them waits no more.
    fn leave(&mut self, now: Instant, end: End) {
        self.pending = self.pending.saturating_sub(1);
        if end == End::Reset && self.reset.len() < self.options.pending_max {
            self.reset.push_back(now + RESET_COUNTS_FOR);
        }
    }
}

/// How the wait for a third step ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Proven,
    Reset,
    Over,
}

/// The cookie of the client of `flow`.
fn cookie(key: &[u8; 16], flow: &FlowKey, only_the_client: bool) -> FastOpenCookie {
    let mut bytes = [0; 32];
    let mut len = 0;
    let mut put = |ip: IpAddr| {
        let octets: &[u8] = match &ip {
            IpAddr::V4(v4) => &v4.octets(),
            IpAddr::V6(v6) => &v6.octets(),
        };
        bytes[len..len + octets.len()].copy_from_slice(octets);
        len += octets.len();
    };
    put(flow.remote.ip());
    if !only_the_client {
        put(flow.local.ip());
    }
    let tag = SipHasher24::new_with_key(key).hash(&bytes[..len]);
    FastOpenCookie::new(&tag.to_le_bytes()).unwrap_or_default()
}

/// What the cookie of a SYN is worth, and which one answers it.
fn judge(
    keys: &FastOpenKeys,
    flow: &FlowKey,
    shown: FastOpenCookie,
    only_the_client: bool,
) -> FastOpenAnswer {
    let mut fresh = cookie(&keys.primary, flow, only_the_client);
    fresh.experimental = shown.experimental;
    let is_of = |key: &[u8; 16]| cookie(key, flow, only_the_client).as_slice() == shown.as_slice();
    if is_of(&keys.primary) {
        return FastOpenAnswer { text: SynText::Taken, cookie: None };
    }
    let text = if keys.backup.as_ref().is_some_and(is_of) { SynText::Taken } else { SynText::Waits };
    FastOpenAnswer { text, cookie: Some(fresh) }
}

impl Host {
    /// Sets the keys of the cookies that the host gives. Until then one is in use that follows from the host's secret.
    pub fn set_fast_open_keys(&mut self, keys: FastOpenKeys) {
        self.fast_open_keys = keys;
    }

    /// The keys of the cookies that the host gives.
    pub fn fast_open_keys(&self) -> FastOpenKeys {
        self.fast_open_keys
    }

    /// Takes Fast Opens at a listener from now on, or takes none any more.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`] if the id does not name a listener.
    pub fn set_fast_open(
        &mut self,
        listener: SocketId,
        options: Option<FastOpenOptions>,
    ) -> Result<(), Error> {
        let key = listener.key(SocketKind::Listener).ok_or(Error::UnknownSocket)?;
        let is_known = self.listeners.change_fast_open(key, |queue| match (options, queue) {
            (Some(options), Some(queue)) => queue.options = options,
            (Some(options), queue) => *queue = Some(Box::new(FastOpenQueue::new(options))),
            // Those that are open count on, should it be turned on again.
            (None, Some(queue)) => queue.options.pending_max = 0,
            (None, None) => {}
        });
        if is_known { Ok(()) } else { Err(Error::UnknownSocket) }
    }

    /// How a SYN is answered that a listener takes (§4.2.2, receiving SYN).
    pub(crate) fn answer_fast_open(
        &mut self,
        now: Instant,
        parent: u32,
        flow: &FlowKey,
        syn: &Segment,
    ) -> FastOpenAnswer {
        let shown = syn.header.options.fast_open;
        let Some(listener) = self.listeners.at_mut(parent) else { return FastOpenAnswer::default() };
        let config = listener.config.as_ref().unwrap_or(&self.config.tcp);
        let only_the_client = config.habits.fast_open_cookie_has_only_the_client();
        let queue = listener.fast_open.as_mut().filter(|queue| queue.options.pending_max > 0);
        let Some(queue) = queue.filter(|_| shown.is_some() || !syn.payload.is_empty()) else {
            return FastOpenAnswer::default();
        };
        if !queue.has_room(now) {
            self.counters.fast_opens_over_bound += 1;
            return FastOpenAnswer::default();
        }
        let keys = queue.options.keys.unwrap_or(self.fast_open_keys);
        let answer = match (queue.options.cookies, shown) {
            (CookiePolicy::NotRequired, _) => FastOpenAnswer { text: SynText::Taken, cookie: None },
            (CookiePolicy::Required, None) => FastOpenAnswer::default(),
            (CookiePolicy::Required, Some(shown)) => judge(&keys, flow, shown, only_the_client),
        };
        let is_request = shown.is_some_and(|shown| shown.as_slice().is_empty());
        match answer.text {
            SynText::Taken => {
                queue.pending += 1;
                self.counters.fast_opens_taken += 1;
            }
            SynText::Waits if answer.cookie.is_some() && !is_request => {
                self.counters.fast_opens_refused += 1;
            }
            SynText::Waits => {}
        }
        self.counters.fast_open_cookies_sent += u64::from(answer.cookie.is_some());
        answer
    }

    /// An open connection whose peer has not shown that it is there: is it now?
    pub(crate) fn check_proof(&mut self, index: u32) {
        let Some(socket) = self.sockets.at(index).filter(|socket| socket.child != NO_LISTENER) else {
            return;
        };
        if socket.connection.is_unproven() || socket.connection.state() == State::Closed {
            return;
        }
        if let Some(predecessor) = self.end_wait_for_proof(index, End::Proven) {
            self.give_up(&predecessor);
        }
    }

    /// An open connection that is over before its peer has shown that it is there. Returns what it was to follow.
    pub(crate) fn end_unproven(&mut self, index: u32) -> Option<Predecessor> {
        let socket = self.sockets.at(index).filter(|socket| socket.child != NO_LISTENER)?;
        let was_reset = socket.connection.failure() == Some(tcp::Error::Reset);
        self.end_wait_for_proof(index, if was_reset { End::Reset } else { End::Over })
    }

    fn end_wait_for_proof(&mut self, index: u32, end: End) -> Option<Predecessor> {
        let socket = self.sockets.at_mut(index)?;
        let is_queued = match socket.standing {
            Standing::QueuedUnproven => true,
            Standing::Unproven | Standing::Orphan => false,
            _ => return None,
        };
        let child = socket.child;
        if !is_queued {
            socket.child = NO_LISTENER;
        }
        socket.standing = match socket.standing {
            Standing::QueuedUnproven => Standing::Queued,
            Standing::Unproven => Standing::Owned,
            standing => standing,
        };
        let (listener, predecessor) = self.listeners.end_fast_open(child, is_queued);
        self.leave_fast_open_queue(listener, end);
        predecessor
    }

    fn leave_fast_open_queue(&mut self, listener: Option<SlabKey>, end: End) {
        let now = self.now;
        if let Some(key) = listener {
            self.listeners.change_fast_open(key, |queue| {
                if let Some(queue) = queue {
                    queue.leave(now, end);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests;
