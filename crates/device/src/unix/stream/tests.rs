use super::*;
use crate::wait;
use std::io::{Read, Write};
use wire::{Checksum, Offload, Payload, ipv4, tcp};

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
const LONG: Option<Duration> = Some(Duration::from_secs(20));

fn connected(config: &SocketConfig) -> (StreamLink, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_read_timeout(LONG).unwrap();
    (StreamLink::new(ours, config).unwrap(), theirs)
}

fn small_config() -> SocketConfig {
    SocketConfig { mtu_bytes: 1_500, frame_bytes_max: 2_000, ..SocketConfig::default() }
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [&(frame.len() as u32).to_be_bytes(), frame].concat()
}

fn received(link: &StreamLink) -> Vec<Vec<u8>> {
    let mut frames = VecDeque::new();
    while link.receive(&mut frames, 64).unwrap() > 0 {}
    frames.iter().map(Frame::to_vec).collect()
}

fn readable(link: &StreamLink, timeout: Option<Duration>) -> bool {
    wait(&[link.poll_fd().unwrap()], timeout).unwrap().contains(0)
}

/// Frames of many lengths whose bytes tell them apart.
fn many(count: usize) -> VecDeque<Frame> {
    (0..count).map(|number| Frame::from_bytes(vec![number as u8; 60 + number * 37 % 1_400].into())).collect()
}

#[test]
fn a_frame_may_be_split_over_two_reads_at_any_byte() {
    let frames = [vec![1; 60], vec![], vec![2; 1]];
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| framed(frame)).collect();
    for split in 0..=bytes.len() {
        let (link, mut peer) = connected(&small_config());
        peer.write_all(&bytes[..split]).unwrap();
        let mut seen = received(&link);
        assert_eq!(link.due_in(), None, "a part of a frame is nothing to be asked for");
        peer.write_all(&bytes[split..]).unwrap();
        seen.extend(received(&link));
        assert_eq!(seen, frames, "split at {split}");
    }
}

#[test]
fn frames_may_come_byte_by_byte() {
    let (link, mut peer) = connected(&small_config());
    let mut seen = Vec::new();
    for byte in [framed(&[3; 20]), framed(&[4; 20])].concat() {
        peer.write_all(&[byte]).unwrap();
        seen.extend(received(&link));
    }
    assert_eq!(seen, [vec![3; 20], vec![4; 20]]);
}

#[test]
fn frames_that_were_read_and_not_taken_are_said_to_be_there() {
    let (link, mut peer) = connected(&small_config());
    (0..5).for_each(|byte| peer.write_all(&framed(&[byte; 60])).unwrap());
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 2).unwrap(), 2);
    assert!(!readable(&link, AT_ONCE), "the socket has nothing more");
    assert_eq!(link.due_in(), Some(Duration::ZERO));
    assert_eq!(link.receive(&mut frames, 9).unwrap(), 3);
    assert_eq!((link.receive(&mut frames, 9).unwrap(), link.due_in()), (0, None));
}

/// Reads framed frames in pieces of changing sizes until there are as many.
fn read_slowly(peer: &mut UnixStream, count: usize) -> Vec<Vec<u8>> {
    let (mut bytes, mut frames, mut buffer) = (Vec::new(), Vec::new(), [0; 7_919]);
    for round in 1.. {
        while let Some((length, rest)) = bytes.split_first_chunk::<4>()
            && rest.len() >= u32::from_be_bytes(*length) as usize
        {
            let end = 4 + u32::from_be_bytes(*length) as usize;
            frames.push(bytes[4..end].to_vec());
            bytes.drain(..end);
        }
        if frames.len() == count {
            break;
        }
        let room = 1 + round * 131 % buffer.len();
        let len = peer.read(&mut buffer[..room]).unwrap();
        assert_ne!(len, 0, "the link was closed");
        bytes.extend_from_slice(&buffer[..len]);
    }
    assert!(bytes.is_empty());
    frames
}

#[test]
fn a_slow_reader_gets_every_frame_whole_and_the_descriptor_says_when_there_is_room() {
    let (link, mut peer) = connected(&SocketConfig::default());
    let mut frames = many(10_000);
    let expected: Vec<Vec<u8>> = frames.iter().map(Frame::to_vec).collect();
    let mut taken = link.transmit(&mut frames).unwrap();
    assert!(taken > 0 && !frames.is_empty(), "nobody reads, so the link is full");
    assert_eq!(link.transmit(&mut frames).unwrap(), 0);
    assert!(!readable(&link, AT_ONCE));
    assert!(lock(&link.writer).buffer.len() <= BATCH_BYTES + 1_500, "what is held is bounded");
    let reader = std::thread::spawn(move || (read_slowly(&mut peer, 10_000), peer));
    // All that is known is the descriptor: it must show room, also for the rest when the queue is empty.
    while taken < expected.len() || link.has_rest.load(Ordering::Acquire) {
        assert!(readable(&link, LONG), "room must show");
        assert_eq!(link.receive(&mut VecDeque::new(), 64).unwrap(), 0);
        taken += link.transmit(&mut frames).unwrap();
    }
    let (seen, _peer) = reader.join().unwrap();
    assert!(seen == expected, "frames were damaged or lost");
    assert!(!readable(&link, AT_ONCE), "room is not shown to whom it does not concern");
}

#[test]
fn a_rest_is_written_even_if_nothing_more_is_transmitted() {
    let (link, mut peer) = connected(&SocketConfig::default());
    let mut frames = many(10_000);
    let taken = link.transmit(&mut frames).unwrap();
    frames.clear();
    let reader = std::thread::spawn(move || read_slowly(&mut peer, taken).len());
    while link.has_rest.load(Ordering::Acquire) {
        assert!(readable(&link, LONG));
        assert_eq!(link.receive(&mut VecDeque::new(), 64).unwrap(), 0);
    }
    assert_eq!(reader.join().unwrap(), taken);
}

#[test]
fn a_super_segment_is_cut_and_its_checksum_completed() {
    let (link, mut peer) = connected(&SocketConfig { medium: Medium::Ip, ..SocketConfig::default() });
    let mut frame = Frame::default();
    ipv4::Header { protocol: 6, total_bytes: 2_540, ..ipv4::Header::default() }.emit(frame.head.grow(20));
    tcp::Header::default().emit(frame.head.grow(20), tcp::OptionLayout::Linux);
    frame.payload = Payload::from(Bytes::from(vec![7; 2_500]));
    frame.offload = Offload { segment_bytes: 1_000, checksum: Checksum::Partial { start: 20, offset: 16 } };
    assert_eq!(link.transmit(&mut VecDeque::from([frame])).unwrap(), 1);
    let pieces = read_slowly(&mut peer, 3);
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1_040, 1_040, 540]);
    for piece in pieces {
        let piece = Frame::from_bytes(piece.into());
        assert_eq!(segmentation::checksum_is_good(&piece, Medium::Ip), Some(true));
    }
}

/// From here on nothing is said and nothing happens.
fn check_is_quiet(link: &StreamLink) {
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 64).unwrap(), 0);
    assert_eq!(link.transmit(&mut many(100)).unwrap(), 100);
    assert_eq!(link.receive(&mut frames, 64).unwrap(), 0);
    assert!(!readable(link, AT_ONCE), "a driver would not sleep any more");
    assert_eq!((link.due_in(), frames.len()), (None, 0));
}

#[test]
fn a_length_that_is_too_large_closes_the_link_before_anything_is_made_of_it() {
    for hostile in [2_001, 0x0800_4500, u32::MAX] {
        let (link, mut peer) = connected(&small_config());
        let capacity = lock(&link.reader).buffer.capacity();
        peer.write_all(&framed(&[5; 2_000])).unwrap();
        peer.write_all(&hostile.to_be_bytes()).unwrap();
        let mut frames = VecDeque::new();
        let error = link.receive(&mut frames, 64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let text = error.to_string();
        assert!(text.contains(&format!("a frame of {hostile} bytes, and 2000 are accepted")), "{text}");
        assert_eq!(frames.iter().map(Frame::len).collect::<Vec<_>>(), [2_000], "the largest is accepted");
        check_is_quiet(&link);
        assert_eq!(lock(&link.reader).buffer.capacity(), capacity);
        assert_eq!(peer.read(&mut [0; 9]).unwrap(), 0, "the peer sees that the link is closed");
    }
}

#[test]
fn a_peer_that_sends_nothing_but_lengths_does_not_keep_us() {
    let (link, mut peer) = connected(&small_config());
    peer.write_all(&[0; 4_000]).unwrap();
    let mut frames = VecDeque::new();
    assert_eq!(link.receive(&mut frames, 64).unwrap(), 64);
    assert_eq!(received(&link).len(), 1_000 - 64);
}

#[test]
fn a_peer_that_closes_is_told_once_after_its_last_frame() {
    for (last, how) in [(&[][..], "closed the link;"), (&[0, 0], "closed the link in the middle of a frame;")]
    {
        let (link, mut peer) = connected(&small_config());
        peer.write_all(&framed(&[6; 60])).unwrap();
        peer.write_all(last).unwrap();
        drop(peer);
        assert!(readable(&link, LONG), "a sleeping driver learns of it");
        let mut frames = VecDeque::new();
        let error = link.receive(&mut frames, 64).unwrap_err();
        assert_eq!((frames.len(), error.kind()), (1, io::ErrorKind::UnexpectedEof));
        assert!(error.to_string().contains(how), "{error}");
        check_is_quiet(&link);
    }
}

#[test]
fn a_dead_peer_that_transmitting_shows_is_told_once_and_its_frames_are_still_read() {
    let (link, mut peer) = connected(&small_config());
    peer.write_all(&framed(&[8; 60])).unwrap();
    drop(peer);
    let mut frames = many(3);
    let error = link.transmit(&mut frames).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(received(&link), [vec![8; 60]]);
    check_is_quiet(&link);
}

#[test]
fn a_peer_that_dies_while_the_link_is_full_frees_it() {
    let (link, peer) = connected(&SocketConfig::default());
    let mut frames = many(10_000);
    link.transmit(&mut frames).unwrap();
    assert!(!frames.is_empty());
    drop(peer);
    assert!(readable(&link, LONG));
    assert!(link.receive(&mut VecDeque::new(), 64).is_err());
    link.transmit(&mut frames).unwrap();
    assert!(frames.is_empty(), "frames go nowhere, instead of waiting for ever");
    check_is_quiet(&link);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let config = SocketConfig { frame_bytes_max: 1_513, ..SocketConfig::default() };
    let error = StreamLink::new(ours, &config).unwrap_err();
    assert!(error.to_string().contains("set frame_bytes_max to 1514 or more"), "{error}");
}
