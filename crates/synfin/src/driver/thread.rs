//! A thread of its own drives the stack.

use super::{Driver, Next, Port};
use std::io;
use std::os::fd::BorrowedFd;
use std::thread::JoinHandle;
use std::time::Duration;

/// Out of memory for `poll`: there is nothing better than to try again a little later.
const NAP: Duration = Duration::from_millis(1);

/// Drives a stack from here on.
///
/// # Errors
/// If the system has no thread left.
pub(crate) fn start(driver: Driver) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("synfin".to_owned()).spawn(move || run(driver))
}

/// Drives until it is time to leave.
fn run(mut driver: Driver) {
    loop {
        match driver.turn() {
            Next::Sleep(timeout) => sleep(&driver, timeout),
            Next::Turn => {}
            Next::Leave => return,
        }
    }
}

fn sleep(driver: &Driver, timeout: Option<Duration>) {
    let waker = &driver.shared().waker;
    let awake = driver.ports().iter().filter(|port| port.is_awake());
    let links = awake.filter_map(|port: &Port| port.link.poll_fd());
    let fds: Vec<BorrowedFd<'_>> = std::iter::once(waker.as_fd()).chain(links).collect();
    if device::wait(&fds, timeout).is_err() {
        std::thread::sleep(NAP);
    }
    // Before looking for what there is to do: who calls from here on is heard at the next sleep.
    waker.clear();
}
