//! Connections in the columns of Zeek's `conn.log`.

use super::left_and_right;
use lens::Connection;
use tcp::Instant;

const FIELDS: [(&str, &str); 22] = [
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("service", "string"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("local_orig", "bool"),
    ("local_resp", "bool"),
    ("missed_bytes", "count"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
    ("community_id", "string"),
];

/// The last line of the log.
pub const ZEEK_FOOTER: &str = "#close\n";

/// The lines at the head of the log.
pub fn zeek_header() -> String {
    let mut text = String::from(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n",
    );
    let join = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
        FIELDS.iter().map(pick).collect::<Vec<_>>().join("\t")
    };
    text += &format!("#fields\t{}\n#types\t{}\n", join(|field| field.0), join(|field| field.1));
    text
}

/// One connection as a line.
pub fn zeek_line(connection: &Connection) -> String {
    let [left, right] = left_and_right(connection);
    let (orig, resp) = (connection.address(left), connection.address(right));
    let (sent, received) = (connection.sent_by(left), connection.sent_by(right));
    let duration_ns = connection.duration_ns();
    let duration = if duration_ns == 0 { "-".to_owned() } else { decimal(duration_ns) };
    let dash = || "-".to_owned();
    let history = Some(connection.zeek_history()).filter(|letters| !letters.is_empty()).unwrap_or_else(dash);
    let fields = [
        time(connection.first_time),
        uid(connection),
        orig.ip().to_string(),
        orig.port().to_string(),
        resp.ip().to_string(),
        resp.port().to_string(),
        "tcp".to_owned(),
        dash(),
        duration,
        sent.unique_bytes.to_string(),
        received.unique_bytes.to_string(),
        connection.zeek_state.name().to_owned(),
        dash(),
        dash(),
        dash(),
        history,
        sent.packets.to_string(),
        sent.ip_bytes.to_string(),
        received.packets.to_string(),
        received.ip_bytes.to_string(),
        dash(),
        connection.community_id(),
    ];
    let mut line = fields.join("\t");
    line.push('\n');
    line
}

fn time(at: Instant) -> String {
    decimal(at.as_nanos())
}

/// Seconds with the microseconds that Zeek writes.
fn decimal(ns: u64) -> String {
    format!("{}.{:06}", ns / 1_000_000_000, ns % 1_000_000_000 / 1_000)
}

/// An identifier like Zeek's, `C` and base 62, but the same for the same connection of the same capture.
fn uid(connection: &Connection) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let stream = connection.stream.to_be_bytes();
    let time = connection.first_time.as_nanos().to_be_bytes();
    // FNV-1a with 128 bits; it only has to differ between connections.
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in connection.community_id().bytes().chain(stream).chain(time) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let digits = (0..17).map(|_| {
        let digit = DIGITS[(hash % 62) as usize];
        hash /= 62;
        char::from(digit)
    });
    std::iter::once('C').chain(digits).collect()
}
