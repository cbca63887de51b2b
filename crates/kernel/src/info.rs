//! `struct tcp_info` as the kernel fills it in, field by field. A kernel that is older gives fewer bytes;
//! what it does not give is not there.

/// Where a field lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// An unsigned number of so many bytes at an offset.
    At(usize, usize),
    /// Bits of a byte: its offset, how far to shift, how many.
    Bits(usize, u32, u32),
}

/// Room for the structure of every kernel so far.
pub(crate) const BYTES_MAX: usize = 512;

/// The fields of `linux/tcp.h`.
const FIELDS: &[(&str, Place)] = &[
    ("tcpi_state", Place::At(0, 1)),
    ("tcpi_ca_state", Place::At(1, 1)),
    ("tcpi_retransmits", Place::At(2, 1)),
    ("tcpi_probes", Place::At(3, 1)),
    ("tcpi_backoff", Place::At(4, 1)),
    ("tcpi_options", Place::At(5, 1)),
    ("tcpi_snd_wscale", Place::Bits(6, 0, 4)),
    ("tcpi_rcv_wscale", Place::Bits(6, 4, 4)),
    ("tcpi_delivery_rate_app_limited", Place::Bits(7, 0, 1)),
    ("tcpi_fastopen_client_fail", Place::Bits(7, 1, 2)),
    ("tcpi_rto", Place::At(8, 4)),
    ("tcpi_ato", Place::At(12, 4)),
    ("tcpi_snd_mss", Place::At(16, 4)),
    ("tcpi_rcv_mss", Place::At(20, 4)),
    ("tcpi_unacked", Place::At(24, 4)),
    ("tcpi_sacked", Place::At(28, 4)),
    ("tcpi_lost", Place::At(32, 4)),
    ("tcpi_retrans", Place::At(36, 4)),
    ("tcpi_fackets", Place::At(40, 4)),
    ("tcpi_last_data_sent", Place::At(44, 4)),
    ("tcpi_last_ack_sent", Place::At(48, 4)),
    ("tcpi_last_data_recv", Place::At(52, 4)),
    ("tcpi_last_ack_recv", Place::At(56, 4)),
    ("tcpi_pmtu", Place::At(60, 4)),
    ("tcpi_rcv_ssthresh", Place::At(64, 4)),
    ("tcpi_rtt", Place::At(68, 4)),
    ("tcpi_rttvar", Place::At(72, 4)),
    ("tcpi_snd_ssthresh", Place::At(76, 4)),
    ("tcpi_snd_cwnd", Place::At(80, 4)),
    ("tcpi_advmss", Place::At(84, 4)),
    ("tcpi_reordering", Place::At(88, 4)),
    ("tcpi_rcv_rtt", Place::At(92, 4)),
    ("tcpi_rcv_space", Place::At(96, 4)),
    ("tcpi_total_retrans", Place::At(100, 4)),
    ("tcpi_pacing_rate", Place::At(104, 8)),
    ("tcpi_max_pacing_rate", Place::At(112, 8)),
    ("tcpi_bytes_acked", Place::At(120, 8)),
    ("tcpi_bytes_received", Place::At(128, 8)),
    ("tcpi_segs_out", Place::At(136, 4)),
    ("tcpi_segs_in", Place::At(140, 4)),
    ("tcpi_notsent_bytes", Place::At(144, 4)),
    ("tcpi_min_rtt", Place::At(148, 4)),
    ("tcpi_data_segs_in", Place::At(152, 4)),
    ("tcpi_data_segs_out", Place::At(156, 4)),
    ("tcpi_delivery_rate", Place::At(160, 8)),
    ("tcpi_busy_time", Place::At(168, 8)),
    ("tcpi_rwnd_limited", Place::At(176, 8)),
    ("tcpi_sndbuf_limited", Place::At(184, 8)),
    ("tcpi_delivered", Place::At(192, 4)),
    ("tcpi_delivered_ce", Place::At(196, 4)),
    ("tcpi_bytes_sent", Place::At(200, 8)),
    ("tcpi_bytes_retrans", Place::At(208, 8)),
    ("tcpi_dsack_dups", Place::At(216, 4)),
    ("tcpi_reord_seen", Place::At(220, 4)),
    ("tcpi_rcv_ooopack", Place::At(224, 4)),
    ("tcpi_snd_wnd", Place::At(228, 4)),
    ("tcpi_rcv_wnd", Place::At(232, 4)),
    ("tcpi_rehash", Place::At(236, 4)),
    ("tcpi_total_rto", Place::At(240, 2)),
    ("tcpi_total_rto_recoveries", Place::At(242, 2)),
    ("tcpi_total_rto_time", Place::At(244, 4)),
];

/// The fields that `info` holds whole, by name.
pub(crate) fn fields(info: &[u8]) -> Vec<(&'static str, u64)> {
    let held = FIELDS.iter().filter_map(|(name, place)| Some((*name, read(info, *place)?)));
    held.collect()
}

fn read(info: &[u8], place: Place) -> Option<u64> {
    match place {
        Place::At(offset, bytes) => {
            let mut number = [0; 8];
            let held = info.get(offset..offset + bytes)?;
            if cfg!(target_endian = "big") {
                number[8 - bytes..].copy_from_slice(held);
            } else {
                number[..bytes].copy_from_slice(held);
            }
            Some(u64::from_ne_bytes(number))
        }
        Place::Bits(offset, shift, count) => {
            // The first bit-field is the lowest on little-endian machines, the highest on others.
            let byte = *info.get(offset)?;
            let down = if cfg!(target_endian = "big") { 8 - shift - count } else { shift };
            Some(u64::from(byte >> down) & ((1 << count) - 1))
        }
    }
}

/// The state by its number in `linux/tcp_states.h`.
pub(crate) fn state(number: u64) -> Option<tcp::State> {
    use tcp::State;
    Some(match number {
        1 => State::Established,
        2 => State::SynSent,
        3 | 12 => State::SynReceived,
        4 => State::FinWait1,
        5 => State::FinWait2,
        6 => State::TimeWait,
        7 => State::Closed,
        8 => State::CloseWait,
        9 => State::LastAck,
        10 => State::Listen,
        11 => State::Closing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_the_header_says() {
        let mut info = [0; 248];
        (info[0], info[6]) = (8, 0xa7);
        info[80..84].copy_from_slice(&10u32.to_ne_bytes());
        info[240..242].copy_from_slice(&3u16.to_ne_bytes());
        let fields = fields(&info);
        let value = |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
        assert_eq!(value("tcpi_state").and_then(state), Some(tcp::State::CloseWait));
        assert_eq!((value("tcpi_snd_cwnd"), value("tcpi_total_rto")), (Some(10), Some(3)));
        if cfg!(target_endian = "little") {
            assert_eq!((value("tcpi_snd_wscale"), value("tcpi_rcv_wscale")), (Some(7), Some(10)));
        }
    }

    #[test]
    fn what_an_older_kernel_does_not_give_is_not_there() {
        let fields = fields(&[1; 104]);
        assert!(fields.iter().any(|(name, _)| *name == "tcpi_total_retrans"));
        assert!(fields.iter().all(|(name, _)| *name != "tcpi_pacing_rate"));
    }
}
