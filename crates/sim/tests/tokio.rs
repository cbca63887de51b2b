//! tokio programs on simulated hosts: their time, their sockets, and what is done to them.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use synfin_sim::tokio::net::{TcpListener, TcpStream, UdpSocket};
use synfin_sim::tokio::{self as sim, Builder, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, interval, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// The time of the world, on a host.
fn now() -> Duration {
    sim::sim_elapsed().unwrap()
}

/// Answers everything with itself, for ever.
async fn echo() -> sim::Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut reader, mut writer) = stream.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        });
    }
}

/// A list that programs write and the test reads.
type Notes<T> = Rc<RefCell<Vec<T>>>;

#[test]
fn sleeps_of_all_hosts_are_in_the_order_of_time() {
    let mut sim = Builder::new().simulation_duration(Duration::from_secs(3_600)).build();
    let notes = Notes::default();
    for (number, seconds) in [30u64, 10, 20].into_iter().enumerate() {
        let notes = Rc::clone(&notes);
        sim.client(format!("sleeper-{number}"), async move {
            for _ in 0..3 {
                sleep(Duration::from_secs(seconds)).await;
                notes.borrow_mut().push((now().as_millis(), number));
            }
            Ok(())
        });
    }
    sim.run().unwrap();
    let seconds: Vec<_> = notes.borrow().iter().map(|(at, number)| (at / 1_000, *number)).collect();
    assert_eq!(seconds, [(10, 1), (20, 1), (20, 2), (30, 0), (30, 1), (40, 2), (60, 0), (60, 2), (90, 0)]);
    assert!(notes.borrow().iter().all(|(at, _)| at % 1_000 == 0), "to the millisecond");
    assert_eq!(sim.elapsed(), Duration::from_secs(90));
}

#[test]
fn what_arrives_between_two_timers_is_heard_when_it_arrives() {
    // Faster than the grain of tokio's timers, and slower; next to a host with timers all the time.
    for latency in [Duration::ZERO, Duration::from_micros(137), 5 * MS, 77 * MS] {
        let mut builder = Builder::new();
        let mut sim = builder.min_message_latency(latency).max_message_latency(latency).build();
        sim.host("echo", || async {
            tokio::spawn(async {
                let mut ticks = interval(MS);
                loop {
                    ticks.tick().await;
                }
            });
            echo().await
        });
        sim.client("client", async move {
            let mut stream = TcpStream::connect("echo:7").await?;
            assert_eq!(now(), 2 * latency, "SYN and SYN-ACK");
            for round in 0..5 {
                sleep(MS / 2 * round).await;
                let before = (Instant::now(), now());
                stream.write_all(b"ping").await?;
                stream.read_exact(&mut [0; 4]).await?;
                assert_eq!(now() - before.1, 2 * latency, "round {round}");
                assert_eq!(before.0.elapsed(), 2 * latency, "by tokio's clock, too");
            }
            Ok(())
        });
        sim.run().unwrap();
    }
}

#[test]
fn the_second_request_is_answered_a_round_trip_sooner() {
    const LATENCY: Duration = Duration::from_millis(40);
    let mut builder = Builder::new();
    let mut sim = builder.min_message_latency(LATENCY).max_message_latency(LATENCY).build();
    sim.host("server", || async {
        let listener = TcpListener::bind("0.0.0.0:80").await?;
        listener.set_fastopen(16)?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut request = vec![0; 20_000];
                stream.read_exact(&mut request[..4]).await?;
                let rest = usize::from(request[0]) * 100;
                stream.read_exact(&mut request[..rest]).await?;
                stream.write_all(b"answer").await
            });
        }
    });
    sim.client("client", async move {
        // In latencies. Four bytes go with the SYN; of more than a segment the rest waits for its answer; of more than the
        // initial window something waits for the next. The first connection has no cookie.
        for (hundreds, expected) in [(0u8, [4, 2, 2]), (30, [4, 4, 4]), (170, [6, 6, 6])] {
            let mut request = vec![hundreds, 0, 0, 0];
            request.resize(4 + usize::from(hundreds) * 100, 7);
            let mut took = Vec::new();
            for _ in 0..3 {
                let before = now();
                let mut stream = TcpStream::connect_with("server:80", &request).await?;
                let mut answer = [0; 6];
                stream.read_exact(&mut answer).await?;
                assert_eq!(&answer, b"answer");
                took.push((now() - before).as_millis() / LATENCY.as_millis());
            }
            assert_eq!(took, expected, "{hundreds}");
        }
        Ok(())
    });
    sim.run().unwrap();
}

#[test]
fn who_sleeps_for_long_hears_at_the_right_time_of_all_clocks() {
    for latency in [Duration::ZERO, Duration::from_micros(137), MS, 30 * MS] {
        let mut builder = Builder::new();
        let mut sim = builder.min_message_latency(latency).max_message_latency(latency).build();
        // The first that is asked how long it sleeps, and the last.
        for name in ["first", "client", "last"] {
            let hear = async move {
                let socket = UdpSocket::bind("0.0.0.0:9").await?;
                let began = Instant::now();
                for _ in 0..20 {
                    // Longer than everything that reaches it.
                    let heard = timeout(Duration::from_secs(1), socket.recv(&mut [0; 9])).await;
                    heard.expect("somebody speaks")?;
                    assert_eq!(Some(began.elapsed()), sim::sim_elapsed(), "{latency:?}");
                }
                sim::Result::Ok(())
            };
            match name {
                "client" => sim.client(name, async move {
                    let socket = UdpSocket::bind("0.0.0.0:0").await?;
                    for round in 0..20u32 {
                        sleep(MS * (round % 4)).await;
                        for to in ["first:9", "last:9"] {
                            socket.send_to(b"wake up", to).await?;
                        }
                    }
                    sleep(Duration::from_millis(500)).await;
                    Ok(())
                }),
                _ => sim.client(name, hear),
            };
        }
        sim.run().unwrap();
    }
}

#[test]
fn an_hour_of_silence_costs_next_to_nothing() {
    let mut sim = Builder::new().simulation_duration(Duration::from_secs(7_200)).build();
    sim.host("echo", echo);
    sim.client("client", async {
        let mut stream = TcpStream::connect("echo:7").await?;
        sleep(Duration::from_secs(3_600)).await;
        stream.write_all(b"still there?").await?;
        stream.read_exact(&mut [0; 12]).await?;
        Ok(())
    });
    sim.run().unwrap();
    assert_eq!(sim.elapsed().as_secs(), 3_600);
}

fn run_client(sim: &mut Sim<'_>, program: impl Future<Output = sim::Result> + 'static) -> sim::Result {
    sim.client("client", program);
    sim.run()
}

#[test]
fn the_error_of_a_program_ends_the_run_and_so_does_the_time() {
    let mut sim = Builder::new().build();
    sim.host("broken", || async { Err("no disk".into()) });
    let error = run_client(&mut sim, std::future::pending()).unwrap_err();
    assert_eq!(error.to_string(), "no disk");

    let mut sim = Builder::new().build();
    let error = run_client(&mut sim, std::future::pending()).unwrap_err();
    assert_eq!(error.to_string(), "the time is up after 10s, and there is still running: client");
    assert_eq!(sim.elapsed().as_secs(), 10);
}

#[test]
#[should_panic(expected = "as the test wants it")]
fn the_panic_of_a_program_is_the_tests() {
    let mut sim = Builder::new().build();
    let _ = run_client(&mut sim, async { panic!("as the test wants it") });
}

#[test]
fn names_and_numbers_lead_to_hosts_and_nothing_else_does() {
    let mut sim = Builder::new().build();
    let id = sim.host("echo", echo);
    let address = sim.lookup("echo");
    assert_eq!(sim.world().addresses(id)[0], address);
    run_client(&mut sim, async move {
        assert_eq!(sim::lookup("echo"), address);
        assert_eq!(sim::reverse_lookup(address).as_deref(), Some("echo"));
        TcpStream::connect("echo:7").await?;
        TcpStream::connect((address, 7)).await?;
        TcpStream::connect("10.0.0.1:7").await?;
        let refused = TcpStream::connect("echo:8").await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        let unknown = TcpStream::connect("oracle:7").await.unwrap_err();
        assert_eq!(unknown.to_string(), "there is no host \"oracle\" in this world");
        Ok(())
    })
    .unwrap();
}

#[test]
fn outside_of_hosts_there_is_no_stack() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(TcpListener::bind("0.0.0.0:7")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(!sim::in_simulation());
}

#[test]
fn a_program_that_ends_closes_its_sockets_as_a_process_does() {
    let mut sim = Builder::new().build();
    sim.host("server", || async {
        let listener = TcpListener::bind("0.0.0.0:7").await?;
        let (mut stream, _) = listener.accept().await?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await?;
        assert_eq!(all, b"the last words");
        sim::say("heard");
        Ok(())
    });
    sim.client("client", async {
        let mut stream = TcpStream::connect("server:7").await?;
        // In a task that is dropped with the program.
        tokio::spawn(async move {
            stream.write_all(b"the last words").await.unwrap();
            std::future::pending::<()>().await;
        });
        sleep(MS).await;
        Ok(())
    });
    sim.world_mut().record(synfin_sim::Recording::EVERYTHING);
    sim.run().unwrap();
    sim.run_for(Duration::from_secs(1)).unwrap();
    let said =
        |what: &synfin_sim::Happening| matches!(what, synfin_sim::Happening::Said(text) if text == "heard");
    assert!(sim.world().log().iter().any(|entry| said(&entry.what)));
}

#[test]
fn a_crash_is_silent_and_a_bounce_starts_the_program_again() {
    let mut sim = Builder::new().simulation_duration(Duration::from_secs(100)).build();
    let starts = Notes::default();
    let count = Rc::clone(&starts);
    sim.host("echo", move || {
        count.borrow_mut().push(now());
        echo()
    });
    let heard = Notes::default();
    let notes = Rc::clone(&heard);
    sim.client("client", async move {
        let mut stream = TcpStream::connect("echo:7").await?;
        notes.borrow_mut().push("connected".to_owned());
        sleep(Duration::from_secs(2)).await;
        // The host is down: nobody answers, nobody refuses.
        stream.write_all(b"anybody?").await?;
        let answer = timeout(Duration::from_secs(2), stream.read(&mut [0; 8])).await;
        notes.borrow_mut().push(format!("{}", answer.is_err()));
        // It is back, and knows nothing of us.
        let answer = stream.read(&mut [0; 8]).await;
        notes.borrow_mut().push(format!("{:?}", answer.unwrap_err().kind()));
        TcpStream::connect("echo:7").await?;
        Ok(())
    });
    assert!(!sim.run_for(Duration::from_secs(1)).unwrap());
    sim.crash("echo");
    assert!(!sim.is_host_running("echo"));
    assert!(!sim.run_for(Duration::from_secs(4)).unwrap());
    assert!(sim.world().lost(synfin_sim::Lost::HostDown) > 0);
    sim.bounce("echo");
    sim.run().unwrap();
    assert_eq!(*heard.borrow(), ["connected", "true", "ConnectionReset"]);
    assert_eq!(starts.borrow().len(), 2);
}

#[test]
fn what_is_cut_is_sent_again_after_the_repair_and_what_is_held_arrives_at_the_release() {
    let mut sim = Builder::new().simulation_duration(Duration::from_secs(100)).build();
    sim.host("echo", echo);
    let outcome = run_client(&mut sim, async {
        let mut stream = TcpStream::connect("echo:7").await?;
        sim::hold("client", "echo");
        let began = Instant::now();
        stream.write_all(b"held").await?;
        assert!(timeout(50 * MS, stream.read_exact(&mut [0; 4])).await.is_err());
        sim::release("client", "echo");
        stream.read_exact(&mut [0; 4]).await?;
        assert_eq!(began.elapsed(), 60 * MS, "it stood at the door; the answer takes its time");
        sim::partition("client", sim::lookup("echo"));
        stream.write_all(b"lost").await?;
        assert!(timeout(Duration::from_secs(1), stream.read_exact(&mut [0; 4])).await.is_err());
        sim::repair("client", "echo");
        stream.read_exact(&mut [0; 4]).await?;
        assert!(began.elapsed() > Duration::from_millis(1_100), "after a retransmission");
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn datagrams_find_their_way_by_name() {
    let mut sim = Builder::new().build();
    sim.host("server", || async {
        let socket = UdpSocket::bind("0.0.0.0:53").await?;
        let mut buffer = [0; 100];
        loop {
            let (count, from) = socket.recv_from(&mut buffer).await?;
            socket.send_to(&buffer[..count], from).await?;
        }
    });
    run_client(&mut sim, async {
        let socket = UdpSocket::bind("0.0.0.0:0").await?;
        socket.connect("server:53").await?;
        socket.send(b"who?").await?;
        let mut buffer = [0; 100];
        assert_eq!(socket.recv(&mut buffer).await?, 4);
        assert_eq!(now(), 20 * MS);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_thread_of_the_pool_takes_real_time_and_no_other() {
    let mut sim = Builder::new().build();
    sim.host("echo", echo);
    run_client(&mut sim, async {
        let began = Instant::now();
        let answer = tokio::task::spawn_blocking(|| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect("echo:7")
        });
        // Its future would be polled here; made there, it has no stack yet, and finds this one.
        answer.await?.await?;
        assert_eq!(began.elapsed(), 20 * MS, "a handshake; before it virtual time stood still");
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_a_task_says_is_heard_when_it_says_it() {
    let mut sim = Builder::new().build();
    let (wake, woken) = tokio::sync::oneshot::channel();
    sim.client("idler", async move {
        woken.await?;
        // Nothing of the network: no other reason to look after this host.
        sim::say("woken");
        std::future::pending().await
    });
    sim.world_mut().record(synfin_sim::Recording::EVERYTHING);
    sim.run_for(50 * MS).unwrap();
    wake.send(()).unwrap();
    sim.run_for(Duration::from_secs(1)).unwrap();
    let log = sim.world().log();
    let said =
        |what: &synfin_sim::Happening| matches!(what, synfin_sim::Happening::Said(text) if text == "woken");
    let at = log.iter().find(|entry| said(&entry.what)).expect("it is in the log").at;
    assert_eq!(at, tcp::Instant::from_millis(50));
}

#[test]
fn sockets_outlive_their_program_and_their_world() {
    let kept = Rc::new(RefCell::new(None));
    let mut sim = Builder::new().build();
    sim.host("echo", echo);
    let keep = Rc::clone(&kept);
    run_client(&mut sim, async move {
        *keep.borrow_mut() = Some(TcpStream::connect("echo:7").await?);
        Ok(())
    })
    .unwrap();
    sim.crash("client");
    let stream = kept.take().unwrap();
    assert!(stream.try_write(b"from beyond").is_err(), "its host is another one now");
    drop(sim);
    drop(stream);
}

/// A client that asks two servers and takes the first answer.
fn ask_both(seed: u64, jitter: Duration, first: &'static str) -> Sim<'static> {
    let mut builder = Builder::new();
    builder.rng_seed(seed).loss_percent(5.0).min_message_latency(MS).max_message_latency(MS + jitter);
    let mut sim = builder.build();
    for name in ["left", "right"] {
        sim.host(name, echo);
    }
    sim.client("client", async move {
        for _ in 0..20 {
            let mut stream = TcpStream::connect((first, 7)).await?;
            stream.write_all(&[7; 3_000]).await?;
            stream.read_exact(&mut [0; 3_000]).await?;
            sim::say("answered");
        }
        Ok(())
    });
    sim
}

#[test]
fn a_seed_gives_the_same_bytes_at_the_same_times() {
    let trail = sim::replay(|| ask_both(7, 10 * MS, "left")).unwrap();
    assert!(trail.steps().len() > 200);
    let other = sim::replay(|| ask_both(8, 10 * MS, "left")).unwrap();
    assert_eq!(trail.first_difference(&other).unwrap().number, 0, "another seed, other numbers");
}

#[test]
fn chance_that_a_program_brings_in_is_found_where_it_first_shows() {
    let runs = std::cell::Cell::new(0);
    let error = sim::replay(|| {
        runs.set(runs.get() + 1);
        ask_both(7, MS, if runs.get() == 1 { "left" } else { "right" })
    });
    let told = error.unwrap_err().to_string();
    let [parted, one, other] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    assert_eq!(parted, "the runs part after 0 equal events");
    assert!(one.contains("client sends 60 bytes to left: SYN seq"), "{told}");
    assert!(other.contains("client sends 60 bytes to right: SYN seq"), "{told}");
}

#[test]
fn the_capture_of_a_run_is_one_that_the_lens_reads() {
    let mut sim = ask_both(3, MS, "left");
    sim.world_mut().record(synfin_sim::Recording::FRAMES);
    sim.run().unwrap();
    let mut file = Vec::new();
    sim.write_pcap("client", &mut file).unwrap();
    let (mut reader, mut decoder) = (capture::Reader::new(&file[..]).unwrap(), capture::Decoder::new());
    let (mut lens, mut kept) = (lens::Lens::new(lens::Config::default()), lens::Kept::default());
    while let Some(record) = reader.next() {
        let record = record.unwrap();
        let decoded = decoder.decode(&record).unwrap();
        lens.take(&lens::Segment::of_packet(&record, &decoded).unwrap(), &mut kept);
    }
    lens.finish(&mut kept);
    assert_eq!(kept.connections.len(), 20);
}

#[test]
fn several_hosts_are_meant_by_a_question_about_their_names() {
    let mut sim = Builder::new().simulation_duration(Duration::from_secs(100)).build();
    for name in ["db-1", "db-2", "cache"] {
        sim.host(name, echo);
    }
    let is_db = |name: &str| name.starts_with("db-");
    assert_eq!(sim.lookup_many(is_db), [sim.lookup("db-1"), sim.lookup("db-2")]);
    assert_eq!(sim.reverse_lookup(sim.lookup("db-2")).as_deref(), Some("db-2"));
    run_client(&mut sim, async move {
        assert_eq!(sim::lookup_many(is_db), [sim::lookup("db-1"), sim::lookup("db-2")]);
        sim::partition("client", is_db);
        // Nobody is parted from himself.
        sim::partition(is_db, is_db);
        for (name, is_reached) in [("db-1:7", false), ("cache:7", true), ("db-2:7", false)] {
            let connected = timeout(50 * MS, TcpStream::connect(name)).await;
            assert_eq!(connected.is_ok(), is_reached, "{name}");
        }
        sim::repair(is_db, "client");
        TcpStream::connect("db-1:7").await?;
        Ok(())
    })
    .unwrap();
    sim.crash(is_db);
    assert!(!sim.is_host_running("db-1") && !sim.is_host_running("db-2") && sim.is_host_running("cache"));
    sim.bounce(is_db);
    assert!(sim.is_host_running("db-1") && sim.is_host_running("db-2"));
}

#[test]
fn programs_know_what_time_it_is_in_the_world() {
    let epoch = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let mut sim = Builder::new().epoch(epoch).build();
    assert_eq!((sim::since_epoch(), sim::sim_elapsed()), (None, None), "outside of hosts");
    run_client(&mut sim, async {
        assert_eq!(sim::since_epoch(), Some(Duration::from_secs(1_000_000)));
        sleep(Duration::from_secs(5)).await;
        assert_eq!(sim::since_epoch(), Some(Duration::from_secs(1_000_005)));
        Ok(())
    })
    .unwrap();
    assert_eq!(sim.since_epoch(), Duration::from_secs(1_000_005));
}

#[test]
fn hosts_have_addresses_of_the_version_asked_for_or_the_one_that_is_their_name() {
    for (version, is_ipv4) in [(sim::IpVersion::V4, true), (sim::IpVersion::V6, false)] {
        let mut sim = Builder::new().ip_version(version).build();
        let id = sim.host("echo", echo);
        assert_eq!(sim.world().addresses(id).iter().map(|ip| ip.is_ipv4()).collect::<Vec<_>>(), [is_ipv4]);
        sim.host("192.168.7.7", echo);
        sim.client("192.168.7.8", async {
            TcpStream::connect("192.168.7.7:7").await?;
            Ok(())
        });
        sim.run().unwrap();
    }
}

#[test]
fn links_are_changed_by_the_names_of_hosts() {
    let round_trip = async || {
        let began = Instant::now();
        TcpStream::connect("echo:7").await.unwrap();
        began.elapsed()
    };
    let mut sim = Builder::new().build();
    sim.host("echo", echo);
    sim.client("client", async move {
        assert_eq!(round_trip().await, 20 * MS);
        sleep(100 * MS).await;
        assert_eq!(round_trip().await, 50 * MS);
        sleep(100 * MS).await;
        assert_eq!(round_trip().await, 6 * MS);
        sleep(100 * MS).await;
        assert_eq!(round_trip().await, 2 * MS);
        sleep(100 * MS).await;
        assert!(timeout(Duration::from_secs(1), TcpStream::connect("echo:7")).await.is_err());
        let stream = TcpStream::connect("client:7").await;
        assert_eq!(stream.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused, "to itself as ever");
        Ok(())
    });
    assert!(!sim.run_for(50 * MS).unwrap());
    sim.set_link_latency("client", "echo", 25 * MS);
    assert!(!sim.run_for(150 * MS).unwrap());
    sim.set_max_message_latency(3 * MS);
    assert!(!sim.run_for(100 * MS).unwrap());
    sim.set_link_max_message_latency("echo", "client", MS);
    assert!(!sim.run_for(80 * MS).unwrap());
    sim.set_link_fail_rate("client", "echo", 1.0);
    sim.change_link("client", "echo", |link| assert_ne!(link.forward.loss, synfin_sim::Loss::Nothing));
    assert!(sim.run_for(Duration::from_secs(3)).unwrap());
}

#[test]
fn a_way_that_fails_loses_everything_until_it_is_repaired() {
    let answers = |fail_rate: f64, repair_rate: f64| {
        let mut builder = Builder::new();
        builder.fail_rate(fail_rate).repair_rate(repair_rate).simulation_duration(Duration::from_secs(1_000));
        let mut sim = builder.build();
        sim.host("server", || async {
            let socket = UdpSocket::bind("0.0.0.0:53").await?;
            loop {
                let (count, from) = socket.recv_from(&mut [0; 10]).await?;
                socket.send_to(&[0; 10][..count], from).await?;
            }
        });
        let answers = Rc::new(RefCell::new(0));
        let count = Rc::clone(&answers);
        run_client(&mut sim, async move {
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            for _ in 0..1_000 {
                socket.send_to(b"?", "server:53").await?;
                *count.borrow_mut() += u32::from(timeout(50 * MS, socket.recv(&mut [0; 10])).await.is_ok());
            }
            Ok(())
        })
        .unwrap();
        answers.take()
    };
    assert_eq!(answers(0.0, 0.5), 1_000);
    assert!(answers(0.01, 0.0) < 900, "it fails once, and for ever");
    // Each way is bad for one frame in eleven: 0.1 to bad, 1 back.
    let repaired_at_once = answers(0.1, 1.0);
    assert!((770..880).contains(&repaired_at_once), "{repaired_at_once}");
    let repaired_late = answers(0.1, 0.1);
    assert!((180..320).contains(&repaired_late), "both ways are good half of the time: {repaired_late}");
}

#[test]
fn what_makes_programs_may_borrow_and_is_called_on_the_host() {
    let greeting = String::from("hello");
    let mut sim = Builder::new().build();
    sim.host("server", || {
        assert_eq!(sim::reverse_lookup(sim::lookup("server")).as_deref(), Some("server"));
        let text = greeting.clone();
        // On the runtime of the host already.
        let task = tokio::task::spawn_local(async move { text.len() });
        async move { Err(format!("{} bytes", task.await?).into()) }
    });
    let error = run_client(&mut sim, std::future::pending()).unwrap_err();
    assert_eq!(error.to_string(), "5 bytes");
}

#[test]
fn a_run_without_clients_is_over_and_steps_have_an_end() {
    let mut sim = Builder::new().build();
    sim.host("echo", echo);
    sim.run().unwrap();
    assert_eq!(sim.elapsed(), Duration::ZERO);
    assert!(sim.step().unwrap(), "nobody is waited for");
    assert_eq!(sim.elapsed(), MS);
    sim.client("client", std::future::pending());
    let steps = std::iter::from_fn(|| sim.step().is_ok().then_some(())).take(20_000).count();
    assert_eq!(steps, 9_999, "up to ten seconds");
}

#[test]
fn sockets_that_ask_for_no_port_get_one_of_the_range() {
    let mut sim = Builder::new().ephemeral_ports(50_000..=50_000).build();
    run_client(&mut sim, async {
        assert_eq!(UdpSocket::bind("0.0.0.0:0").await?.local_addr()?.port(), 50_000);
        Ok(())
    })
    .unwrap();
}
