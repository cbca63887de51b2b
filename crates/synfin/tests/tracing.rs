//! What a subscriber of the crate `tracing` hears of connections, and that nothing is done for one that hears nothing.
//!
//! Stacks that a task drives tell the subscriber of their thread, so these tests do not hear each other. The one with
//! threads has the subscriber of the whole program.

#![allow(clippy::unwrap_used)]

mod common;

use common::eventually;
use std::fmt::{Debug, Write as _};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use synfin::device::{Chance, Impaired, Lane, Loss, memory};
use synfin::tcp::{self, State, Tracing};
use synfin::tokio::{TcpListener, TcpStream};
use synfin::wire::LinkCapabilities;
use synfin::{Builder, Link, Stack, net};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Fields as text: ` name=value`; the message first, without its name.
#[derive(Clone, Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

/// What a subscriber heard.
#[derive(Clone, Debug)]
enum Heard {
    Began(String),
    Event { level: Level, span: Option<String>, text: String },
    Ended(String),
}

/// A subscriber that remembers, and does something at each event.
#[derive(Clone)]
struct Memory {
    heard: Arc<Mutex<Vec<Heard>>>,
    at_event: fn(),
}

impl Memory {
    fn new(at_event: fn()) -> Memory {
        Memory { heard: Arc::default(), at_event }
    }

    fn all(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// The spans of connections, in the order in which they began.
    fn connections(&self) -> Vec<String> {
        let began = |heard| match heard {
            Heard::Began(span) if span.starts_with("connection ") => Some(span),
            _ => None,
        };
        self.all().into_iter().filter_map(began).collect()
    }

    /// The events in this span.
    fn events(&self, within: &str) -> Vec<(Level, String)> {
        let event = |heard| match heard {
            Heard::Event { level, span, text } if span.as_deref() == Some(within) => Some((level, text)),
            _ => None,
        };
        self.all().into_iter().filter_map(event).collect()
    }

    fn has_ended(&self, span: &str) -> bool {
        self.all().iter().any(|heard| matches!(heard, Heard::Ended(ended) if ended == span))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Memory {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let span = context.span(id).unwrap();
        assert!(span.parent().is_none(), "a connection is nobody's child");
        fields.0.insert_str(0, span.name());
        self.heard.lock().unwrap().push(Heard::Began(fields.0.clone()));
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        assert_eq!(event.metadata().target(), "synfin");
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = context.event_span(event);
        let span = span.map(|span| span.extensions().get::<Fields>().unwrap().0.clone());
        let level = *event.metadata().level();
        self.heard.lock().unwrap().push(Heard::Event { level, span, text: fields.0 });
        (self.at_event)();
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let fields = context.span(&id).unwrap().extensions().get::<Fields>().unwrap().clone();
        self.heard.lock().unwrap().push(Heard::Ended(fields.0));
    }
}

/// A test in a runtime of its own, with a subscriber for this level.
fn hearing<F: Future>(level: LevelFilter, test: impl FnOnce(Memory) -> F) -> F::Output {
    let memory = Memory::new(|| {});
    let subscriber = tracing_subscriber::registry().with(level).with(memory.clone());
    let _here = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(memory))
}

/// The client's side, and the server's.
fn builders(client: impl Link + 'static, server: impl Link + 'static) -> (Builder, Builder) {
    (
        Stack::builder().link(client).address("10.90.0.1/24"),
        Stack::builder().link(server).address("10.90.0.2/24"),
    )
}

fn stacks() -> (Stack, Stack) {
    let (left, right) = memory::pair(LinkCapabilities::default());
    let (client, server) = builders(left, right);
    (client.start_task().unwrap(), server.start_task().unwrap())
}

/// Connects to the server, sends this much, and closes, the client first.
async fn transfer(client: &Stack, server: &Stack, len_bytes: usize) {
    let listener = TcpListener::bind(server, "10.90.0.2:80").await.unwrap();
    let mut stream = TcpStream::connect(client, "10.90.0.2:80").await.unwrap();
    let (mut accepted, _) = listener.accept().await.unwrap();
    let sending = async {
        stream.write_all(&vec![7; len_bytes]).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    };
    let receiving = async {
        let mut received = Vec::new();
        accepted.read_to_end(&mut received).await.unwrap();
        accepted.shutdown().await.unwrap();
        received.len()
    };
    let ((), received_bytes) = tokio::join!(sending, receiving);
    assert_eq!(received_bytes, len_bytes);
}

/// Lets the drivers run until something holds.
async fn becomes(what: &str, holds: impl Fn() -> bool) {
    let soon = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), soon).await.expect(what);
}

#[test]
fn both_ends_have_a_span_and_say_how_their_state_changes() {
    hearing(LevelFilter::DEBUG, async |memory| {
        let (client, server) = stacks();
        transfer(&client, &server, 100).await;
        let spans = memory.connections();
        becomes("both spans end", || spans.iter().all(|span| memory.has_ended(span))).await;
        let [ours, theirs] = &spans[..] else { panic!("two ends, two spans: {spans:?}") };
        let is_of = |span: &str, role| span.ends_with(&format!(" role={role:?}"));
        assert!(ours.starts_with("connection local=10.90.0.1:") && is_of(ours, "client"), "{ours}");
        assert!(ours.contains(" peer=10.90.0.2:80 "), "{ours}");
        assert!(theirs.starts_with("connection local=10.90.0.2:80 ") && is_of(theirs, "server"), "{theirs}");
        assert!(theirs.contains(" peer=10.90.0.1:"), "{theirs}");

        let of_client = memory.events(ours);
        let changes: Vec<&str> = of_client
            .iter()
            .filter(|(level, text)| *level == Level::DEBUG && text.contains(" -> "))
            .map(|(_, text)| text.split(" at_us=").next().unwrap())
            .collect();
        let expected = [
            "CLOSED -> SYN-SENT",
            "SYN-SENT -> ESTABLISHED",
            "ESTABLISHED -> FIN-WAIT-1",
            "FIN-WAIT-1 -> FIN-WAIT-2",
            "FIN-WAIT-2 -> TIME-WAIT",
        ];
        assert_eq!(changes, expected);
        for events in [&of_client, &memory.events(theirs)] {
            let informed: Vec<&str> = events
                .iter()
                .filter(|(level, _)| *level == Level::INFO)
                .map(|(_, text)| text.as_str())
                .collect();
            assert!(informed[0] == "opened" && informed[1].starts_with("closed by="), "{informed:?}");
            assert!(informed.len() == 2 && events.iter().all(|(level, _)| *level <= Level::DEBUG));
        }
        assert!(memory.events(ours).last().unwrap().1.contains(" bytes_sent=100 "), "{of_client:?}");
    });
}

#[test]
fn a_retransmission_says_why_it_is_sent() {
    hearing(LevelFilter::TRACE, async |memory| {
        let (left, right) = memory::pair(LinkCapabilities::default());
        let lossy = Lane { loss: Loss::Random(Chance::percent(10.0)), ..Lane::default() };
        let (client, server) = builders(Impaired::new(left, lossy, Lane::default(), 1), right);
        let (client, server) = (client.start_task().unwrap(), server.start_task().unwrap());
        transfer(&client, &server, 300_000).await;
        let spans = memory.connections();
        let ours = spans.iter().find(|span| span.contains("client")).unwrap();
        becomes("the client says that it is over", || {
            memory.events(ours).iter().any(|(_, text)| text.starts_with("closed"))
        })
        .await;
        let events = memory.events(ours);
        let again = events.iter().filter(|(_, text)| text.starts_with("sent: retransmission: ")).count();
        let closed = events.iter().rfind(|(_, text)| text.starts_with("closed")).unwrap();
        assert!(again > 0, "{events:#?}");
        assert!(!closed.1.contains(" failure=") && !closed.1.contains(" retransmissions=0"), "{closed:?}");
        let says = |wanted: Level, beginning: &str, field: &str| {
            let found = |(level, text): &(Level, String)| {
                *level == wanted && text.starts_with(beginning) && text.contains(field)
            };
            assert!(events.iter().any(found), "{wanted} {beginning} {field}: {events:#?}");
        };
        says(Level::TRACE, "sent: new data", " len_bytes=");
        says(Level::TRACE, "sent: retransmission: ", " why=\"");
        says(Level::DEBUG, "deemed lost", " sign=\"");
        says(Level::DEBUG, "recovery phase", " phase=\"");
        says(Level::TRACE, "taken", " flags=");
        says(Level::TRACE, "timer armed", " timer=\"retransmit\"");
        says(Level::TRACE, "round trip measured", " srtt_us=");
        says(Level::TRACE, "congestion window", " cwnd_bytes=");
    });
}

#[test]
fn a_segment_for_nobody_is_refused_outside_of_any_connection() {
    hearing(LevelFilter::DEBUG, async |memory| {
        let (client, _server) = stacks();
        TcpStream::connect(&client, "10.90.0.2:9").await.unwrap_err();
        let refused = || {
            memory.all().into_iter().find_map(|heard| match heard {
                Heard::Event { level: Level::DEBUG, span, text } if text.starts_with("refused: no such") => {
                    span
                }
                _ => None,
            })
        };
        becomes("the server says that it refused", || refused().is_some()).await;
        assert!(refused().unwrap().starts_with("flow local=10.90.0.2:9 peer=10.90.0.1:"));
        let spans = memory.connections();
        assert!(spans.len() == 1 && memory.has_ended(&spans[0]), "only the client's was one: {spans:?}");
    });
}

#[test]
fn who_hears_no_traces_costs_none() {
    for (level, events) in [(LevelFilter::OFF, 0), (LevelFilter::WARN, 0), (LevelFilter::INFO, 4)] {
        hearing(level, async |memory| {
            let (client, server) = stacks();
            transfer(&client, &server, 100).await;
            let heard = || memory.all().iter().filter(|heard| matches!(heard, Heard::Event { .. })).count();
            becomes("what is wanted is told", || heard() == events).await;
            let spans = memory.connections();
            assert!(
                spans.len() == events / 2 && spans.iter().all(|span| memory.has_ended(span)),
                "{spans:?}"
            );
            for stack in [&client, &server] {
                stack.set_tracing(Tracing::On);
            }
            transfer(&client, &server, 100).await;
            for stack in [&client, &server] {
                let first = stack.take_traces()[0].number;
                assert_eq!(first, 0, "at {level} the host had made traces that nobody reads");
            }
        });
    }
}

#[test]
fn a_subscriber_changes_nothing_for_the_program() {
    hearing(LevelFilter::TRACE, async |memory| {
        let (client, server) = stacks();
        transfer(&client, &server, 100).await;
        becomes("what is left is small, as without a subscriber", || {
            (client.usage().connections, client.usage().time_waits) == (0, 1)
        })
        .await;
        assert_eq!(client.take_traces(), [], "the program asked for none");
        client.set_tracing(Tracing::On);
        transfer(&client, &server, 100).await;
        let spans = memory.connections();
        becomes("the subscriber hears of all", || spans.iter().all(|span| memory.has_ended(span))).await;
        client.set_tracing(Tracing::Off);
        let numbers: Vec<u64> = client.take_traces().iter().map(|record| record.number).collect();
        assert!(!numbers.is_empty() && numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
        transfer(&client, &server, 100).await;
        assert_eq!(client.take_traces(), [], "the program wants no more");
    });
}

#[test]
fn what_comes_after_the_end_begins_no_second_span() {
    hearing(LevelFilter::DEBUG, async |memory| {
        let (left, right) = memory::pair(LinkCapabilities::default());
        let (client, server) = builders(left, right);
        let short = tcp::Config { time_wait: Duration::from_millis(20), ..tcp::Config::default() };
        let (client, server) = (client.tcp(short).start_task().unwrap(), server.start_task().unwrap());
        // The program's tracing follows a connection through TIME-WAIT.
        client.set_tracing(Tracing::On);
        transfer(&client, &server, 100).await;
        let last = || {
            memory.all().into_iter().find_map(|heard| match heard {
                Heard::Event { span, text, .. } if text.starts_with("TIME-WAIT -> CLOSED") => span,
                _ => None,
            })
        };
        becomes("TIME-WAIT is over", || last().is_some()).await;
        assert!(last().unwrap().starts_with("flow local=10.90.0.1:"), "{last:?}", last = last());
        let spans = memory.connections();
        assert!(spans.len() == 2 && spans.iter().all(|span| memory.has_ended(span)), "{spans:?}");
    });
}

/// What the subscriber of the whole program does at each event, when it is set.
static AT_EVENT: Mutex<Option<(Stack, net::TcpStream)>> = Mutex::new(None);

#[test]
fn a_subscriber_may_use_the_stack_that_tells_it() {
    // Each event of the driver's thread becomes a byte on a connection of the same stack, and a look at it.
    let memory = Memory::new(|| {
        if let Some((stack, log)) = &mut *AT_EVENT.lock().unwrap() {
            assert!(stack.connections().iter().any(|listed| listed.info.state == State::Established));
            log.write_all(b".").unwrap();
        }
    });
    let subscriber = tracing_subscriber::registry().with(LevelFilter::DEBUG).with(memory.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let (left, right) = memory::pair(LinkCapabilities::default());
    let (client, server) = builders(left, right);
    let (client, server) = (client.start().unwrap(), server.start().unwrap());
    let listener = net::TcpListener::bind(&server, "10.90.0.2:80").unwrap();
    let log = net::TcpStream::connect(&client, "10.90.0.2:80").unwrap();
    let (mut reader, _) = listener.accept().unwrap();
    *AT_EVENT.lock().unwrap() = Some((client.clone(), log));
    let stream = net::TcpStream::connect(&client, "10.90.0.2:80").unwrap();
    drop((listener.accept().unwrap(), stream));
    let is_closed = |(_, text): &(Level, String)| text.starts_with("closed by=");
    eventually("the client hears of the end", || {
        memory.connections().iter().any(|span| memory.events(span).iter().any(is_closed))
    });
    let log = AT_EVENT.lock().unwrap().take();
    drop(log);
    let mut told = String::new();
    reader.read_to_string(&mut told).unwrap();
    assert!(told.len() > 5 && told.bytes().all(|byte| byte == b'.'), "{told}");
}
