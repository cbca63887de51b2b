//! Socket options: from the script's names and values to the kernel's numbers and bytes, and back.

use crate::errno::Errors;
use device::kernel::{set_socket_option, socket_option};
use posix::{Domain, Errno, Linger, OptionName, OptionValue};
use std::os::fd::BorrowedFd;
use std::time::Duration;

const SOL_SOCKET: i32 = 1;
const IPPROTO_IP: i32 = 0;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_IPV6: i32 = 41;

/// `TCP_INFO` of `linux/tcp.h`.
pub(crate) const TCP_INFO: (i32, i32) = (IPPROTO_TCP, 11);

/// Level and number of an option (`asm-generic/socket.h`, `linux/tcp.h`, `linux/in.h`, `linux/in6.h`);
/// `None` for what Linux does not have.
fn number(name: OptionName, domain: Domain) -> Option<(i32, i32)> {
    let is_v6 = domain == Domain::Inet6;
    Some(match name {
        OptionName::ReuseAddress => (SOL_SOCKET, 2),
        OptionName::Type => (SOL_SOCKET, 3),
        OptionName::Error => (SOL_SOCKET, 4),
        OptionName::DontRoute => (SOL_SOCKET, 5),
        OptionName::Broadcast => (SOL_SOCKET, 6),
        OptionName::SendBuffer => (SOL_SOCKET, 7),
        OptionName::ReceiveBuffer => (SOL_SOCKET, 8),
        OptionName::KeepAlive => (SOL_SOCKET, 9),
        OptionName::OutOfBandInline => (SOL_SOCKET, 10),
        OptionName::Priority => (SOL_SOCKET, 12),
        OptionName::Linger => (SOL_SOCKET, 13),
        OptionName::ReusePort => (SOL_SOCKET, 15),
        OptionName::ReceiveLowWater => (SOL_SOCKET, 18),
        OptionName::SendLowWater => (SOL_SOCKET, 19),
        OptionName::ReceiveTimeout => (SOL_SOCKET, 20),
        OptionName::SendTimeout => (SOL_SOCKET, 21),
        OptionName::AcceptsConnections => (SOL_SOCKET, 30),
        OptionName::SendBufferForce => (SOL_SOCKET, 32),
        OptionName::ReceiveBufferForce => (SOL_SOCKET, 33),
        OptionName::Mark => (SOL_SOCKET, 36),
        OptionName::Protocol => (SOL_SOCKET, 38),
        OptionName::Domain => (SOL_SOCKET, 39),
        OptionName::ZeroCopy => (SOL_SOCKET, 60),
        OptionName::NoDelay => (IPPROTO_TCP, 1),
        OptionName::MaxSegment => (IPPROTO_TCP, 2),
        OptionName::Cork => (IPPROTO_TCP, 3),
        OptionName::KeepIdle => (IPPROTO_TCP, 4),
        OptionName::KeepInterval => (IPPROTO_TCP, 5),
        OptionName::KeepCount => (IPPROTO_TCP, 6),
        OptionName::SynCount => (IPPROTO_TCP, 7),
        OptionName::Linger2 => (IPPROTO_TCP, 8),
        OptionName::DeferAccept => (IPPROTO_TCP, 9),
        OptionName::WindowClamp => (IPPROTO_TCP, 10),
        OptionName::Info => TCP_INFO,
        OptionName::QuickAck => (IPPROTO_TCP, 12),
        OptionName::Congestion => (IPPROTO_TCP, 13),
        OptionName::UserTimeout => (IPPROTO_TCP, 18),
        OptionName::FastOpen => (IPPROTO_TCP, 23),
        OptionName::NotSentLowWater => (IPPROTO_TCP, 25),
        OptionName::FastOpenConnect => (IPPROTO_TCP, 30),
        OptionName::FastOpenKey => (IPPROTO_TCP, 33),
        OptionName::FastOpenNoCookie => (IPPROTO_TCP, 34),
        OptionName::InQueue => (IPPROTO_TCP, 36),
        OptionName::TypeOfService => (IPPROTO_IP, 1),
        OptionName::TimeToLive => (IPPROTO_IP, 2),
        OptionName::MtuDiscover if is_v6 => (IPPROTO_IPV6, 23),
        OptionName::MtuDiscover => (IPPROTO_IP, 10),
        OptionName::Mtu if is_v6 => (IPPROTO_IPV6, 24),
        OptionName::Mtu => (IPPROTO_IP, 14),
        OptionName::UnicastHops => (IPPROTO_IPV6, 16),
        OptionName::OnlyV6 => (IPPROTO_IPV6, 26),
        OptionName::TrafficClass => (IPPROTO_IPV6, 67),
        // KeepInit and NoOptions are FreeBSD's.
        _ => return None,
    })
}

/// `getsockopt`
pub(crate) fn get(
    fd: BorrowedFd<'_>,
    domain: Domain,
    name: OptionName,
    errors: &Errors,
) -> Result<OptionValue, Errno> {
    let (level, number) = number(name, domain).ok_or(Errno::NoProtocolOption)?;
    let mut value = [0; 64];
    let bytes = socket_option(fd, level, number, &mut value).map_err(|error| errors.of(&error))?;
    Ok(match name {
        OptionName::Congestion => {
            let text = value[..bytes].split(|byte| *byte == 0).next().unwrap_or_default();
            OptionValue::Text(String::from_utf8_lossy(text).into_owned())
        }
        OptionName::FastOpenKey => OptionValue::Bytes(value[..bytes].to_vec()),
        OptionName::Linger => OptionValue::Linger(match (int(&value, 0), int(&value, 4)) {
            (0, _) => Linger::Background,
            (_, 0) => Linger::Abort,
            (_, seconds) => Linger::Wait(u16::try_from(seconds).unwrap_or(u16::MAX)),
        }),
        OptionName::SendTimeout | OptionName::ReceiveTimeout => {
            let part = |at: usize| u64::try_from(long(&value, at)).unwrap_or(0);
            OptionValue::Time(Duration::from_secs(part(0)) + Duration::from_micros(part(8)))
        }
        OptionName::Error => OptionValue::Error(match int(&value, 0) {
            0 => None,
            number => Some(errors.named(rustix::io::Errno::from_raw_os_error(number))),
        }),
        _ => OptionValue::Int(int(&value, 0)),
    })
}

/// `setsockopt`
pub(crate) fn set(
    fd: BorrowedFd<'_>,
    domain: Domain,
    name: OptionName,
    value: &OptionValue,
    errors: &Errors,
) -> Result<(), Errno> {
    let (level, number) = number(name, domain).ok_or(Errno::NoProtocolOption)?;
    let bytes = match value {
        OptionValue::Int(value) => value.to_ne_bytes().to_vec(),
        OptionValue::Text(text) => text.as_bytes().to_vec(),
        OptionValue::Bytes(bytes) => bytes.clone(),
        OptionValue::Linger(linger) => {
            let (on, seconds): (i32, i32) = match linger {
                Linger::Background => (0, 0),
                Linger::Abort => (1, 0),
                Linger::Wait(seconds) => (1, (*seconds).into()),
            };
            [on.to_ne_bytes(), seconds.to_ne_bytes()].concat()
        }
        OptionValue::Time(time) => {
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            [seconds.to_ne_bytes(), i64::from(time.subsec_micros()).to_ne_bytes()].concat()
        }
        // Errors and TCP_INFO are only read.
        _ => return Err(Errno::NoProtocolOption),
    };
    set_socket_option(fd, level, number, &bytes).map_err(|error| errors.of(&error))
}

fn int(value: &[u8; 64], at: usize) -> i32 {
    value[at..].first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes))
}

/// A part of a `timeval`, which has 64 bits each on 64-bit machines.
fn long(value: &[u8; 64], at: usize) -> i64 {
    value[at..].first_chunk().map_or(0, |bytes| i64::from_ne_bytes(*bytes))
}
