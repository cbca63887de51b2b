//! Segments as comma-separated values, a line at a time.

use super::seconds;
use lens::{Analysis, Segment};
use tcp::Instant;

/// The first line.
pub const SEGMENT_CSV_HEADER: &str = "frame,stream,time,src,dst,seq_raw,ack_raw,seq,ack,len,flags,window,\
                                      in_flight,rtt_us,analysis,why,confidence,state_src,state_dst\n";

/// One line, or nothing for an ICMP error, which is no segment that was sent. `time` is in seconds since `origin`, lists are separated by spaces.
pub fn segment_csv(segment: &Segment, analysis: &Analysis, origin: Instant) -> String {
    if segment.icmp.is_some() {
        return String::new();
    }
    let ack = segment.flags.ack();
    let optional = |number: Option<String>| number.unwrap_or_default();
    let names: Vec<&str> = analysis.verdicts.names().collect();
    let fields = [
        segment.frame.to_string(),
        analysis.stream.to_string(),
        format!("{:.9}", seconds(segment.time, origin)),
        segment.source.to_string(),
        segment.destination.to_string(),
        segment.seq.to_string(),
        optional(ack.then(|| segment.ack.to_string())),
        analysis.relative_seq.to_string(),
        optional(ack.then(|| analysis.relative_ack.to_string())),
        segment.text_bytes.to_string(),
        super::flags(segment, analysis).replace(", ", " "),
        analysis.window_bytes.to_string(),
        optional(analysis.in_flight_bytes.map(|bytes| bytes.to_string())),
        optional(analysis.acked.map(|acked| format!("{:.3}", acked.rtt_ns as f64 / 1e3))),
        names.join(" "),
        analysis.why.reason.name().to_owned(),
        analysis.why.confidence.percent().to_string(),
        analysis.sender().state.to_string(),
        analysis.receiver().state.to_string(),
    ];
    let mut line = fields.join(",");
    line.push('\n');
    line
}
