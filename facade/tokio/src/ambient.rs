//! The way from a socket to the stack that was entered where it was made.

use socket::{Core, Lookup, Reach};
use std::fmt;
use std::io;
#[cfg(unix)]
use std::sync::OnceLock;
use tcp::Instant;

/// [`socket::Ambient`], and for each socket what stands in for it where a descriptor is asked for.
pub struct Ambient {
    stack: socket::Ambient,
    #[cfg(unix)]
    pub(crate) stand_in: OnceLock<socket2::Socket>,
}

impl Ambient {
    /// The stack that this thread has entered last.
    ///
    /// # Errors
    /// `Unsupported` if it has entered none.
    pub fn current() -> io::Result<Ambient> {
        Ok(Ambient::to(socket::Ambient::current()?))
    }

    fn to(stack: socket::Ambient) -> Ambient {
        Ambient {
            stack,
            #[cfg(unix)]
            stand_in: OnceLock::new(),
        }
    }
}

/// For another socket on the same stack.
impl Clone for Ambient {
    fn clone(&self) -> Self {
        Ambient::to(self.stack.clone())
    }
}

impl Reach for Ambient {
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        self.stack.with(change)
    }

    fn lookup(&self, name: &str, port: u16) -> Lookup {
        self.stack.lookup(name, port)
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stack.fmt(f)
    }
}
