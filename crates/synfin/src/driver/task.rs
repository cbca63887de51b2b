//! A task of tokio drives the stack, so that a program with one thread stays one.

use super::{Driver, Next};
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Drives a stack from here on, by a task of the current runtime.
///
/// # Errors
/// If there are no descriptors left.
///
/// # Panics
/// Outside a runtime of tokio, or in one without I/O and time.
pub(crate) fn start(driver: Driver) -> io::Result<()> {
    let call = Watched::new(driver.shared().waker.as_fd().try_clone_to_owned()?)?;
    let links = driver
        .ports()
        .iter()
        .map(|port| port.link.poll_fd().map(|fd| Watched::new(fd.try_clone_to_owned()?)).transpose());
    let links = links.collect::<io::Result<Vec<_>>>()?;
    tokio::spawn(run(driver, call, links));
    Ok(())
}

/// A descriptor that ends the sleep when it becomes readable.
///
/// A duplicate, because two links may have the same descriptor, and the runtime takes each once.
struct Watched {
    fd: AsyncFd<OwnedFd>,
    /// Its link is worth being woken by.
    is_awake: bool,
}

impl Watched {
    #[allow(
        deprecated,
        reason = "the new function is unsafe for types whose descriptor may be closed; this one owns it"
    )]
    fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Watched { fd: AsyncFd::with_interest(fd, Interest::READABLE)?, is_awake: true })
    }

    /// Whether it has become readable since this was ready last. The runtime tells of changes, so whatever made it
    /// readable has to be taken before the next sleep.
    fn poll_readable(&self, context: &mut Context<'_>) -> bool {
        match self.fd.poll_read_ready(context) {
            Poll::Ready(Ok(mut guard)) => {
                guard.clear_ready();
                true
            }
            // The runtime is being shut down: the task is dropped with it.
            Poll::Ready(Err(_)) | Poll::Pending => false,
        }
    }
}

/// Drives until it is time to leave.
async fn run(mut driver: Driver, call: Watched, mut links: Vec<Option<Watched>>) {
    loop {
        match driver.turn() {
            Next::Sleep(timeout) => {
                // One that rests is asked when its rest is over, whatever its descriptor says.
                for (port, link) in driver.ports().iter().zip(&mut links) {
                    link.iter_mut().for_each(|link| link.is_awake = port.is_awake());
                }
                let timeout = timeout.map(tokio::time::sleep);
                Sleep { call: &call, links: &links, timeout: pin!(timeout) }.await;
                // Before looking for what there is to do: who calls from here on is heard at the next sleep.
                driver.shared().waker.clear();
            }
            Next::Turn => tokio::task::yield_now().await,
            Next::Leave => return,
        }
    }
}

/// Ready when a descriptor has become readable, or the time is over.
struct Sleep<'a> {
    call: &'a Watched,
    links: &'a [Option<Watched>],
    timeout: Pin<&'a mut Option<tokio::time::Sleep>>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut is_over = self.call.poll_readable(context);
        for link in self.links.iter().flatten().filter(|link| link.is_awake) {
            is_over |= link.poll_readable(context);
        }
        is_over |= self.timeout.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(context).is_ready());
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }
}
