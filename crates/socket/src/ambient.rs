//! The stack of the code that is running: for programs that name no stack when they make a socket, because they were
//! written for the operating system's.
//!
//! Whoever runs such a program (a simulated world) [enters](Ambient::enter) the stack of its host first. The
//! sockets keep it, so they can be used anywhere afterwards.

use crate::core::Core;
use crate::reach::{Lookup, Reach};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use tcp::Instant;

/// The stack that was entered where a socket was made.
#[derive(Clone)]
pub struct Ambient(Arc<dyn Way>);

/// [`Reach`] for any stack.
trait Way: Send + Sync {
    fn with(&self, change: &mut dyn FnMut(&mut Core, Instant));
    fn lookup(&self, name: &str, port: u16) -> Lookup;
}

impl<R: Reach + Send + Sync> Way for R {
    fn with(&self, change: &mut dyn FnMut(&mut Core, Instant)) {
        Reach::with(self, change);
    }

    fn lookup(&self, name: &str, port: u16) -> Lookup {
        Reach::lookup(self, name, port)
    }
}

thread_local! {
    static ENTERED: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

impl Ambient {
    /// This stack, to be entered.
    pub fn new(stack: impl Reach + Send + Sync + 'static) -> Ambient {
        Ambient(Arc::new(stack))
    }

    /// The stack that this thread has entered last.
    ///
    /// # Errors
    /// `Unsupported` if it has entered none: the caller runs on no simulated host, or on a thread of its own.
    pub fn current() -> io::Result<Ambient> {
        let missing = || {
            let sentence =
                "there is no stack here: this code runs on no simulated host, or on a thread of its own";
            io::Error::new(io::ErrorKind::Unsupported, sentence)
        };
        ENTERED.with_borrow(|entered| entered.clone().ok_or_else(missing))
    }

    /// Makes this the stack of what this thread does until the guard is dropped. Guards are dropped in the
    /// opposite order.
    pub fn enter(&self) -> Entered {
        Entered { before: ENTERED.replace(Some(self.clone())), not_send: PhantomData }
    }
}

impl Reach for Ambient {
    fn with<T>(&self, change: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let (mut change, mut outcome) = (Some(change), None);
        self.0.with(&mut |core, now| outcome = change.take().map(|change| change(core, now)));
        outcome.expect("a stack does what it is asked, once")
    }

    fn lookup(&self, name: &str, port: u16) -> Lookup {
        self.0.lookup(name, port)
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").finish_non_exhaustive()
    }
}

/// While it lives, a stack is entered; see [`Ambient::enter`].
#[derive(Debug)]
#[must_use = "the stack is left when this is dropped"]
pub struct Entered {
    before: Option<Ambient>,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.set(self.before.take());
    }
}
