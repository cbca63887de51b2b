use super::*;
use crate::unix::HANDSHAKE;
use crate::wait;
use std::sync::atomic::AtomicUsize;

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
const LONG: Duration = Duration::from_secs(20);

fn connected(config: &SocketConfig) -> (DatagramLink, UnixDatagram) {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    theirs.set_read_timeout(Some(LONG)).unwrap();
    (DatagramLink::new(ours, config).unwrap(), theirs)
}

fn small_config() -> SocketConfig {
    SocketConfig { frame_bytes_max: 2_000, ..SocketConfig::default() }
}

fn numbered(count: usize) -> VecDeque<Frame> {
    (0..count)
        .map(|number| Frame::from_bytes([&number.to_be_bytes()[..], &[0; 1_000]].concat().into()))
        .collect()
}

fn readable(link: &DatagramLink, timeout: Option<Duration>) -> bool {
    wait(&[link.poll_fd().unwrap()], timeout).unwrap().contains(0)
}

/// A directory of this test's own, which goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("synfin-datagram-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn each_datagram_is_a_frame_in_both_directions() {
    let (link, peer) = connected(&small_config());
    for len in [1, 60, 2_000] {
        peer.send(&vec![len as u8; len]).unwrap();
    }
    assert!(readable(&link, Some(LONG)));
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 2).unwrap(), 2);
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 1);
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 0);
    assert!(!readable(&link, AT_ONCE));
    assert_eq!(link.transmit(&mut frames).unwrap(), 3);
    let mut buffer = [0; 3_000];
    for len in [1, 60, 2_000] {
        assert_eq!(peer.recv(&mut buffer).unwrap(), len);
        assert!(buffer[..len].iter().all(|byte| *byte == len as u8));
    }
}

#[test]
fn a_datagram_that_is_too_long_is_an_error_and_costs_itself_alone() {
    let (link, peer) = connected(&small_config());
    for len in [60, 2_001, 61] {
        peer.send(&vec![0; len]).unwrap();
    }
    let mut frames = VecDeque::new();
    let error = link.receive(&mut frames, 9).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("a frame of more than 2000 bytes"), "{error}");
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 1);
    assert_eq!(frames.iter().map(Frame::len).collect::<Vec<_>>(), [60, 61]);
}

#[test]
fn a_slow_reader_gets_every_frame_and_the_descriptor_says_when_there_is_room() {
    const COUNT: usize = 5_000;
    let (link, peer) = connected(&SocketConfig::default());
    let mut frames = numbered(COUNT);
    let mut taken = link.transmit(&mut frames).unwrap();
    assert!(taken > 0 && taken < COUNT, "nobody reads, so the link is full");
    assert!(!readable(&link, AT_ONCE));
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 2_000];
        for expected in 0..COUNT {
            assert_eq!(peer.recv(&mut buffer).unwrap(), 1_008);
            assert_eq!(buffer[..8], expected.to_be_bytes());
        }
        peer
    });
    while taken < COUNT {
        assert!(readable(&link, Some(LONG)), "room must show");
        assert_eq!(link.receive(&mut VecDeque::new(), 64).unwrap(), 0);
        taken += link.transmit(&mut frames).unwrap();
    }
    let _peer = reader.join().unwrap();
    assert!(!readable(&link, AT_ONCE), "room is not shown to whom it does not concern");
}

#[test]
fn room_is_no_longer_shown_to_a_caller_that_has_given_up_its_frames() {
    let (link, peer) = connected(&SocketConfig::default());
    link.transmit(&mut numbered(5_000)).unwrap();
    peer.set_nonblocking(true).unwrap();
    while peer.recv(&mut [0; 2_000]).is_ok() {}
    assert!(readable(&link, Some(LONG)));
    assert_eq!(link.receive(&mut VecDeque::new(), 64).unwrap(), 0);
    assert!(!readable(&link, AT_ONCE), "a driver would not sleep any more");
}

#[test]
fn a_dead_peer_is_told_once() {
    let (link, peer) = connected(&small_config());
    peer.send(&[7; 60]).unwrap();
    drop(peer);
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 1, "what it has sent before is read");
    let error = link.transmit(&mut numbered(3)).unwrap_err();
    assert!(error.to_string().contains("the program at the other end of the link is gone"), "{error}");
    for _ in 0..3 {
        assert_eq!(link.transmit(&mut numbered(3)).unwrap(), 3);
        assert_eq!(link.receive(&mut frames, 9).unwrap(), 0);
        assert!(!readable(&link, AT_ONCE));
    }
}

#[test]
fn a_peer_that_turns_to_another_is_told_once_too() {
    let directory = Directory::new();
    let (ours, theirs) = (directory.file("ours"), directory.file("theirs"));
    let peer = UnixDatagram::bind(&theirs).unwrap();
    let link = DatagramLink::connect(&ours, &theirs, &small_config()).unwrap();
    peer.connect(&ours).unwrap();
    let other = directory.file("other");
    let _other = UnixDatagram::bind(&other).unwrap();
    // Of what the peer has not read when it turns away, Linux tells on reading.
    link.transmit(&mut numbered(1)).unwrap();
    peer.connect(&other).unwrap();
    let mut frames = VecDeque::new();
    let told = [link.receive(&mut frames, 9), link.transmit(&mut numbered(1)), link.receive(&mut frames, 9)];
    assert_eq!(told.iter().filter(|told| told.is_err()).count(), 1, "{told:?}");
    assert_eq!(link.transmit(&mut numbered(3)).unwrap(), 3);
    assert!(!readable(&link, AT_ONCE) && frames.is_empty());
}

#[test]
fn two_paths_make_a_link_and_the_own_one_is_removed_with_it() {
    let directory = Directory::new();
    let (ours, theirs) = (directory.file("ours"), directory.file("theirs"));
    let peer = UnixDatagram::bind(&theirs).unwrap();
    let link = DatagramLink::connect(&ours, &theirs, &small_config()).unwrap();
    link.transmit(&mut numbered(1)).unwrap();
    let (len, sender) = peer.recv_from(&mut [0; 2_000]).unwrap();
    assert_eq!((len, sender.as_pathname()), (1_008, Some(ours.as_path())));
    let error = DatagramLink::connect(&ours, &theirs, &small_config()).unwrap_err();
    assert!(error.to_string().contains("remove it if it is left over"), "{error}");
    drop(link);
    assert!(!ours.exists());
    let error = DatagramLink::connect(&ours, directory.file("nobody"), &small_config()).unwrap_err();
    assert!(error.to_string().contains("nobody failed"), "{error}");
    assert!(!ours.exists(), "nothing is left behind by what failed");
}

/// The network's side with a machine that sends `first`; the machine's own path is `machine`.
fn accept(first: &[u8], directory: &Directory) -> (io::Result<DatagramLink>, UnixDatagram) {
    let path = directory.file("network");
    let socket = UnixDatagram::bind(&path).unwrap();
    let machine = UnixDatagram::bind(directory.file("machine")).unwrap();
    machine.connect(&path).unwrap();
    machine.send(first).unwrap();
    (DatagramLink::accept_vfkit(socket, LONG, &small_config()), machine)
}

#[test]
fn a_machine_makes_itself_known_by_the_handshake_or_by_a_frame() {
    for (first, frames_expected) in [(&HANDSHAKE[..], 0), (&[7; 60], 1), (b"VFKTV", 1)] {
        let directory = Directory::new();
        let (link, machine) = accept(first, &directory);
        let link = link.unwrap();
        let mut frames = VecDeque::new();
        assert_eq!(link.receive(&mut frames, 9).unwrap(), frames_expected, "{first:?}");
        link.transmit(&mut numbered(1)).unwrap();
        assert_eq!(machine.recv(&mut [0; 2_000]).unwrap(), 1_008);
        machine.send(&HANDSHAKE).unwrap();
        frames.clear();
        assert_eq!(link.receive(&mut frames, 9).unwrap(), 1, "later it is a frame like any other");
    }
}

#[test]
fn machines_that_do_not_come_or_cannot_be_answered_are_errors_that_say_so() {
    let directory = Directory::new();
    let path = directory.file("network");
    let bind = |path: &Path| {
        let _ = std::fs::remove_file(path);
        UnixDatagram::bind(path).unwrap()
    };
    let error =
        DatagramLink::accept_vfkit(bind(&path), Duration::from_millis(20), &small_config()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("no virtual machine has connected for 0.02 s"), "{error}");

    let socket = bind(&path);
    UnixDatagram::unbound().unwrap().send_to(&HANDSHAKE, &path).unwrap();
    let error = DatagramLink::accept_vfkit(socket, LONG, &small_config()).unwrap_err();
    assert!(error.to_string().contains("it has to bind a path before it connects"), "{error}");

    let _ = std::fs::remove_file(&path);
    let (link, _machine) = accept(&[0; 2_001], &directory);
    assert_eq!(link.unwrap_err().kind(), io::ErrorKind::InvalidData);
}
