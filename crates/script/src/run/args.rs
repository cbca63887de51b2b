//! Arguments of calls: expressions to numbers, bytes and addresses.

use super::{Runner, Trouble, symbols};
use crate::ast::Expr;
use posix::{Errno, Fd};
use std::net::{IpAddr, SocketAddr};

/// The longest buffer that a script may name, in bytes.
const BUFFER_BYTES_MAX: i64 = 64 << 20;

impl Runner<'_> {
    /// The value of an argument as a number.
    pub(super) fn integer(&self, expr: &Expr) -> Result<i64, Trouble> {
        match expr {
            Expr::Integer(value) => Ok(*value),
            Expr::Hex(value) => Ok(value.cast_signed()),
            Expr::Symbol(name) => self.symbol(name),
            Expr::Complement(inner) => Ok(!self.integer(inner)?),
            Expr::Binary(operator, left, right) => {
                let (left, right) = (self.integer(left)?, self.integer(right)?);
                operator
                    .apply(left, right)
                    .ok_or_else(|| Trouble::Script(format!("`{expr}` cannot be computed")))
            }
            Expr::Function(name, arguments) => match (name.as_str(), arguments.as_slice()) {
                ("htons" | "htonl" | "ntohs" | "ntohl", [value]) => self.integer(value),
                ("sizeof", [_]) => Ok(4),
                _ => Err(Trouble::Script(format!("`{name}` is no function that gives a number here"))),
            },
            Expr::Array(items) => match items.as_slice() {
                [one] => self.integer(one),
                _ => Err(Trouble::Script(format!("one number is expected, not `{expr}`"))),
            },
            _ => Err(Trouble::Script(format!("a number is expected, not `{expr}`"))),
        }
    }

    fn symbol(&self, name: &str) -> Result<i64, Trouble> {
        let number = symbols::number(name, self.habits);
        number.ok_or_else(|| Trouble::Unmet(format!("the symbol {name}")))
    }

    /// An optional argument: `...` and a missing one are `None`.
    pub(super) fn optional(&self, expr: Option<&Expr>) -> Result<Option<i64>, Trouble> {
        match expr {
            None | Some(Expr::Any) => Ok(None),
            Some(expr) => self.integer(expr).map(Some),
        }
    }

    /// A descriptor: the script's number is its own; ours may be another.
    pub(super) fn descriptor(&self, expr: Option<&Expr>) -> Result<Fd, Trouble> {
        let Some(expr) = expr else { return Err(Trouble::Script("the descriptor is missing".to_owned())) };
        let number = self.integer(expr)?;
        let unknown = u32::try_from(number).unwrap_or(u32::MAX);
        Ok(self.fds.get(&number).copied().unwrap_or(Fd(UNKNOWN_DESCRIPTORS.saturating_add(unknown))))
    }

    /// A buffer's length.
    pub(super) fn length(&self, expr: Option<&Expr>) -> Result<usize, Trouble> {
        let Some(expr) = expr else {
            return Err(Trouble::Script("the length of the buffer is missing".to_owned()));
        };
        let length = self.integer(expr)?;
        match usize::try_from(length) {
            Ok(bytes) if length <= BUFFER_BYTES_MAX => Ok(bytes),
            _ => Err(Trouble::Script(format!("a buffer of {length} bytes is out of range"))),
        }
    }

    /// What is written: a string cut or filled up to the length, zeros for `...`.
    pub(super) fn data(&self, expr: Option<&Expr>, length: usize) -> Result<Vec<u8>, Trouble> {
        let mut bytes = match expr {
            None | Some(Expr::Any) => Vec::new(),
            Some(Expr::Text(bytes) | Expr::TextAndMore(bytes)) => bytes.clone(),
            Some(null) if is_null(null) && length == 0 => Vec::new(),
            Some(null) if is_null(null) => return Err(Errno::Fault.into()),
            Some(other) => return Err(Trouble::Script(format!("data is expected, not `{other}`"))),
        };
        bytes.resize(length, 0);
        Ok(bytes)
    }

    /// An address: `...` is `default`.
    pub(super) fn address(&self, expr: Option<&Expr>, default: SocketAddr) -> Result<SocketAddr, Trouble> {
        let expr = match expr {
            None | Some(Expr::Any) => return Ok(default),
            Some(null) if is_null(null) => return Err(Errno::Fault.into()),
            Some(expr) => expr,
        };
        let wrong = |what: &str| Trouble::Script(format!("{what} is missing in the address `{expr}`"));
        let port = expr.member("sin_port").or(expr.member("sin6_port")).or(expr.member("port"));
        let port = self.integer(port.ok_or_else(|| wrong("the port"))?)?;
        let port = u16::try_from(port).map_err(|_| Trouble::Script(format!("{port} is no port")))?;
        let ip = expr.member("sin_addr").or(expr.member("sin6_addr")).or(expr.member("addr"));
        let ip = match ip {
            None => return Err(wrong("the IP address")),
            Some(Expr::Any) => default.ip(),
            Some(ip) => ip_of(ip).ok_or_else(|| Trouble::Script(format!("`{ip}` is no IP address")))?,
        };
        Ok(SocketAddr::new(ip, port))
    }
}

/// Whether an argument is the pointer to nowhere.
pub(super) fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Symbol(name) if name == "NULL")
}

/// Descriptors that the script names and nobody opened: far from those that exist.
const UNKNOWN_DESCRIPTORS: u32 = 1 << 20;

/// `inet_addr("1.2.3.4")`, `inet_pton(AF_INET6, "::1")`, `in6addr_any`, or the address itself.
fn ip_of(expr: &Expr) -> Option<IpAddr> {
    match expr {
        Expr::Address(text) => text.parse().ok(),
        Expr::Text(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        Expr::Function(name, arguments) if matches!(name.as_str(), "htonl" | "ntohl") => {
            ip_of(arguments.first()?)
        }
        Expr::Function(_, arguments) => ip_of(arguments.last()?),
        Expr::Symbol(name) => match name.as_str() {
            "INADDR_ANY" => "0.0.0.0".parse().ok(),
            "INADDR_LOOPBACK" => "127.0.0.1".parse().ok(),
            "in6addr_any" | "IN6ADDR_ANY_INIT" => "::".parse().ok(),
            "in6addr_loopback" => "::1".parse().ok(),
            _ => None,
        },
        Expr::Integer(number) => Some(IpAddr::from(u32::try_from(*number).ok()?.to_be_bytes())),
        Expr::Struct(members) => ip_of(&members.first()?.value),
        _ => None,
    }
}
