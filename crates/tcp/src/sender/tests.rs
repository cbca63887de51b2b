//! What holds for every sender, whatever the network does: two connections, a wire with faults, a virtual clock.

use super::*;
use crate::{Birth, CongestionControl, Connection, MtuProbing, Path, Segment, SendReason, Transmit};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

/// What the wire does with the next segment of the sender under test, or with the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Deliver,
    Lose,
    Double,
    LateMillis(u64),
}

struct World {
    now: Instant,
    delay: Duration,
    sender: Connection,
    receiver: Connection,
    /// When it arrives, and whether at the sender.
    wire: Vec<(Instant, bool, Segment)>,
    fates: Vec<Fate>,
    /// Faults for the answers, too.
    hits_answers: bool,
    last_fault: Instant,
    /// When SND.UNA last moved.
    progress: Instant,
    received_bytes: usize,
}

fn birth(iss: u32) -> Birth {
    Birth { iss: Seq::new(iss), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } }
}

/// Not known to be delivered or lost.
fn pipe(connection: &Connection) -> u32 {
    connection.sender.load.as_ref().map_or(0, |load| load.in_flight_bytes())
}

fn lost(connection: &Connection) -> u32 {
    connection.sender.load.as_ref().map_or(0, |load| load.flight.lost_bytes())
}

impl World {
    /// Both ends ESTABLISHED; the faults begin now.
    fn new(config: Config, delay: Duration, fates: Vec<Fate>, hits_answers: bool) -> Self {
        let now = Instant::from_millis(1_000);
        let config = Arc::new(config);
        let mut world = World {
            now,
            delay,
            sender: Connection::connect(now, birth(u32::MAX - 20_000), config.clone()),
            receiver: Connection::listen(now, birth(77), config),
            wire: Vec::new(),
            fates: Vec::new(),
            hits_answers,
            last_fault: now,
            progress: now,
            received_bytes: 0,
        };
        while world.receiver.state() != crate::State::Established {
            world.step().expect("a handshake without faults");
        }
        world.fates = fates;
        world
    }

    fn put(&mut self, to_sender: bool, transmit: Transmit) {
        let fate = match to_sender {
            true if !self.hits_answers => Fate::Deliver,
            _ => self.fates.pop().unwrap_or(Fate::Deliver),
        };
        if fate != Fate::Deliver {
            self.last_fault = self.now;
        }
        let due = self.now + self.delay;
        let segment = Segment::from(transmit);
        match fate {
            Fate::Lose => {}
            Fate::Deliver => self.wire.push((due, to_sender, segment)),
            Fate::Double => self.wire.extend([(due, to_sender, segment.clone()), (due, to_sender, segment)]),
            Fate::LateMillis(by) => self.wire.push((due + Duration::from_millis(by), to_sender, segment)),
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        for _ in 0..100_000 {
            let (pipe_before, lost_before, window) =
                (pipe(&self.sender), lost(&self.sender), self.sender.sender.window_bytes());
            let Some(transmit) = self.sender.poll_transmit(self.now, 0) else { break };
            let (bytes, mss) = (transmit.payload.len() as u32, self.sender.mss());
            let is_probe = matches!(
                transmit.why,
                SendReason::TailLossProbe | SendReason::TailProbeWithNewData | SendReason::ZeroWindowProbe
            );
            if bytes > 0 && !is_probe && pipe_before + bytes > window.max(mss) + mss {
                return Err(format!("{:?}: {pipe_before} + {bytes} in a window of {window}", transmit.why));
            }
            if transmit.why.is_retransmission() && !is_probe {
                let gone = lost_before - lost(&self.sender);
                if gone != bytes {
                    return Err(format!("{:?}: {bytes} sent again, {gone} were lost", transmit.why));
                }
            }
            self.put(false, transmit);
        }
        while let Some(transmit) = self.receiver.poll_transmit(self.now, 0) {
            self.put(true, transmit);
        }
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = self.receiver.read(&mut buffer) {
            self.received_bytes += count;
        }
        self.check()
    }

    /// How long a controller that has a rate of its own waits after the smallest burst: where most was lost the rate that
    /// it has measured is low.
    fn burst_of_own_rate(&self) -> Duration {
        let congestion = &self.sender.sender.congestion;
        let rate = congestion.pacing_rate().map_or(u64::MAX, |rate| rate.max(1));
        Duration::from_nanos(u64::from(2 * self.sender.mss()) * 1_000_000_000 / rate)
    }

    fn check(&self) -> Result<(), String> {
        let sender = &self.sender;
        if sender.sender.una == sender.sender.nxt {
            return Ok(());
        }
        let timers = [Timer::Retransmit, Timer::Reorder, Timer::Probe, Timer::Persist];
        let due: Vec<Instant> = timers.into_iter().filter_map(|timer| sender.timers.due(timer)).collect();
        let [due] = due[..] else { return Err(format!("in flight, and the timers are {due:?}")) };
        let rto = Duration::from_micros(sender.sender.rtt.rto_us().into());
        if due > self.now + rto {
            return Err(format!("{due:?} is later than the timeout from {:?} on", self.now));
        }
        // A path that was longer when the timer was set may be as short as it likes now.
        let patience = Duration::from_millis(200)
            + 3 * Duration::from_micros(sender.sender.rtt.srtt_us().unwrap_or(0).into())
            + self.burst_of_own_rate();
        if let Some(at) = sender.timers.due(Timer::Pace)
            && at > self.now + patience
        {
            return Err(format!("the pacer holds back until {at:?} from {:?} on", self.now));
        }
        let since = self.progress.max(self.last_fault);
        let patience = 2 * rto + 2 * self.delay + Duration::from_millis(50) + self.burst_of_own_rate();
        if self.now > since + patience {
            return Err(format!("no progress since {since:?}, it is {:?}", self.now));
        }
        Ok(())
    }

    /// The next arrival or timer. Returns whether there was one.
    fn step(&mut self) -> Result<bool, String> {
        self.flush()?;
        let arrival = self.wire.iter().enumerate().min_by_key(|(_, (due, ..))| *due);
        let arrival = arrival.map(|(index, (due, ..))| (*due, index));
        let timer = [self.sender.poll_timeout(), self.receiver.poll_timeout()].into_iter().flatten().min();
        match (arrival, timer) {
            (Some((due, index)), _) if timer.is_none_or(|timer| due <= timer) => {
                let (_, to_sender, segment) = self.wire.remove(index);
                self.now = self.now.max(due);
                let una = self.sender.sender.una;
                let end = if to_sender { &mut self.sender } else { &mut self.receiver };
                end.handle_segment(self.now, segment);
                if self.sender.sender.una != una {
                    self.progress = self.now;
                }
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.sender.handle_timeout(self.now);
                self.receiver.handle_timeout(self.now);
            }
            (_, None) => return Ok(false),
        }
        self.flush()?;
        Ok(true)
    }

    /// Sends so many bytes in pieces as the buffer takes them, until all has arrived.
    fn transfer(&mut self, total: usize) -> Result<(), String> {
        let data = alloc::vec![7; total];
        let mut written = 0;
        for _ in 0..200_000 {
            if written < total {
                written += self.sender.write(self.now, &data[written..]).unwrap_or(0);
            }
            let is_over = self.received_bytes == total && self.sender.sender.una == self.sender.sender.nxt;
            if is_over || !self.step()? {
                break;
            }
        }
        match self.received_bytes == total {
            true => Ok(()),
            false => Err(format!("{} of {total} arrived", self.received_bytes)),
        }
    }
}

fn fate(losses_only: bool) -> BoxedStrategy<Fate> {
    if losses_only {
        return prop_oneof![12 => Just(Fate::Deliver), 1 => Just(Fate::Lose)].boxed();
    }
    prop_oneof![
        20 => Just(Fate::Deliver),
        2 => Just(Fate::Lose),
        1 => Just(Fate::Double),
        1 => (1u64..60).prop_map(Fate::LateMillis),
    ]
    .boxed()
}

fn config() -> impl Strategy<Value = Config> {
    let switches = any::<[bool; 7]>();
    (switches, proptest::sample::select(&CongestionControl::ALL[..])).prop_map(|(on, congestion)| Config {
        sack: on[0],
        timestamps: on[1],
        pacing: on[2],
        tail_loss_probes: on[3],
        frto: on[4],
        send_buffer_bytes: if on[5] { 20_000 } else { 1 << 20 },
        mtu_probing: if on[6] { MtuProbing::Always } else { MtuProbing::OnBlackHole },
        congestion,
        ..Config::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_fault_breaks_the_rules(
        config in config(),
        delay_ms in 0u64..60,
        fates in proptest::collection::vec(fate(false), 0..400),
        hits_answers in any::<bool>(),
    ) {
        let mut world = World::new(config, Duration::from_millis(delay_ms), fates, hits_answers);
        if let Err(told) = world.transfer(400_000) {
            prop_assert!(false, "{}", told);
        }
    }

    #[test]
    fn losses_alone_are_never_taken_back(
        config in config(),
        delay_ms in 0u64..60,
        fates in proptest::collection::vec(fate(true), 0..400),
    ) {
        // Nothing is reordered, duplicated or delayed, and no answer is lost: every retransmission was needed.
        let mut world = World::new(config, Duration::from_millis(delay_ms), fates, false);
        if let Err(told) = world.transfer(400_000) {
            prop_assert!(false, "{}", told);
        }
        prop_assert_eq!(world.sender.sender.sent.undone, 0);
        prop_assert!(!world.sender.sender.has_seen_reordering());
    }
}

#[test]
fn where_the_timeout_comes_before_the_reordering_timer_it_is_the_timeout_that_runs() {
    let config = Config { tail_loss_probes: false, ..Config::default() };
    let mut world = World::new(config, Duration::from_millis(20), Vec::new(), false);
    let written = world.sender.write(world.now, &[7; 3_000]).expect("room");
    assert!(written == 3_000 && world.sender.poll_transmit(world.now, 0).is_some());
    let rto = Duration::from_micros(world.sender.sender.rtt.rto_us().into());
    for (late, timer) in [(rto - Duration::from_millis(1), Timer::Reorder), (rto * 2, Timer::Retransmit)] {
        let due = world.now + late;
        world.sender.sender.load.as_mut().expect("something is in flight").reordered_due = Some(due);
        let (sender, mut lent) = world.sender.sending(world.now);
        sender.arm(&mut lent);
        assert_eq!(world.sender.timers.due(timer), Some(due.min(world.now + rto)), "{timer:?}");
    }
    // Else the timer of what is not due yet would run out, and be set anew, without end.
    world.sender.handle_timeout(world.now + rto);
    assert_eq!(world.sender.info(world.now).timeouts, 1);
}
