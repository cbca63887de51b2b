//! Why an interface could not be opened, and what the user can do about it.

use super::TunConfig;
use crate::interface;
use std::fmt;
use std::io;
use wire::Medium;

/// Why a TUN interface could not be opened. The text says what to do next.
#[non_exhaustive]
pub enum TunError {
    /// There is no `/dev/net/tun`.
    NoDevice,
    /// The program may not create or set up the interface.
    NotAllowed {
        /// The interface.
        name: String,
        /// What was refused, in words.
        what: &'static str,
        /// The commands that prepare the interface, to be run once.
        preparation: String,
    },
    /// Another program has the interface open.
    Busy {
        /// The interface.
        name: String,
    },
    /// There is an interface of this name, of another kind.
    OtherKind {
        /// The interface.
        name: String,
        /// What was asked for: `TUN` or `TAP`.
        wanted: &'static str,
    },
    /// The name cannot be that of an interface.
    Name {
        /// The name.
        name: String,
    },
    /// A descriptor that was given is not of `/dev/net/tun`.
    NotTun {
        /// What the system said when it was asked for the interface.
        source: io::Error,
    },
    /// A descriptor that was given is of `/dev/net/tun`, and no interface was attached to it.
    NotAttached,
    /// The MTU of an interface whose descriptor was given cannot be asked for.
    UnknownMtu {
        /// The interface, or nothing if the kernel did not tell its name.
        name: String,
    },
    /// Any other error of the system.
    Io {
        /// The interface.
        name: String,
        /// What was tried, in words.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl TunError {
    pub(super) fn of_device(config: &TunConfig, source: io::Error) -> TunError {
        match source.kind() {
            io::ErrorKind::NotFound => TunError::NoDevice,
            _ if matches!(source.raw_os_error(), Some(libc::ENODEV | libc::ENXIO)) => TunError::NoDevice,
            _ => TunError::of_setting_up(config.clone(), "open /dev/net/tun", source),
        }
    }

    pub(super) fn of_attaching(config: &TunConfig, source: io::Error) -> TunError {
        match source.raw_os_error() {
            Some(libc::EBUSY) => TunError::Busy { name: config.name.clone() },
            // the name and the flags are right, so it is an interface that cannot be attached to
            Some(libc::EINVAL) if interface::exists(&config.name) => {
                let wanted = match config.medium {
                    Medium::Ip => "TUN",
                    Medium::Ethernet => "TAP",
                };
                TunError::OtherKind { name: config.name.clone(), wanted }
            }
            _ => TunError::of_setting_up(config.clone(), "create it", source),
        }
    }

    pub(super) fn of_setting_up(config: TunConfig, what: &'static str, source: io::Error) -> TunError {
        let preparation = config.preparation();
        match source.kind() {
            io::ErrorKind::PermissionDenied => TunError::NotAllowed { name: config.name, what, preparation },
            _ => TunError::Io { name: config.name, what, source },
        }
    }

    /// The same as an [`io::Error`] of the corresponding kind, for callers that have only those.
    pub fn into_io(self) -> io::Error {
        let kind = match &self {
            TunError::NoDevice => io::ErrorKind::NotFound,
            TunError::NotAllowed { .. } => io::ErrorKind::PermissionDenied,
            TunError::Busy { .. } => io::ErrorKind::ResourceBusy,
            TunError::Name { .. }
            | TunError::OtherKind { .. }
            | TunError::NotTun { .. }
            | TunError::NotAttached
            | TunError::UnknownMtu { .. } => io::ErrorKind::InvalidInput,
            TunError::Io { source, .. } => source.kind(),
        };
        io::Error::new(kind, self)
    }
}

/// The text of [`Display`](fmt::Display): a `main` that returns this error shows it by `Debug`, and what to do
/// next should be readable there.
impl fmt::Debug for TunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TunError::NoDevice => f.write_str(
                "this machine has no /dev/net/tun; load the module with `sudo modprobe tun`, or start the \
                 container with `--device /dev/net/tun --cap-add NET_ADMIN`",
            ),
            TunError::NotAllowed { name, what, preparation } => {
                let program =
                    std::env::current_exe().map_or("PROGRAM".to_owned(), |path| path.display().to_string());
                write!(
                    f,
                    "the program may not use the interface {name} (refused: {what}); either give it the right with\n  \
                     sudo setcap cap_net_admin+ep {program}\n\
                     or prepare the interface once with\n{preparation}"
                )
            }
            TunError::Busy { name } => write!(
                f,
                "the interface {name} is in use by another program; stop that program or choose another name"
            ),
            TunError::OtherKind { name, wanted } => write!(
                f,
                "the interface {name} exists and is no {wanted} interface; choose a name that no interface has, \
                 and one is created"
            ),
            TunError::Name { name } => write!(
                f,
                "\"{name}\" cannot be the name of an interface; use at most 15 characters without spaces or slashes"
            ),
            TunError::NotTun { source } => write!(
                f,
                "the descriptor is not that of a TUN or TAP interface ({source}); give the one that \
                 VpnService.Builder.establish() has returned, or of /dev/net/tun after TUNSETIFF"
            ),
            TunError::NotAttached => f.write_str(
                "the descriptor is of /dev/net/tun, but no interface is attached to it; attach one with TUNSETIFF, or \
                 use Tun::open",
            ),
            TunError::UnknownMtu { name } => {
                let name = if name.is_empty() { "of the descriptor" } else { name };
                write!(f, "the MTU of the interface {name} is not known to this program; set mtu_bytes")
            }
            TunError::Io { name, what, source } => {
                write!(f, "the interface {name} could not be opened: to {what} failed: {source}")
            }
        }
    }
}

impl std::error::Error for TunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TunError::Io { source, .. } | TunError::NotTun { source } => Some(source),
            _ => None,
        }
    }
}
