//! The lens's results as JSON lines: segments, corrections, connections, findings, notices.
//!
//! The fields are described by [`SCHEMA`]; names do not change their meaning. Times are seconds since
//! the first frame; `time_epoch` is text, because no JSON number holds nanoseconds since 1970 exactly.

use super::{left_and_right, seconds, section_words};
use crate::words::{self, Language};
use lens::{
    Analysis, Connection, Contents, Correction, Direction, Distribution, Finding, FindingGroup,
    FindingSubject, GroupHost, IcmpError, Notes, Notice, Segment, TurnTimes,
};
use serde_json::{Value, json};
use tcp::Instant;

/// The JSON Schema (draft 2020-12) of the lines.
pub const SCHEMA: &str = include_str!("../assets/records.schema.json");

/// Turns the lens's results into lines of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    origin: Instant,
    language: Language,
}

impl Records {
    /// Records with times since `origin`, the time of the first frame.
    pub fn since(origin: Instant) -> Records {
        Records { origin, language: Language::English }
    }

    /// The same with sentences and remarks in this language; names and everything else that programs read stay as they are.
    #[must_use]
    pub fn in_language(self, language: Language) -> Records {
        Records { language, ..self }
    }

    /// An ICMP error as one line: who says what of which segment.
    fn icmp(&self, segment: &Segment, analysis: &Analysis, error: &IcmpError) -> String {
        let mut fields = Fields::of("icmp");
        fields.put("frame", segment.frame);
        fields.put("stream", analysis.stream);
        fields.put("time", seconds(segment.time, self.origin));
        fields.put("time_epoch", epoch(segment.time));
        fields.put("from", error.from.to_string());
        fields.put("message", error.name());
        fields.put("icmp_type", error.kind);
        fields.put("icmp_code", error.code);
        fields.put_some("mtu", error.mtu_bytes());
        fields.put("quoted_src", segment.source.to_string());
        fields.put("quoted_dst", segment.destination.to_string());
        fields.put("quoted_seq_raw", segment.seq.number());
        fields.put("quoted_seq", analysis.relative_seq);
        fields.put("quoted_ip_bytes", segment.ip_bytes);
        fields.put("sentence", super::icmp(segment, analysis).map(|icmp| words::note(&icmp, self.language)));
        fields.line()
    }

    /// A segment as one line; an ICMP error that quotes one is a line of its own type.
    pub fn segment(&self, segment: &Segment, analysis: &Analysis) -> String {
        if let Some(error) = &segment.icmp {
            return self.icmp(segment, analysis, error);
        }
        let mut fields = Fields::of("segment");
        fields.put("frame", segment.frame);
        fields.put("stream", analysis.stream);
        fields.put("time", seconds(segment.time, self.origin));
        fields.put("time_epoch", epoch(segment.time));
        fields.put("src", segment.source.to_string());
        fields.put("dst", segment.destination.to_string());
        fields.put("seq_raw", segment.seq.number());
        fields.put("seq", analysis.relative_seq);
        if segment.flags.ack() {
            fields.put("ack_raw", segment.ack.number());
            fields.put("ack", analysis.relative_ack);
        }
        fields.put("len", segment.text_bytes);
        fields.put("flags", super::flags(segment, analysis));
        fields.put_some("ace", analysis.ecn.ace());
        put_counters(&mut fields, segment);
        fields.put("window", analysis.window_bytes);
        if analysis.window_is_inferred {
            fields.put("window_is_inferred", true);
        }
        fields.put("analysis", analysis.verdicts.names().collect::<Vec<_>>());
        self.put_why(&mut fields, analysis);
        put_states(&mut fields, analysis);
        put_numbers(&mut fields, analysis);
        fields.line()
    }

    fn put_why(&self, fields: &mut Fields, analysis: &Analysis) {
        let why = &analysis.why;
        fields.put("why", why.reason.name());
        fields.put("why_confidence", why.confidence.percent());
        fields.put_list("why_evidence", why.evidence.names().collect());
        fields
            .put_list("why_candidates", why.candidates.iter().flatten().map(|other| other.name()).collect());
        fields.put_some("path_probe_bytes", why.path_probe_bytes);
        fields.put_some("implied_rto_us", why.implied_rto_ns.map(|ns| ns / 1_000));
        let order = match why.order {
            lens::Order::Reordered => Some("reordered"),
            lens::Order::CapturedTwice { .. } => Some("captured-twice"),
            _ => None,
        };
        fields.put_some("order", order);
        let seen_later = analysis.seen_later;
        fields.put_some("cause_shown_by_frame", Some(seen_later.cause).filter(|frame| *frame != 0));
        fields.put_some("needless_shown_by_frame", Some(seen_later.needless).filter(|frame| *frame != 0));
        fields.put_list("notes", analysis.notes.names().collect());
        let remarks = super::remarks_told(analysis, self.language);
        if !remarks.is_empty() {
            fields.put("remarks", remarks);
        }
    }

    /// What a segment shows of an earlier one, as one line behind that of the segment.
    pub fn correction(&self, correction: &Correction) -> String {
        let mut fields = Fields::of("correction");
        fields.put("frame", correction.frame);
        fields.put("stream", correction.stream);
        fields.put("shown_by_frame", correction.at_frame);
        fields.put("was", correction.was.name());
        fields.put("why", correction.now.name());
        fields.put("why_confidence", correction.confidence.percent());
        fields.put_list("why_evidence", correction.evidence.names().collect());
        fields.put_some("implied_rto_us", correction.implied_rto_ns.map(|ns| ns / 1_000));
        fields.put("is_needless", correction.is_needless);
        fields.put("sentence", words::correction(correction, self.language));
        fields.line()
    }

    /// A connection as one line.
    pub fn connection(&self, connection: &Connection) -> String {
        let [left, right] = left_and_right(connection);
        let mut fields = Fields::of("connection");
        fields.put("stream", connection.stream);
        fields.put("community_id", connection.community_id());
        fields.put("src", connection.address(left).to_string());
        fields.put("dst", connection.address(right).to_string());
        fields.put("opened", connection.opened.to_string());
        fields.put("first_frame", connection.first_frame);
        fields.put("last_frame", connection.last_frame);
        fields.put("time", seconds(connection.first_time, self.origin));
        fields.put("time_epoch", epoch(connection.first_time));
        fields.put("duration", connection.duration_ns() as f64 / 1e9);
        fields.put("completeness", connection.completeness.bits());
        fields.put("completeness_text", connection.completeness.name());
        fields.put("sentence", words::connection(connection, self.language));
        fields.put("ending", words::ended(connection, self.language));
        if connection.icmp_errors > 0 {
            fields.put("icmp_errors", connection.icmp_errors);
        }
        fields.put_some("ended_by_icmp_frame", connection.ended_by_icmp.map(|event| event.frame));
        let closed_first = connection.close.first.map(|side| connection.address(side).to_string());
        fields.put_some("closed_first", closed_first);
        fields.put_some(
            "reset_by",
            connection.close.reset.map(|reset| connection.address(reset.by).to_string()),
        );
        fields.put("state_src", connection.states[left.index()].name());
        fields.put("state_dst", connection.states[right.index()].name());
        fields.put_some("ecn", connection.handshake.ecn.map(|feedback| feedback.name()));
        fields.put_some("initial_rtt_us", connection.initial_rtt_ns.map(|ns| ns / 1_000));
        fields.put("conn_state", connection.zeek_state.name());
        fields.put("history", connection.zeek_history());
        let steps: Vec<Value> = [left, right].into_iter().map(|side| self.steps(connection, side)).collect();
        fields.put("steps_src", &steps[0]);
        fields.put("steps_dst", &steps[1]);
        fields.put_object("sent_src", &direction(connection.sent_by(left)));
        fields.put_object("sent_dst", &direction(connection.sent_by(right)));
        put_turns(&mut fields, &connection.turns);
        let limits = words::limits(connection, self.language);
        if !limits.is_empty() {
            fields.put("limits", limits);
        }
        if connection.was_evicted {
            fields.put("was_evicted", true);
        }
        fields.line()
    }

    /// The state changes of one end.
    fn steps(&self, connection: &Connection, side: lens::Side) -> Value {
        connection.steps[side.index()]
            .iter()
            .filter_map(|step| {
                let row = step.row()?;
                Some(json!({
                    "frame": step.frame,
                    "time": seconds(step.time, self.origin),
                    "from": row.from.name(),
                    "to": row.to.name(),
                    "on": row.on.name(),
                    "section": section_words(row.section),
                }))
            })
            .collect()
    }

    /// A finding as one line.
    pub fn finding(&self, finding: &Finding) -> String {
        let mut fields = Fields::of("finding");
        fields.put("id", finding.id.name());
        fields.put("severity", finding.severity.name());
        fields.put("confidence", finding.confidence.percent());
        fields.put("stream", finding.stream());
        fields.put("subject", subject(&finding.subject));
        fields.put("sentence", words::finding(finding, self.language));
        put_evidence(&mut fields, finding);
        fields.put_some("section", finding.section.map(section_words));
        fields.line()
    }

    /// What the packets of the capture are, as one line: the last.
    pub fn contents(&self, contents: &Contents) -> String {
        let mut fields = Fields::of("contents");
        fields.put("packets", contents.packets());
        fields.put("tcp", contents.tcp());
        let kinds = contents.kinds();
        let kinds = kinds.iter().map(|(kind, count)| json!({"what": kind.to_string(), "packets": count}));
        fields.put("not_tcp", kinds.collect::<Vec<_>>());
        if contents.of_other_kinds() > 0 {
            fields.put("other_kinds", contents.of_other_kinds());
        }
        fields.line()
    }

    /// Findings of one kind and host as one line.
    pub fn group(&self, group: &FindingGroup) -> String {
        let mut fields = Fields::of("group");
        fields.put("id", group.id.name());
        fields.put("severity", group.severity.name());
        let host = match group.host {
            GroupHost::Of(host) | GroupHost::With(host) => Some(host.to_string()),
            _ => None,
        };
        fields.put_some("host", host);
        fields.put("count", group.count);
        fields.put("ports", group.ports);
        fields.put("hosts", group.hosts);
        fields.put("streams", group.examples.iter().map(Finding::stream).collect::<Vec<_>>());
        fields.put("sentence", words::group(group, self.language));
        if !group.numbers.is_empty() {
            let numbers = group.numbers.iter().map(|(name, [least, most, sum])| {
                ((*name).to_owned(), json!({"min": least, "max": most, "sum": sum}))
            });
            fields.put("numbers", numbers.collect::<serde_json::Map<_, _>>());
        }
        fields.line()
    }

    /// A notice as one line.
    pub fn notice(&self, notice: &Notice) -> String {
        let mut fields = Fields::of("notice");
        fields.put("sentence", words::notice(notice, self.language));
        fields.line()
    }
}

/// Of whom a finding speaks.
fn subject(subject: &FindingSubject) -> Value {
    match subject {
        FindingSubject::Connection { ends: [src, dst], .. } => {
            json!({"connection": [src.to_string(), dst.to_string()]})
        }
        subject => {
            let [address, peer] = subject.address_and_peer().map(|address| address.to_string());
            json!({"end": address, "peer": peer})
        }
    }
}

fn put_evidence(fields: &mut Fields, finding: &Finding) {
    if !finding.numbers.is_empty() {
        let numbers = finding.numbers.iter().map(|(name, number)| ((*name).to_owned(), json!(number)));
        fields.put("numbers", numbers.collect::<serde_json::Map<_, _>>());
    }
    fields.put_list("signs", finding.signs.clone());
    fields.put_some("said_by", finding.said_by.map(|router| router.to_string()));
    fields.put("frames", finding.frames.as_slice());
}

fn put_states(fields: &mut Fields, analysis: &Analysis) {
    let (src, dst) = (analysis.sender(), analysis.receiver());
    fields.put("state_src", src.state.name());
    fields.put("state_dst", dst.state.name());
    fields.put_some("state_src_or_else", src.or_else.map(|state| state.name()));
    fields.put_some("state_dst_or_else", dst.or_else.map(|state| state.name()));
}

fn put_numbers(fields: &mut Fields, analysis: &Analysis) {
    fields.put_some("in_flight", analysis.in_flight_bytes);
    if let Some(acked) = analysis.acked {
        fields.put("acks_frame", acked.frame);
        fields.put("ack_rtt_us", acked.rtt_ns as f64 / 1e3);
    }
    if let Some((number, frame)) = analysis.duplicate_ack {
        fields.put("duplicate_ack_num", number);
        fields.put("duplicate_ack_frame", frame);
    }
    if let Some(rto) = analysis.rto {
        fields.put("rto_frame", rto.frame);
        fields.put("rto_us", rto.after_ns as f64 / 1e3);
    }
    fields.put_some("shows_frame", analysis.shows_frame);
}

fn direction(direction: &Direction) -> String {
    let again = &direction.retransmissions;
    let mut fields = Fields::new();
    fields.put("packets", direction.packets);
    fields.put("frame_bytes", direction.frame_bytes);
    fields.put("text_segments", direction.text_segments);
    fields.put("text_bytes", direction.text_bytes);
    fields.put("unique_bytes", direction.unique_bytes);
    fields.put_some("goodput_bytes_per_s", direction.goodput_bytes_per_s);
    fields.put_some("rtt_us", direction.rtt.map(distribution));
    fields.put_some("timestamp_rtt_us", direction.timestamp_rtt.map(distribution));
    fields.put_some("told_mtu", direction.told_mtu_bytes);
    fields.put("in_flight_max", direction.in_flight_bytes_max);
    fields.put("window_max", direction.window_bytes_max);
    fields.put("window_min", direction.window_bytes_min);
    fields.put("window_is_inferred", direction.window_is_inferred);
    fields.put("zero_window_us", direction.zero_window_ns / 1_000);
    fields.put("zero_window_count", direction.zero_window.count);
    fields.put(
        "retransmissions",
        json!({
            "timeout": again.timeout,
            "fast": again.fast,
            "sack": again.sack,
            "recovery": again.recovery,
            "probe": again.probe,
            "path_mtu": again.path_mtu,
            "spurious": again.spurious,
        }),
    );
    fields.put("retransmitted_bytes", direction.retransmitted_bytes);
    fields.put(
        "again",
        json!({
            "data_segments": direction.data_segments,
            "sent_again_segments": direction.again.sent_again_segments,
            "needless_segments": direction.again.needless_segments,
            "refused_segments": direction.again.refused_segments,
            "unanswered_segments": direction.again.unanswered_segments,
            "lost_segments": direction.again.lost_segments,
        }),
    );
    fields.put("reordered", direction.reordered.count);
    put_marked(&mut fields, direction);
    put_path_probes(&mut fields, direction);
    fields.put("idle_max_us", direction.idle_ns_max / 1_000);
    fields.put(
        "limited_us",
        json!({
            "application": direction.limited.application_ns / 1_000,
            "network": direction.limited.network_ns / 1_000,
            "receiver": direction.limited.receiver_ns / 1_000,
            "sender": direction.limited.sender_ns / 1_000,
        }),
    );
    put_own_limit(&mut fields, &direction.own_limit);
    fields.object()
}

/// What shows that the sender limited itself, if something does.
fn put_own_limit(fields: &mut Fields, own: &lens::OwnLimit) {
    if own.nagle_segments == 0 && own.plateau_rounds == 0 {
        return;
    }
    fields.put(
        "own_limit",
        json!({
            "nagle_us": own.nagle_ns / 1_000,
            "nagle_segments": own.nagle_segments,
            "plateau_us": own.plateau_ns / 1_000,
            "plateau_bytes": own.plateau_bytes,
            "plateau_rounds": own.plateau_rounds,
        }),
    );
}

/// The counters of the AccECN option, where there is one.
fn put_counters(fields: &mut Fields, segment: &Segment) {
    if let Some(option) = segment.options.accurate_ecn {
        let mut counters = Fields::new();
        counters.put_some("e0b", option.e0b());
        counters.put_some("ceb", option.ceb());
        counters.put_some("e1b", option.e1b());
        fields.put_object("accurate_ecn", &counters.object());
    }
}

/// What is known of marks, where there were some.
fn put_marked(fields: &mut Fields, direction: &Direction) {
    let here = direction.note(Notes::ECN_CONGESTION).count;
    let marked = &direction.marked;
    if here + marked.told.count > 0 {
        let marked = json!({
            "here": here,
            "told_round_trips": marked.told.count,
            "told_packets": marked.told_packets,
            "told_bytes": marked.told_bytes,
            "cwr": marked.cwr.count,
        });
        fields.put("marked", marked);
    }
}

/// What became of probes of the path's MTU, where there were some.
fn put_path_probes(fields: &mut Fields, direction: &Direction) {
    let probes = &direction.path_probes;
    if probes.arrived + probes.lost > 0 {
        fields.put("path_probes", json!({"arrived": probes.arrived, "lost": probes.lost}));
    }
}

/// How long answers and next requests took to begin, where there were some.
fn put_turns(fields: &mut Fields, turns: &TurnTimes) {
    fields.put_some("think_us", turns.think.map(distribution));
    fields.put_some("pause_us", turns.pause.map(distribution));
}

fn distribution(distribution: Distribution) -> Value {
    json!({
        "count": distribution.count,
        "min": distribution.min_us,
        "median": distribution.median_us,
        "p95": distribution.p95_us,
        "max": distribution.max_us,
        "mean": distribution.mean_us,
    })
}

/// Seconds since 1970 with nanoseconds, as text.
fn epoch(at: Instant) -> String {
    format!("{}.{:09}", at.as_nanos() / 1_000_000_000, at.as_nanos() % 1_000_000_000)
}

/// The fields of one object, in the order in which they are put.
struct Fields(String);

impl Fields {
    fn new() -> Fields {
        Fields("{".to_owned())
    }

    fn of(kind: &str) -> Fields {
        let mut fields = Fields::new();
        fields.put("type", kind);
        fields
    }

    fn put(&mut self, name: &str, value: impl serde::Serialize) {
        let value = serde_json::to_string(&value).expect("fields have string keys and no failing parts");
        self.put_object(name, &value);
    }

    /// A value that is JSON already.
    fn put_object(&mut self, name: &str, json: &str) {
        let comma = if self.0.len() > 1 { "," } else { "" };
        self.0 += &format!("{comma}\"{name}\":{json}");
    }

    fn put_some(&mut self, name: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn put_list(&mut self, name: &str, list: Vec<&str>) {
        if !list.is_empty() {
            self.put(name, list);
        }
    }

    fn object(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn line(self) -> String {
        self.object() + "\n"
    }
}
