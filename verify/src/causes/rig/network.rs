//! Network namespaces without a name: they end with their last thread, socket and open file.

use super::Missing;
use device::kernel;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A network namespace.
#[derive(Clone, Debug)]
pub(super) struct Network {
    file: Arc<File>,
}

impl Network {
    /// A new one, in which only the loopback is up.
    pub(super) fn new() -> Result<Network, Missing> {
        let make = || -> io::Result<File> {
            kernel::enter_new_network()?;
            kernel::bring_up_loopback()?;
            File::open("/proc/thread-self/ns/net")
        };
        let made =
            std::thread::spawn(make).join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked")));
        let file = made.map_err(|error| Missing(format!("no network namespace can be made: {error}")))?;
        Ok(Network { file: Arc::new(file) })
    }

    /// A thread in it.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> JoinHandle<io::Result<T>> {
        let file = Arc::clone(&self.file);
        std::thread::spawn(move || {
            kernel::enter_network(file.as_fd())?;
            act()
        })
    }

    /// Does something in it; a thread that has entered a namespace has no way back.
    pub(super) fn within<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.spawn(act).join().unwrap_or_else(|_| Err(io::Error::other("a thread in a namespace panicked")))
    }

    /// Sets `net.ipv4.NAME`, or `net.NAME` if it has a path of its own (`ipv6/conf/all/forwarding`).
    pub(super) fn set(&self, name: &str, value: &str) -> io::Result<()> {
        let path = match name.contains('/') {
            true => format!("/proc/sys/net/{name}"),
            false => format!("/proc/sys/net/ipv4/{name}"),
        };
        let value = value.to_owned();
        self.within(move || {
            std::fs::write(&path, &value)
                .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
        })
    }

    /// Its file, for `ip link set ... netns`.
    pub(super) fn path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }
}
