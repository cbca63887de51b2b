//! A host with two links, of which the device of one is full or fails.

use std::time::Duration;
use synfin_sim::stack::SocketId;
use synfin_sim::{Device, HostId, LinkConfig, LinkId, Lost, World};

const DELAY: Duration = Duration::from_millis(10);
const TEXT: &[u8] = &[7; 5_000];

/// Two others, each on a link of its own to the host in the middle, and a connection to each.
struct Three {
    world: World,
    middle: HostId,
    others: [HostId; 2],
    links: [LinkId; 2],
    streams: [SocketId; 2],
    accepted: [SocketId; 2],
}

impl Three {
    fn new() -> Three {
        let mut world = World::new(7);
        let middle = world.add_host("middle", stack::Config::default(), &["10.0.0.1"]);
        let others = ["10.0.0.2", "10.0.0.3"]
            .map(|address| world.add_host(address, stack::Config::default(), &[address]));
        let links = others.map(|other| world.link(middle, other, LinkConfig::delay(DELAY)));
        let listeners = others.map(|other| world.at(other).listen(80));
        let streams = ["10.0.0.2:80", "10.0.0.3:80"].map(|remote| world.at(middle).connect(remote));
        world.run_for(Duration::from_secs(1));
        let accepted =
            [0, 1].map(|n| world.at(others[n]).accept(listeners[n]).expect("the third step has arrived").id);
        Three { world, middle, others, links, streams, accepted }
    }

    /// The middle sends to both others; a second later each has so much of it.
    fn send(&mut self) -> [usize; 2] {
        for stream in self.streams {
            let count = self.world.at(self.middle).write(stream, TEXT);
            assert_eq!(count, Ok(TEXT.len()), "there is room");
        }
        self.world.run_for(Duration::from_secs(1));
        self.heard()
    }

    /// What the others hear at this moment.
    fn heard(&mut self) -> [usize; 2] {
        [0, 1].map(|n| self.world.at(self.others[n]).read_all(self.accepted[n]).len())
    }
}

#[test]
fn a_full_device_keeps_what_is_for_its_link_and_nothing_else() {
    let mut three = Three::new();
    three.world.set_device(three.middle, three.links[0], Device::Full);
    assert_eq!(three.send(), [0, TEXT.len()]);
    // What arrives is still handed up.
    let _ = three.world.at(three.others[0]).write(three.accepted[0], TEXT);
    three.world.run_for(Duration::from_secs(1));
    assert_eq!(three.world.at(three.middle).read_all(three.streams[0]).len(), TEXT.len());
    three.world.set_device(three.middle, three.links[0], Device::Works);
    three.world.run_for(Duration::from_secs(1));
    assert_eq!(three.heard(), [TEXT.len(), 0]);
    assert_eq!(Lost::ALL.map(|why| three.world.lost(why)).iter().sum::<u64>(), 0, "nothing was lost");
}

#[test]
fn what_a_failing_device_refuses_is_lost_and_comes_again() {
    let mut three = Three::new();
    three.world.set_device(three.middle, three.links[0], Device::Fails);
    assert_eq!(three.send(), [0, TEXT.len()]);
    assert!(three.world.lost(Lost::Device) > 1);
    three.world.set_device(three.middle, three.links[0], Device::Works);
    three.world.run_for(Duration::from_secs(10));
    assert_eq!(three.heard(), [TEXT.len(), 0]);
}

#[test]
fn who_starts_anew_finds_its_device_as_it_was() {
    let mut three = Three::new();
    three.world.set_device(three.middle, three.links[0], Device::Full);
    three.world.restart(three.middle, stack::Config::default());
    let stream = three.world.at(three.middle).connect("10.0.0.2:80");
    three.world.run_for(Duration::from_millis(500));
    assert_eq!(three.world.at(three.middle).state(stream), tcp::State::SynSent);
    three.world.set_device(three.middle, three.links[0], Device::Works);
    three.world.run_for(Duration::from_millis(500));
    assert_eq!(three.world.at(three.middle).state(stream), tcp::State::Established);
}
