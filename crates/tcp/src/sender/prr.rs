//! Down to the new window over one round trip: Proportional Rate Prr (RFC 9937).
//!
//! The controller says where to go (ssthresh); this says how much may leave on each acknowledgment until then.
//! Used for losses and for marks; its end is to be dropped.

/// One reduction over a round trip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prr {
    /// Delivered since it began.
    delivered_bytes: u64,
    /// Sent since it began.
    out_bytes: u64,
    /// What might be delivered while it lasts (RecoverFS).
    recoverable_bytes: u32,
    /// What may be in flight until the next acknowledgment (cwnd).
    window_bytes: u32,
}

/// What an acknowledgment means for a reduction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    /// DeliveredData.
    pub(crate) delivered_bytes: u32,
    pub(crate) in_flight_bytes: u32,
    pub(crate) ssthresh_bytes: u32,
    pub(crate) mss: u32,
    /// SND.UNA moved and nothing new is lost (SafeACK).
    pub(crate) is_safe: bool,
    /// The delivery is guessed from duplicate acknowledgments, and must not exceed what was outstanding.
    pub(crate) is_guessed: bool,
}

impl Prr {
    /// Begins with so much that may yet be delivered. The first retransmission goes at once.
    pub(crate) fn new(recoverable_bytes: u32, in_flight_bytes: u32, mss: u32) -> Self {
        Prr {
            delivered_bytes: 0,
            out_bytes: 0,
            recoverable_bytes: recoverable_bytes.max(1),
            window_bytes: in_flight_bytes.saturating_add(mss),
        }
    }

    /// What might be delivered while it lasts.
    pub(crate) fn recoverable_bytes(&self) -> u32 {
        self.recoverable_bytes
    }

    /// What may be in flight.
    pub(crate) fn window_bytes(&self) -> u32 {
        self.window_bytes
    }

    pub(crate) fn on_sent(&mut self, bytes: u32) {
        self.out_bytes += u64::from(bytes);
    }

    /// RFC 9937 §6.2.
    pub(crate) fn on_acked(&mut self, delivery: &Delivery) {
        let Delivery { in_flight_bytes, ssthresh_bytes, mss, .. } = *delivery;
        let mut delivered = delivery.delivered_bytes;
        if delivery.is_guessed {
            let left = u64::from(self.recoverable_bytes).saturating_sub(self.delivered_bytes);
            delivered = delivered.min(u32::try_from(left).unwrap_or(u32::MAX));
        }
        if delivered == 0 {
            return;
        }
        self.delivered_bytes += u64::from(delivered);
        let may_send = if in_flight_bytes > ssthresh_bytes {
            let share = u128::from(self.delivered_bytes) * u128::from(ssthresh_bytes);
            // Rounded up to whole segments, because only these leave.
            let segment = u128::from(self.recoverable_bytes) * u128::from(mss.max(1));
            let out = share.div_ceil(segment) * u128::from(mss.max(1));
            u64::try_from(out).unwrap_or(u64::MAX).saturating_sub(self.out_bytes)
        } else {
            let conserved = self.delivered_bytes.saturating_sub(self.out_bytes).max(delivered.into());
            let more = if delivery.is_safe { u64::from(mss) } else { 0 };
            (conserved + more).min(u64::from(ssthresh_bytes - in_flight_bytes))
        };
        // The first retransmission goes whatever the numbers say.
        let may_send = if self.out_bytes == 0 { may_send.max(mss.into()) } else { may_send };
        let may_send = u32::try_from(may_send).unwrap_or(u32::MAX);
        self.window_bytes = in_flight_bytes.saturating_add(may_send);
    }
}

#[cfg(test)]
mod tests;
