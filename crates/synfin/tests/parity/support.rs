//! What the behaviours are judged with: a runtime with a guard, wakers that count, futures polled by hand.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Far beyond what anything here takes: a behaviour that is not there by then has hung.
const LONG: Duration = Duration::from_secs(20);
/// Long enough for what happens at once to have happened, even on a busy machine that gets it wrong once in a while.
pub(crate) const SHORT: Duration = Duration::from_millis(5);

/// Runs each behaviour at all places of its side, in a runtime of its own, and lists them in `BEHAVIOURS`.
macro_rules! behaviours {
    ($($(#[$attribute:meta])* async fn $name:ident($net:ident) $body:block)*) => {
        /// The names of what is judged here.
        pub(crate) const BEHAVIOURS: &[&str] = &[$(stringify!($name)),*];

        $(
            $(#[$attribute])*
            #[test]
            fn $name() {
                fn behaviour($net: &Net) -> crate::support::Behaviour<'_> {
                    Box::pin(async move $body)
                }
                for (what, make) in Net::places() {
                    crate::support::run(what, make, behaviour);
                }
            }
        )*
    };
}

/// Boxed, so that the compiler makes one runtime of them all.
pub(crate) type Behaviour<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A place where sockets are made, and its name.
pub(crate) type Place<N> = (&'static str, fn() -> N);

/// Drives a behaviour to its end, on this thread. It is taken out of tokio's budget, so that what a poll by hand
/// says depends on the socket alone.
pub(crate) fn run<N>(what: &str, make: fn() -> N, behaviour: fn(&N) -> Behaviour<'_>) {
    println!("over {what}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = {
        let _in_runtime = runtime.enter();
        make()
    };
    let judged = async { tokio::time::timeout(LONG, tokio::task::unconstrained(behaviour(&place))).await };
    runtime.block_on(judged).expect("the behaviour has hung");
    runtime.shutdown_background();
}

/// A waker that counts how often it was woken.
#[derive(Clone)]
pub(crate) struct Counter {
    count: Arc<Count>,
    waker: Waker,
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counter {
    pub(crate) fn new() -> Counter {
        let count = Arc::new(Count(AtomicUsize::new(0)));
        Counter { waker: Waker::from(Arc::clone(&count)), count }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }

    /// Polls once, with this waker.
    pub(crate) fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut self.context())
    }

    /// Waits until it was woken at least once.
    pub(crate) async fn woken(&self) {
        eventually("the waker is woken", || self.count() > 0).await;
    }
}

/// Waits until a condition holds, and lets the runtime look at its sockets in between.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let start = Instant::now();
    async move {
        while !condition() {
            assert!(start.elapsed() < LONG / 2, "did not happen within 10 s: {what}");
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    }
}

/// Gives what has already been sent the time to arrive, and the runtime the time to see it.
pub(crate) async fn settle() {
    tokio::time::sleep(SHORT).await;
}

/// Whether one poll leaves the future pending.
pub(crate) fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    Counter::new().poll(future).is_pending()
}

/// The kind of the error that something must have ended in.
#[track_caller]
pub(crate) fn kind_of<T>(outcome: io::Result<T>) -> ErrorKind {
    outcome.err().expect("an error").kind()
}
