//! The counters of one direction while the capture is read.

use super::Sketch;
use super::limited::{LimitedTime, Limits, OwnLimit, OwnPlace, PathNow, TextSent, Waited};
use super::own::Own;
use crate::nanos::Nanos;
use crate::{Frame, Segment};
use wire::tcp::Flags;

/// One direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) packets: u32,
    pub(crate) text_segments: u32,
    pub(crate) text_bytes: u64,
    pub(crate) frame_bytes: u64,
    pub(crate) ip_bytes: u64,
    pub(crate) in_flight_bytes_max: u32,
    pub(crate) window_bytes_max: u32,
    pub(crate) window_bytes_min: u32,
    pub(crate) first_text: Option<Nanos>,
    pub(crate) last_text_ns: u64,
    pub(crate) idle_ns_max: u64,
    pub(crate) rtt: Sketch,
    pub(crate) timestamp_rtt: Sketch,
    pub(crate) limits: Limits,
    rare: Option<Box<RareTraffic>>,
    awaited_value: u32,
    awaited_since: Option<Nanos>,
}

/// What most directions never have.
#[derive(Clone, Debug, Default)]
pub(super) struct RareTraffic {
    /// Made when the window closes for the first time.
    zero_window: Option<ZeroWindow>,
    /// Made when more than a segment is in flight, or the sender seems to keep one back.
    pub(super) own: Option<Own>,
}

/// The times in which a direction's window was zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ZeroWindow {
    since: Option<Nanos>,
    /// The latest time that is over.
    latest: Option<Closed>,
    pub(crate) total_ns: u64,
    pub(crate) longest_ns: u64,
    pub(crate) times: u32,
    pub(crate) first_frame: Frame,
    pub(crate) last_frame: Frame,
}

/// A time in which the window was zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) since_ns: u64,
    /// It is open again.
    pub(crate) until_ns: u64,
}

impl Traffic {
    /// The latest time in which this direction's window was closed, once it is open again.
    pub(crate) fn reopened(&self) -> Option<Closed> {
        let zero = self.rare.as_ref()?.zero_window.as_ref()?;
        if zero.since.is_none() { zero.latest } else { None }
    }

    /// A value out of every line of memory, to have them all fetched at once.
    pub(crate) fn warmth(&self) -> u64 {
        let rtts = u64::from(self.rtt.warmth() ^ self.timestamp_rtt.warmth());
        let times = self.idle_ns_max ^ self.limits.warmth();
        times ^ rtts ^ self.text_bytes ^ u64::from(self.packets) ^ u64::from(self.window_bytes_max)
    }

    /// Counts a segment of this direction.
    #[inline]
    pub(crate) fn on_sent(&mut self, segment: &Segment) {
        let now_ns = segment.time.as_nanos();
        self.packets = self.packets.saturating_add(1);
        self.frame_bytes += u64::from(segment.frame_bytes);
        self.ip_bytes += u64::from(segment.ip_bytes);
        if segment.text_bytes > 0 {
            self.text_segments += 1;
            self.text_bytes += u64::from(segment.text_bytes);
            if self.first_text.is_none() {
                self.first_text = Some(Nanos::of(now_ns));
            } else {
                self.idle_ns_max = self.idle_ns_max.max(now_ns.saturating_sub(self.last_text_ns));
            }
            self.last_text_ns = now_ns;
        }
        if let Some(stamps) = segment.options.timestamps
            && self.awaited_since.is_none()
            && segment.sequence_bytes() > 0
        {
            self.awaited_value = stamps.value;
            self.awaited_since = Some(Nanos::of(now_ns));
        }
    }

    /// The other direction echoes a timestamp: the round trip by the clocks (RFC 7323 §4).
    #[inline]
    pub(crate) fn on_echo(&mut self, echo: u32, now_ns: u64) {
        if let Some(sent_ns) = self.awaited_since.map(Nanos::ns) {
            let distance = echo.wrapping_sub(self.awaited_value).cast_signed();
            if distance == 0 {
                self.timestamp_rtt.add_ns(now_ns.saturating_sub(sent_ns));
            }
            if distance >= 0 {
                self.awaited_since = None;
            }
        }
    }

    /// What a text met, for the limits.
    #[inline]
    pub(crate) fn on_text(&mut self, sent: TextSent, path: impl Fn(&Sketch) -> Option<PathNow>) -> Waited {
        self.in_flight_bytes_max = self.in_flight_bytes_max.max(sent.in_flight_bytes);
        self.limits.on_text(OwnPlace(&mut self.rare), sent, || path(&self.rtt))
    }

    /// The window that a segment of this direction offers; never that of a RST. One with SYN or FIN says nothing of an
    /// application that does not read: a SYN comes before any text, and many stacks leave the field at zero.
    #[inline]
    pub(crate) fn on_window(&mut self, window_bytes: u32, segment: &Segment, now_ns: u64) {
        let frame = segment.frame;
        self.window_bytes_max = self.window_bytes_max.max(window_bytes);
        self.window_bytes_min =
            if self.packets <= 1 { window_bytes } else { self.window_bytes_min.min(window_bytes) };
        let is_closing =
            window_bytes == 0 && segment.flags.ack() && !segment.flags.intersects(Flags::SYN | Flags::FIN);
        let was_closed = || self.rare.as_ref().is_some_and(|rare| rare.zero_window.is_some());
        if is_closing || (window_bytes > 0 && was_closed()) {
            let rare = self.rare.get_or_insert_default();
            rare.zero_window.get_or_insert_default().on_window(window_bytes, frame, now_ns);
        }
    }

    /// The times in which the window was zero, up to `now_ns`, and whether it still is.
    pub(crate) fn zero_window(&mut self, now_ns: u64) -> (ZeroWindow, bool) {
        let zero = self.rare.as_mut().and_then(|rare| rare.zero_window.as_mut());
        let Some(zero) = zero else { return Default::default() };
        let is_closed = zero.since.is_some();
        zero.close(now_ns);
        (*zero, is_closed)
    }

    /// What its sender waited for.
    pub(crate) fn limited(&self) -> LimitedTime {
        self.limits.time(self.own())
    }

    /// What shows that its sender limited itself.
    pub(crate) fn own_limit(&self) -> OwnLimit {
        self.own().map(Own::shown).unwrap_or_default()
    }

    fn own(&self) -> Option<&Own> {
        self.rare.as_ref()?.own.as_ref()
    }
}

impl ZeroWindow {
    fn on_window(&mut self, window_bytes: u32, frame: Frame, now_ns: u64) {
        match (window_bytes, self.since.is_none()) {
            (0, true) => {
                self.since = Some(Nanos::of(now_ns));
                if self.times == 0 {
                    self.first_frame = frame;
                }
                self.times += 1;
                self.last_frame = frame;
            }
            (0, false) | (_, true) => {}
            (_, false) => self.close(now_ns),
        }
    }

    /// Ends a time that is still open, at the end of the capture.
    fn close(&mut self, now_ns: u64) {
        if let Some(since_ns) = self.since.take().map(Nanos::ns) {
            self.latest = Some(Closed { since_ns, until_ns: now_ns });
            let lasted_ns = now_ns.saturating_sub(since_ns);
            self.total_ns = self.total_ns.saturating_add(lasted_ns);
            self.longest_ns = self.longest_ns.max(lasted_ns);
        }
    }
}
