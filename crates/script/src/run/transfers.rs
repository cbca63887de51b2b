//! Calls that move bytes: `read`, `write` and their relatives, with vectors and messages.

use super::args::is_null;
use super::calls::{Answer, Progress};
use super::{Runner, Trouble};
use crate::ast::{Call, Expr};
use posix::{Errno, RecvFlags, SendFlags};

impl Runner<'_> {
    pub(super) fn call_receive(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let (pieces, flags_at) = match call.name.as_str() {
            "readv" => (self.vectors(call.arguments.get(1))?, None),
            "recvmsg" => (self.message_vectors(call.arguments.get(1))?, Some(2)),
            name => {
                let length = self.length(call.arguments.get(2))?;
                let data = call.arguments.get(1).cloned().unwrap_or(Expr::Any);
                (vec![(data, length)], (name != "read").then_some(3))
            }
        };
        let flags = self.optional(flags_at.and_then(|at| call.arguments.get(at)))?.unwrap_or(0);
        let flags = self.receive_flags(flags)?;
        let length = pieces.iter().map(|(_, length)| length).sum();
        progress.buffer.resize(length, 0);
        // Nothing can be copied to a null pointer, so the data stays; it may be discarded.
        let nowhere = pieces.iter().any(|(into, length)| *length > 0 && is_null(into));
        let nowhere = nowhere && !flags.contains(RecvFlags::TRUNCATE);
        let flags = if nowhere { flags | RecvFlags::PEEK } else { flags };
        let received = self.host.recv(fd, &mut progress.buffer, flags, &mut progress.pending)?;
        if nowhere && received.bytes > 0 {
            return Err(Errno::Fault.into());
        }
        let mut answer = Answer::of(received.bytes);
        let mut rest = &progress.buffer[..received.bytes.min(length)];
        for (expected, length) in &pieces {
            let (here, later) = rest.split_at((*length).min(rest.len()));
            rest = later;
            answer.differences.extend(text_difference(expected, here));
        }
        if let Some(expected) =
            call.arguments.get(1).filter(|_| call.name == "recvmsg").and_then(|m| m.member("msg_flags"))
        {
            answer.differences.extend(self.number_difference("msg_flags", expected, 0)?);
        }
        if call.name == "recvfrom"
            && let Some(from) = received.from
        {
            answer.differences.extend(self.named(call.arguments.get(4), from)?.differences);
        }
        Ok(answer)
    }

    pub(super) fn call_send(&mut self, call: &Call, progress: &mut Progress) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let (pieces, flags_at) = match call.name.as_str() {
            "writev" => (self.vectors(call.arguments.get(1))?, None),
            "sendmsg" => (self.message_vectors(call.arguments.get(1))?, Some(2)),
            name => {
                let length = self.length(call.arguments.get(2))?;
                let data = call.arguments.get(1).cloned().unwrap_or(Expr::Any);
                (vec![(data, length)], (name != "write").then_some(3))
            }
        };
        let mut data = Vec::new();
        for (piece, length) in &pieces {
            data.extend(self.data(Some(piece), *length)?);
        }
        let flags = self.optional(flags_at.and_then(|at| call.arguments.get(at)))?.unwrap_or(0);
        let flags = self.send_flags(flags)?;
        let to = match (call.name.as_str(), call.arguments.get(4)) {
            ("sendto", Some(expr @ Expr::Struct(_))) => {
                Some(self.address(Some(expr), self.plan.connect_address())?)
            }
            ("sendto", Some(Expr::Any)) => Some(self.plan.connect_address()),
            ("sendmsg", _) => {
                let name = call.arguments.get(1).and_then(|message| message.member("msg_name"));
                let given = name.filter(|name| !is_null(name));
                given.map(|name| self.address(Some(name), self.plan.connect_address())).transpose()?
            }
            _ => None,
        };
        let opens = progress.begins() && self.host.ends(fd).is_none();
        let sent = self.host.send(fd, &data, flags, to, &mut progress.pending);
        if opens {
            // A write may open the connection (MSG_FASTOPEN, TCP_FASTOPEN_CONNECT).
            self.on_connect(fd);
        }
        Ok(Answer::of(sent?))
    }

    fn flag(&self, flags: i64, name: &str) -> Result<bool, Trouble> {
        let bit = self.integer(&Expr::Symbol(name.to_owned()))?;
        Ok(bit != 0 && flags & bit == bit)
    }

    fn receive_flags(&self, flags: i64) -> Result<RecvFlags, Trouble> {
        if self.flag(flags, "MSG_ERRQUEUE")? {
            return Err(Trouble::Unmet("the error queue (MSG_ERRQUEUE)".to_owned()));
        }
        if self.flag(flags, "MSG_OOB")? {
            return Err(Trouble::Unmet("reading urgent data out of band (MSG_OOB)".to_owned()));
        }
        let table = [
            ("MSG_DONTWAIT", RecvFlags::DONT_WAIT),
            ("MSG_PEEK", RecvFlags::PEEK),
            ("MSG_WAITALL", RecvFlags::WAIT_ALL),
            ("MSG_TRUNC", RecvFlags::TRUNCATE),
        ];
        table.into_iter().try_fold(RecvFlags::NONE, |all, (name, flag)| {
            Ok(if self.flag(flags, name)? { all | flag } else { all })
        })
    }

    fn send_flags(&self, flags: i64) -> Result<SendFlags, Trouble> {
        if self.flag(flags, "MSG_ZEROCOPY")? {
            return Err(Trouble::Unmet("MSG_ZEROCOPY".to_owned()));
        }
        let table = [
            ("MSG_DONTWAIT", SendFlags::DONT_WAIT),
            ("MSG_MORE", SendFlags::MORE),
            ("MSG_OOB", SendFlags::URGENT),
            ("MSG_EOR", SendFlags::END_OF_RECORD),
            ("MSG_FASTOPEN", SendFlags::FAST_OPEN),
        ];
        table.into_iter().try_fold(SendFlags::NONE, |all, (name, flag)| {
            Ok(if self.flag(flags, name)? { all | flag } else { all })
        })
    }

    /// `[{data, length}, ...]`
    fn vectors(&self, expr: Option<&Expr>) -> Result<Vec<(Expr, usize)>, Trouble> {
        let Some(Expr::Array(items)) = expr else {
            return Err(Trouble::Script("a list of buffers `[{..., 1000}]` is expected".to_owned()));
        };
        let mut vectors = Vec::new();
        for item in items {
            let Expr::Struct(members) = item else {
                return Err(Trouble::Script(format!("a buffer `{{..., 1000}}` is expected, not `{item}`")));
            };
            let length = self.length(members.get(1).map(|member| &member.value))?;
            vectors.push((members[0].value.clone(), length));
        }
        Ok(vectors)
    }

    fn message_vectors(&self, expr: Option<&Expr>) -> Result<Vec<(Expr, usize)>, Trouble> {
        let message = expr.ok_or_else(|| Trouble::Script("the message is missing".to_owned()))?;
        if let Some(control) = message.member("msg_control")
            && !matches!(control, Expr::Any | Expr::Integer(0))
            && *control != Expr::Array(Vec::new())
        {
            return Err(Trouble::Unmet("ancillary data (msg_control)".to_owned()));
        }
        self.vectors(message.member("msg_iov"))
    }
}

fn text_difference(expected: &Expr, seen: &[u8]) -> Option<String> {
    let right = match expected {
        Expr::Text(bytes) => bytes == seen,
        Expr::TextAndMore(bytes) => seen.starts_with(bytes),
        _ => true,
    };
    (!right).then(|| format!("data: expected {expected}, seen {}", Expr::Text(seen.to_vec())))
}
