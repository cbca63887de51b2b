//! Packets: `< (ip info) ports flags seq:end(len) ack N win N urg N <options>`, ICMP and UDP.

use super::cursor::{Cursor, Parsed};
use super::options;
use crate::ast::{
    Body, Counted, Direction, Ecn, Field, FlagsWord, IcmpPacket, IpInfo, OptionList, Packet, Ports, Quoted,
    SeqRange, TcpPacket, traffic_class,
};
use wire::tcp::Flags;

/// Words that begin a packet of a kind that we do not run, and what to call it.
const UNSUPPORTED: [(&str, &str); 10] = [
    ("sctp", "SCTP"),
    ("udplite", "UDP-Lite"),
    ("ipv4", "IPv4 encapsulation"),
    ("ipv6", "IPv6 encapsulation"),
    ("gre", "GRE encapsulation"),
    ("grev0", "GRE encapsulation"),
    ("mpls", "MPLS encapsulation"),
    ("raw", "raw packets"),
    ("eth", "Ethernet headers"),
    ("igmp", "IGMP"),
];

/// What stands before the body.
#[derive(Default)]
struct Before {
    ip: IpInfo,
    quoted: Option<Quoted>,
    ports: Option<Ports>,
    unsupported: Option<&'static str>,
}

pub(super) fn packet(cursor: &mut Cursor<'_>) -> Parsed<Packet> {
    let direction = if cursor.eat("<")? { Direction::In } else { Direction::Out };
    if direction == Direction::Out {
        cursor.expect(">", "a packet begins with `<` or `>`")?;
    }
    cursor.skip_blanks()?;
    let start = cursor.at();
    let mut before = Before::default();
    while matches!(cursor.peek(), Some(b'(' | b'[')) && before.unsupported.is_none() {
        bracket(cursor, &mut before)?;
        cursor.skip_blanks()?;
    }
    if before.unsupported.is_none() && is_mptcp(*cursor) {
        before.unsupported = Some("MPTCP");
    }
    if before.unsupported.is_none() {
        before.ports = ports(cursor)?;
    }
    let body = body(cursor, &mut before, start)?;
    Ok(Packet { direction, ip: before.ip, ports: before.ports, body })
}

fn body(cursor: &mut Cursor<'_>, before: &mut Before, start: usize) -> Parsed<Body> {
    cursor.skip_blanks()?;
    let word = cursor.peek_word();
    let foreign = UNSUPPORTED.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, what)| *what);
    if let Some(what) = foreign.or(before.unsupported) {
        return unsupported(cursor, what, start);
    }
    match word.to_ascii_lowercase().as_str() {
        "icmp" | "icmp4" | "icmp6" | "icmpv4" | "icmpv6" => {
            cursor.advance(word.len());
            icmp(cursor, before.quoted.take(), start)
        }
        "udp" => udp(cursor, before, start),
        "tcp" => {
            cursor.advance(word.len());
            tcp(cursor, start)
        }
        _ => tcp(cursor, start),
    }
}

/// One `(...)` or `[...]` before the body: facts about IP, or the packet that an ICMP message quotes.
fn bracket(cursor: &mut Cursor<'_>, before: &mut Before) -> Parsed<()> {
    let close = if cursor.peek() == Some(b'(') { ")" } else { "]" };
    cursor.advance(1);
    cursor.skip_blanks()?;
    let word = cursor.peek_word().to_ascii_lowercase();
    if word == "udp" {
        cursor.advance(3);
        before.quoted = Some(Quoted::Udp { len_bytes: parenthesized(cursor)? });
    } else if let Some((_, what)) = UNSUPPORTED.iter().find(|(name, _)| *name == word) {
        before.unsupported = Some(what);
    } else if is_seq(*cursor) {
        before.quoted = Some(Quoted::Tcp(seq_range(cursor)?));
    } else {
        ip_info(cursor, before, close)?;
    }
    if before.unsupported.is_none() && cursor.eat("/")? {
        before.unsupported = Some("UDP encapsulation");
    }
    if before.unsupported.is_some() {
        return Ok(());
    }
    cursor.expect(close, "the closing bracket is missing here")
}

/// Whether `N :` stands here.
fn is_seq(mut cursor: Cursor<'_>) -> bool {
    cursor.integer("").is_ok() && cursor.eat(":").unwrap_or(false)
}

fn ip_info(cursor: &mut Cursor<'_>, before: &mut Before, close: &str) -> Parsed<()> {
    let ip = &mut before.ip;
    loop {
        cursor.skip_blanks()?;
        if cursor.rest().starts_with(close) {
            return Ok(());
        }
        if cursor.eat(",")? || cursor.eat("...")? {
            continue;
        }
        let start = cursor.at();
        let word = cursor
            .word("a fact about the IP header is expected here, such as `ect0`, `tos 0x10` or `ttl 64`")?;
        match word.to_ascii_lowercase().as_str() {
            "noecn" => ip.ecn = Some(Ecn::NotEct),
            "ect0" => ip.ecn = Some(Ecn::Ect0),
            "ect1" => ip.ecn = Some(Ecn::Ect1),
            "ect01" => ip.ecn = Some(Ecn::EctAny),
            "ce" => ip.ecn = Some(Ecn::Ce),
            "tos" | "class" | "tclass" => ip.tos = Some(type_of_service(cursor)?),
            "dscp" => before.unsupported = Some("checks of the Differentiated Services code point"),
            "ttl" | "hlim" | "hoplimit" => {
                ip.ttl = Some(cursor.number("a time to live is a number from 0 to 255")?);
            }
            "flowlabel" => {
                let label: u32 = cursor.number("a flow label is a number of 20 bits")?;
                if label >> 20 != 0 {
                    return cursor.wrong_since(start, "a flow label has 20 bits");
                }
                ip.flow_label = Some(label);
            }
            "id" | "df" | "mf" | "off" => {
                before.unsupported = Some("checks of the IP identification or fragmentation fields");
            }
            other => {
                return cursor.wrong_since(
                    start,
                    format!("`{other}` is no fact about an IP header that can be checked"),
                );
            }
        }
        if before.unsupported.is_some() {
            return Ok(());
        }
    }
}

/// A number, or C's name for one.
fn type_of_service(cursor: &mut Cursor<'_>) -> Parsed<u8> {
    cursor.skip_blanks()?;
    let word = cursor.peek_word();
    if let Some(value) = traffic_class(word) {
        cursor.advance(word.len());
        return Ok(value);
    }
    cursor.number("the type of service is a number from 0 to 255, or a name such as IPTOS_LOWDELAY")
}

/// Whether `addr[caddr0]` stands here: packets of MPTCP's dialect say from where to where they go.
fn is_mptcp(mut cursor: Cursor<'_>) -> bool {
    cursor.eat_word("addr").unwrap_or(false) && cursor.peek() == Some(b'[')
}

/// `1000 > 2000`, if it stands here.
fn ports(cursor: &mut Cursor<'_>) -> Parsed<Option<Ports>> {
    let mut ahead = *cursor;
    let Ok(source) = ahead.number("") else { return Ok(None) };
    if !ahead.eat(">")? {
        return Ok(None);
    }
    let destination = ahead.number("a destination port is expected after `>`")?;
    *cursor = ahead;
    Ok(Some(Ports { source, destination }))
}

/// `(N)` or `N`.
fn parenthesized(cursor: &mut Cursor<'_>) -> Parsed<u16> {
    let parenthesis = cursor.eat("(")?;
    let value = cursor.number("a length in bytes is expected here")?;
    if parenthesis {
        cursor.expect(")", "the closing `)` of this length is missing")?;
    }
    Ok(value)
}

fn udp(cursor: &mut Cursor<'_>, before: &mut Before, start: usize) -> Parsed<Body> {
    cursor.advance("udp".len());
    let mut ahead = *cursor;
    if ahead.eat("(")? && ports(&mut ahead)?.is_some() {
        return unsupported(cursor, "UDP encapsulation", start);
    }
    if before.ports.is_none() {
        before.ports = ports(cursor)?;
    }
    Ok(Body::Udp { len_bytes: parenthesized(cursor)? })
}

fn icmp(cursor: &mut Cursor<'_>, quoted: Option<Quoted>, start: usize) -> Parsed<Body> {
    let kind =
        cursor.word("the type of the ICMP message is expected here, such as `unreachable`")?.to_owned();
    let mut packet = IcmpPacket { quoted, kind, code: None, mtu_bytes: None };
    loop {
        cursor.skip_blanks()?;
        if cursor.peek() == Some(b'[') {
            let mut after = Before::default();
            bracket(cursor, &mut after)?;
            if let Some(what) = after.unsupported {
                return unsupported(cursor, what, start);
            }
            if after.quoted.is_none() {
                return cursor.wrong("the quoted packet is written `[seq:end(len)]` or `[udp (len)]`");
            }
            packet.quoted = after.quoted;
        } else if cursor.eat_word("id")? {
            return unsupported(cursor, "ICMP echoes with an identifier", start);
        } else if cursor.eat_word("mtu")? {
            packet.mtu_bytes = Some(cursor.number("an MTU in bytes is expected here")?);
        } else if cursor.peek_word().is_empty() && !code_number_follows(*cursor) {
            return Ok(Body::Icmp(packet));
        } else if packet.code.is_some() {
            return cursor.wrong("an ICMP message has one type, one code, `mtu N` and the packet it quotes");
        } else {
            packet.code = Some(icmp_code(cursor)?);
        }
    }
}

/// A code as a number stands on the line of its message: the next line begins with a time.
fn code_number_follows(cursor: Cursor<'_>) -> bool {
    let before = cursor.before();
    let same_line = before.len() - before.trim_end_matches([' ', '\t']).len() > 0;
    same_line && cursor.peek().is_some_and(|byte| byte.is_ascii_digit())
}

/// A name, a number, or what is defined as one of them.
fn icmp_code(cursor: &mut Cursor<'_>) -> Parsed<String> {
    match cursor.defined(icmp_code) {
        Some(code) => code,
        None => Ok(cursor.run()?.to_owned()),
    }
}

fn tcp(cursor: &mut Cursor<'_>, start: usize) -> Parsed<Body> {
    cursor.skip_blanks()?;
    let flags = flags(cursor)?;
    let seq = seq(cursor)?;
    let mut tcp = TcpPacket {
        flags,
        seq,
        ack: Field::Absent,
        window: Field::Absent,
        urgent: Field::Absent,
        options: OptionList::Absent,
    };
    loop {
        if cursor.eat_word("ack")? {
            tcp.ack = open_or(cursor, |cursor| cursor.seq("an acknowledgment number is expected here"))?;
        } else if cursor.eat_word("win")? {
            tcp.window = open_or(cursor, |cursor| cursor.number("a window of 0 to 65535 is expected here"))?;
        } else if cursor.eat_word("urg")? {
            tcp.urgent =
                open_or(cursor, |cursor| cursor.number("an urgent pointer of 0 to 65535 is expected here"))?;
        } else {
            break;
        }
    }
    if cursor.peek() == Some(b'<') {
        tcp.options = options::options(cursor)?;
        cursor.skip_blanks()?;
    }
    match cursor.peek() {
        Some(b'{') => unsupported(cursor, "packets that are broken on purpose", start),
        Some(b'/') => unsupported(cursor, "UDP encapsulation", start),
        _ if cursor.peek_word().eq_ignore_ascii_case("udp") => {
            unsupported(cursor, "UDP encapsulation", start)
        }
        _ => Ok(Body::Tcp(tcp)),
    }
}

/// `start:end(len)`, `...(len)`, or `...`.
fn seq(cursor: &mut Cursor<'_>) -> Parsed<Field<SeqRange>> {
    if !cursor.eat("...")? {
        return Ok(Field::Is(seq_range(cursor)?));
    }
    if cursor.peek() != Some(b'(') {
        return Ok(Field::Any);
    }
    Ok(Field::Is(SeqRange { start: 0, len_bytes: length(cursor)?, counted: Counted::Open }))
}

fn open_or<'s, T>(cursor: &mut Cursor<'s>, read: fn(&mut Cursor<'s>) -> Parsed<T>) -> Parsed<Field<T>> {
    if cursor.eat("...")? || cursor.eat("*")? { Ok(Field::Any) } else { Ok(Field::Is(read(cursor)?)) }
}

/// A run of flag letters; digits are the AccECN bits AE, CWR, ECE as one number.
fn flags(cursor: &mut Cursor<'_>) -> Parsed<FlagsWord> {
    let start = cursor.at();
    let len = cursor.rest().find(char::is_whitespace).unwrap_or(cursor.rest().len());
    let word = &cursor.rest()[..len];
    if word == "..." {
        cursor.advance(len);
        return Ok(FlagsWord { bits: Field::Any, ace: false });
    }
    let (mut bits, mut ace) = (Flags::NONE, false);
    for c in word.chars() {
        bits |= match c {
            'S' => Flags::SYN,
            'F' => Flags::FIN,
            'R' => Flags::RST,
            'P' => Flags::PSH,
            'U' => Flags::URG,
            '.' => Flags::ACK,
            'E' => Flags::ECE,
            'W' => Flags::CWR,
            'A' | 'N' => Flags::AE,
            '-' if len == 1 => Flags::NONE,
            '0'..='7' if !ace => {
                ace = true;
                Flags::from_bits((c as u16 - u16::from(b'0')) << 6)
            }
            _ => {
                cursor.advance(word.find(c).unwrap_or(0));
                return cursor.wrong(format!(
                    "`{c}` is no TCP flag; flags are S F R P . U E W A, a digit for AccECN, or `-`"
                ));
            }
        };
    }
    if word.is_empty() {
        return cursor.wrong_since(start, "the packet's flags are missing, such as `S`, `P.` or `.`");
    }
    cursor.advance(len);
    Ok(FlagsWord { bits: Field::Is(bits), ace })
}

/// `start:end(len)`
fn seq_range(cursor: &mut Cursor<'_>) -> Parsed<SeqRange> {
    cursor.skip_blanks()?;
    let at = cursor.at();
    let start = cursor.seq("sequence numbers are expected here: `start:end(length)`")?;
    cursor.expect(":", "`:` is expected between the sequence numbers of a packet: `start:end(length)`")?;
    let end = cursor.seq("the sequence number after the last byte is expected here")?;
    let len_bytes = length(cursor)?;
    let counted = if cursor.eat("!")? { Counted::FromZero } else { Counted::FromInitial };
    let range = SeqRange { start, len_bytes, counted };
    if range.end() != end {
        return cursor
            .wrong_since(at, format!("{start} and {len_bytes} bytes make {}, not {end}", range.end()));
    }
    Ok(range)
}

/// `(len)`
fn length(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    cursor.expect("(", "the length in parentheses is missing: `start:end(length)`")?;
    let len_bytes = cursor.number("the length in bytes is expected here")?;
    cursor.expect(")", "the closing `)` of the length is missing")?;
    Ok(len_bytes)
}

/// Takes everything up to the next event: the first line end outside brackets after which a time,
/// a command, a block or an option begins.
fn unsupported(cursor: &mut Cursor<'_>, what: &str, start: usize) -> Parsed<Body> {
    let mut depth = 0_usize;
    while let Some(byte) = cursor.peek() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => cursor.advance(cursor.rest()[1..].find('"').map_or(0, |len| len + 1)),
            b'/' if cursor.skip_comment()? => continue,
            b'\n' | b'#' if depth == 0 => {
                let mut ahead = *cursor;
                ahead.skip_blanks()?;
                let next = ahead.peek();
                if matches!(next, None | Some(b'0'..=b'9' | b'+' | b'*' | b'`' | b'%' | b'-')) {
                    let text = cursor.text_since(start).trim_end().to_owned();
                    return Ok(Body::Unsupported { what: what.to_owned(), text });
                }
                *cursor = ahead;
                continue;
            }
            _ => {}
        }
        cursor.advance(1);
    }
    Ok(Body::Unsupported { what: what.to_owned(), text: cursor.text_since(start).trim_end().to_owned() })
}
