//! Values back to the language.

use super::*;
use std::fmt::{self, Display, Formatter};
use wire::tcp::Flags;

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for option in &self.options {
            writeln!(f, "{option}")?;
        }
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        Ok(())
    }
}

impl Display for OptionLine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.name)?;
        match &self.value {
            None => Ok(()),
            Some(value) if !value.is_empty() && !value.contains(needs_quotes) => write!(f, "={value}"),
            Some(value) => {
                f.write_str("=")?;
                // Double quotes protect everything except double quotes, which go into single ones.
                for (index, piece) in value.split('"').enumerate() {
                    if index > 0 {
                        f.write_str("'\"'")?;
                    }
                    if !piece.is_empty() || value.is_empty() {
                        write!(f, "\"{piece}\"")?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn needs_quotes(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`')
}

impl Display for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.when.fmt(f)?;
        if self.when != When::AtOnce {
            let blocking = matches!(&self.what, What::Call(Call { until: Some(_), .. }));
            f.write_str(if blocking { "" } else { " " })?;
        }
        self.what.fmt(f)
    }
}

/// A duration in seconds, with no more decimals than it needs.
pub(crate) struct Seconds(pub(crate) Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nanos = format!("{:09}", self.0.subsec_nanos());
        match nanos.trim_end_matches('0') {
            "" => self.0.as_secs().fmt(f),
            fraction => write!(f, "{}.{fraction}", self.0.as_secs()),
        }
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            When::AtOnce => Ok(()),
            When::Absolute(at) => Seconds(at).fmt(f),
            When::Relative(after) => write!(f, "+{}", Seconds(after)),
            When::Any => f.write_str("*"),
            When::AbsoluteRange(from, to) => write!(f, "{}~{}", Seconds(from), Seconds(to)),
            When::RelativeRange(from, to) => write!(f, "+{}~+{}", Seconds(from), Seconds(to)),
        }
    }
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            What::Packet(packet) => packet.fmt(f),
            What::Call(call) => call.fmt(f),
            What::Command(command) => write!(f, "`{}`", command.replace('`', "\\`")),
            What::Code(code) => write!(f, "%{{{code}}}%"),
        }
    }
}

impl Display for Packet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.direction {
            Direction::In => "< ",
            Direction::Out => "> ",
        })?;
        if let Body::Unsupported { text, .. } = &self.body {
            return f.write_str(text);
        }
        if self.ip != IpInfo::default() {
            write!(f, "({}) ", self.ip)?;
        }
        if let Some(Ports { source, destination }) = self.ports {
            write!(f, "{source} > {destination} ")?;
        }
        match &self.body {
            Body::Tcp(tcp) => tcp.fmt(f),
            Body::Icmp(icmp) => icmp.fmt(f),
            Body::Udp { len_bytes } => write!(f, "udp ({len_bytes})"),
            Body::Unsupported { text, .. } => f.write_str(text),
        }
    }
}

impl Display for IpInfo {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parts = [
            self.ecn.map(|ecn| ecn.name().to_owned()),
            self.tos.map(|tos| format!("tos {tos:#04x}")),
            self.ttl.map(|ttl| format!("ttl {ttl}")),
            self.flow_label.map(|label| format!("flowlabel {label:#x}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

impl Ecn {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Ecn::NotEct => "noecn",
            Ecn::Ect1 => "ect1",
            Ecn::Ect0 => "ect0",
            Ecn::EctAny => "ect01",
            Ecn::Ce => "ce",
        }
    }
}

impl Display for TcpPacket {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.flags.fmt(f)?;
        match self.seq {
            Field::Absent | Field::Any => f.write_str(" ...")?,
            Field::Is(range) => write!(f, " {range}")?,
        }
        write_field(f, "ack", self.ack)?;
        write_field(f, "win", self.window)?;
        write_field(f, "urg", self.urgent)?;
        match &self.options {
            OptionList::Absent => Ok(()),
            OptionList::Any => f.write_str(" <...>"),
            OptionList::List(list) => {
                f.write_str(" <")?;
                write_list(f, list, ",")?;
                f.write_str(">")
            }
        }
    }
}

fn write_field<T: Display>(f: &mut Formatter<'_>, name: &str, field: Field<T>) -> fmt::Result {
    match field {
        Field::Absent => Ok(()),
        Field::Any => write!(f, " {name} ..."),
        Field::Is(value) => write!(f, " {name} {value}"),
    }
}

fn write_list<T: Display>(f: &mut Formatter<'_>, list: &[T], separator: &str) -> fmt::Result {
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for FlagsWord {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const LETTERS: [(Flags, char); 6] = [
            (Flags::SYN, 'S'),
            (Flags::FIN, 'F'),
            (Flags::RST, 'R'),
            (Flags::PSH, 'P'),
            (Flags::URG, 'U'),
            (Flags::ACK, '.'),
        ];
        const ECN: [(Flags, char); 3] = [(Flags::ECE, 'E'), (Flags::CWR, 'W'), (Flags::AE, 'A')];
        let Field::Is(bits) = self.bits else { return f.write_str("...") };
        let mut word = String::new();
        let ecn = if self.ace { &[][..] } else { &ECN[..] };
        for (flag, letter) in LETTERS[..5].iter().chain(ecn).chain(&LETTERS[5..]) {
            if bits.contains(*flag) {
                word.push(*letter);
            }
        }
        if self.ace {
            word.push(char::from(b'0' + ((bits.bits() >> 6) & 7) as u8));
        }
        f.write_str(if word.is_empty() { "-" } else { &word })
    }
}

impl Display for SeqRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.counted {
            Counted::FromInitial => write!(f, "{}:{}({})", self.start, self.end(), self.len_bytes),
            Counted::FromZero => write!(f, "{}:{}({})!", self.start, self.end(), self.len_bytes),
            Counted::Open => write!(f, "...({})", self.len_bytes),
        }
    }
}

/// Bytes in hexadecimal, without spaces.
pub(crate) struct HexBytes<'a>(pub(crate) &'a [u8]);

impl Display for HexBytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Display for TcpOption {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = |field: &TsField| field.map_or_else(|| "...".to_owned(), |value| value.to_string());
        match self {
            TcpOption::Nop => f.write_str("nop"),
            TcpOption::Eol => f.write_str("eol"),
            TcpOption::Mss(mss) => write!(f, "mss {mss}"),
            TcpOption::WindowScale(shift) => write!(f, "wscale {shift}"),
            TcpOption::SackPermitted => f.write_str("sackOK"),
            TcpOption::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            TcpOption::Timestamps { value, echo, echo_counted } => {
                let mark = if *echo_counted == Counted::FromZero { "!" } else { "" };
                write!(f, "TS val {} ecr {}{mark}", number(value), number(echo))
            }
            TcpOption::FastOpen { cookie, experimental } => {
                f.write_str(if *experimental { "FOEXP" } else { "FO" })?;
                if cookie.is_empty() { Ok(()) } else { write!(f, " {}", HexBytes(cookie)) }
            }
            TcpOption::Md5(None) => f.write_str("md5"),
            TcpOption::Md5(Some(digest)) => write!(f, "md5 {}", HexBytes(digest)),
            TcpOption::AccurateEcn(AccurateEcn { counters }) => {
                f.write_str("ECN")?;
                counters.iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))
            }
            TcpOption::Raw { kind, payload } => write!(f, "kind-{kind} {}", HexBytes(payload)),
            TcpOption::Rest => f.write_str("..."),
            TcpOption::Unsupported { text, .. } => f.write_str(text),
        }
    }
}

impl Display for IcmpPacket {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.quoted {
            Some(Quoted::Tcp(range)) => write!(f, "[{range}] ")?,
            Some(Quoted::Udp { len_bytes }) => write!(f, "[udp ({len_bytes})] ")?,
            None => {}
        }
        write!(f, "icmp {}", self.kind)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        self.mtu_bytes.map_or(Ok(()), |mtu| write!(f, " mtu {mtu}"))
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(until) = self.until {
            write!(f, "...{} ", Seconds(until))?;
        }
        write!(f, "{}(", self.name)?;
        write_list(f, &self.arguments, ", ")?;
        write!(f, ") = {}", self.outcome)
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)?;
        if let Some(errno) = &self.errno {
            write!(f, " {errno}")?;
        }
        self.note.as_ref().map_or(Ok(()), |note| write!(f, " ({note})"))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Any => f.write_str("..."),
            Expr::Integer(value) => value.fmt(f),
            Expr::Hex(value) => write!(f, "{value:#x}"),
            Expr::Decimal(billionths) => {
                let sign = if *billionths < 0 { "-" } else { "" };
                let size = billionths.unsigned_abs();
                let fraction = format!("{:09}", size % 1_000_000_000);
                let fraction = fraction.trim_end_matches('0');
                write!(
                    f,
                    "{sign}{}.{}",
                    size / 1_000_000_000,
                    if fraction.is_empty() { "0" } else { fraction }
                )
            }
            Expr::Symbol(name) | Expr::Address(name) | Expr::Foreign(name) => f.write_str(name),
            Expr::Text(bytes) => write_text(f, bytes),
            Expr::TextAndMore(bytes) => {
                write_text(f, bytes)?;
                f.write_str("...")
            }
            Expr::Function(name, arguments) => {
                write!(f, "{name}(")?;
                write_list(f, arguments, ", ")?;
                f.write_str(")")
            }
            Expr::Array(items) => {
                f.write_str("[")?;
                write_list(f, items, ", ")?;
                f.write_str("]")
            }
            Expr::Struct(members) => {
                f.write_str("{")?;
                write_list(f, members, ", ")?;
                f.write_str("}")
            }
            Expr::Binary(operator, left, right) => {
                write_operand(f, left, Some(*operator))?;
                write!(f, "{}", operator.symbol())?;
                write_operand(f, right, Some(*operator))
            }
            Expr::Complement(inner) => {
                f.write_str("~")?;
                write_operand(f, inner, None)
            }
        }
    }
}

/// An operand, in parentheses if the meaning would change without them.
fn write_operand(f: &mut Formatter<'_>, operand: &Expr, parent: Option<Operator>) -> fmt::Result {
    match operand {
        Expr::Binary(Operator::Or, ..) if parent == Some(Operator::Or) => operand.fmt(f),
        Expr::Binary(..) => write!(f, "({operand})"),
        _ => operand.fmt(f),
    }
}

fn write_text(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("\"")?;
    for byte in bytes {
        match byte {
            b'"' => f.write_str("\\\"")?,
            b'\\' => f.write_str("\\\\")?,
            b'\n' => f.write_str("\\n")?,
            b'\t' => f.write_str("\\t")?,
            b'\r' => f.write_str("\\r")?,
            0x20..0x7f => write!(f, "{}", char::from(*byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_str("\"")
}

impl Display for Member {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            f.write_str(name)?;
            if let Some(len) = &self.len {
                write!(f, "({len})")?;
            }
            f.write_str("=")?;
        }
        self.value.fmt(f)
    }
}
