//! The script's descriptors: those that it opened, and none of the program's own.

use posix::{Domain, Errno, Fd, Type};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Socket(Domain, Type),
    Epoll,
}

#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    fd: Arc<OwnedFd>,
    pub(crate) kind: Kind,
    /// Where `connect` was asked to go: the kernel does not say before it has got there.
    pub(crate) remote: Option<SocketAddr>,
}

impl Descriptor {
    /// The descriptor itself, to be kept by a thread that sleeps on it.
    pub(crate) fn shared(&self) -> Arc<OwnedFd> {
        self.fd.clone()
    }

    pub(crate) fn domain(&self) -> Domain {
        match self.kind {
            Kind::Socket(domain, _) => domain,
            Kind::Epoll => Domain::Inet,
        }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// By number.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    open: BTreeMap<Fd, Descriptor>,
}

impl Descriptors {
    pub(crate) fn insert(&mut self, fd: OwnedFd, kind: Kind) -> Fd {
        let number = Fd(fd.as_raw_fd().unsigned_abs());
        self.open.insert(number, Descriptor { fd: Arc::new(fd), kind, remote: None });
        number
    }

    pub(crate) fn get(&self, fd: Fd) -> Result<&Descriptor, Errno> {
        self.open.get(&fd).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Descriptor, Errno> {
        self.open.get_mut(&fd).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Descriptor, Errno> {
        self.open.remove(&fd).ok_or(Errno::BadDescriptor)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Fd, &Descriptor)> {
        self.open.iter().map(|(fd, descriptor)| (*fd, descriptor))
    }
}
