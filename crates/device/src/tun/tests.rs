#[path = "../../tests/namespace/mod.rs"]
mod namespace;

use super::*;
use crate::wait;
use namespace::in_namespace;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use wire::ethernet::{self, MacAddress, ethertype};
use wire::{Offload, checksum, ip::protocol, ipv4, udp};

const HOST: [u8; 4] = [10, 92, 0, 1];
const OURS: [u8; 4] = [10, 92, 0, 2];
const OUR_MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);
const MTU_BYTES: u32 = 1_400;

/// Opens an interface as another program would, with these flags, and sets it up.
fn opened_elsewhere(flags: libc::c_int) -> (File, String) {
    let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
    let name = sys::tun_attach(file.as_fd(), "given%d", flags).unwrap();
    interface::set_mtu(&name, MTU_BYTES).unwrap();
    interface::add_address(&name, HOST.into(), 24).unwrap();
    interface::bring_up(&name).unwrap();
    (file, name)
}

/// A UDP datagram from us to `to`, whole.
fn datagram(to: SocketAddr, text: &[u8]) -> Vec<u8> {
    let (source, destination) = (OURS.into(), HOST.into());
    let len_bytes = (8 + text.len()) as u16;
    let mut packet = vec![0; 28];
    ipv4::Header {
        source,
        destination,
        protocol: protocol::UDP,
        total_bytes: 20 + len_bytes,
        ..Default::default()
    }
    .emit(&mut packet[..20]);
    udp::Header { source_port: 9, destination_port: to.port(), len_bytes, checksum: 0 }
        .emit(&mut packet[20..]);
    packet.extend_from_slice(text);
    let mut sum = checksum::pseudo_header(
        IpAddr::V4(source),
        IpAddr::V4(destination),
        protocol::UDP,
        u32::from(len_bytes),
    );
    sum.add(&packet[20..]);
    packet[26..28].copy_from_slice(&sum.checksum().to_be_bytes());
    packet
}

/// The next frame that `wanted` accepts.
fn next(tun: &Tun, wanted: impl Fn(&[u8]) -> bool) -> (Vec<u8>, Offload) {
    let until = Instant::now() + Duration::from_secs(10);
    let mut frames = VecDeque::new();
    while Instant::now() < until {
        tun.receive(&mut frames, 1).unwrap();
        match frames.pop_front() {
            Some(frame) if wanted(&frame.to_vec()) => return (frame.to_vec(), frame.offload),
            Some(_) => {}
            None => drop(wait(&[tun.poll_fd().unwrap()], Some(Duration::from_secs(1))).unwrap()),
        }
    }
    panic!("the expected frame comes within 10 s");
}

/// A datagram of the kernel's reaches us, and one of ours the kernel.
fn datagrams_cross(tun: &Tun) {
    let socket = UdpSocket::bind((IpAddr::from(HOST), 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.send_to(b"to the stack", (IpAddr::from(OURS), 9)).unwrap();
    let is_ethernet = tun.capabilities().medium == Medium::Ethernet;
    let mut ethernet_header = Vec::new();
    if is_ethernet {
        ethernet_header = answer_arp(tun);
    }
    let start = ethernet_header.len();
    let (packet, _) = next(tun, |bytes| bytes.get(start + 9) == Some(&protocol::UDP) && bytes[start] == 0x45);
    assert_eq!(&packet[start + 28..], b"to the stack");
    let answer = [ethernet_header, datagram(socket.local_addr().unwrap(), b"to the host")].concat();
    let mut frames = VecDeque::from([Frame::from_bytes(answer.into())]);
    assert_eq!(tun.transmit(&mut frames).unwrap(), 1);
    let mut buffer = [0; 100];
    let (len, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..len], from.ip()), (&b"to the host"[..], IpAddr::from(OURS)));
}

/// Says to the kernel where we are; returns the header of frames to it.
fn answer_arp(tun: &Tun) -> Vec<u8> {
    let (request, _) = next(tun, |bytes| bytes[12..14] == ethertype::ARP.to_be_bytes());
    let kernel: [u8; 6] = request[6..12].try_into().unwrap();
    let mut header = vec![0; 14];
    let mut to_kernel = ethernet::Header::parse(&request).unwrap().0;
    (to_kernel.destination, to_kernel.source) = (MacAddress(kernel), OUR_MAC);
    to_kernel.emit(&mut header);
    let mut reply = [&header[..], &request[14..]].concat();
    reply[21] = 2;
    reply[22..28].copy_from_slice(&OUR_MAC.0);
    reply[28..32].copy_from_slice(&OURS);
    reply[32..38].copy_from_slice(&kernel);
    reply[38..42].copy_from_slice(&HOST);
    tun.transmit(&mut VecDeque::from([Frame::from_bytes(reply.into())])).unwrap();
    header[12..14].copy_from_slice(&ethertype::IPV4.to_be_bytes());
    header
}

#[test]
fn a_descriptor_with_any_headers_is_understood_without_being_told() {
    in_namespace("tun::tests::a_descriptor_with_any_headers_is_understood_without_being_told", || {
        let (tun, tap) = (libc::IFF_TUN, libc::IFF_TAP);
        let (bare, virtio) = (libc::IFF_NO_PI, libc::IFF_VNET_HDR);
        for flags in [tun, tun | bare, tun | virtio, tun | bare | virtio, tap, tap | bare, tap | virtio] {
            let (file, name) = opened_elsewhere(flags);
            // What the caller believes is wrong as far as the kernel can be asked.
            let has_information = flags & bare == 0;
            let is_ethernet = flags & tap != 0;
            let config = TunFdConfig {
                medium: if is_ethernet { Medium::Ip } else { Medium::Ethernet },
                header: if has_information == is_ethernet {
                    PacketHeader::Information
                } else {
                    PacketHeader::Nothing
                },
                ..TunFdConfig::default()
            };
            let tun = Tun::from_fd(file.into(), &config).unwrap();
            let LinkCapabilities { medium, mtu_bytes, super_segment_bytes_max, transmit_checksum } =
                tun.capabilities();
            let has_virtio = flags & virtio != 0;
            assert_eq!((tun.name(), mtu_bytes), (&*name, MTU_BYTES));
            assert_eq!(medium == Medium::Ethernet, is_ethernet);
            assert_eq!(
                (super_segment_bytes_max > 0, transmit_checksum == TransmitChecksum::Partial),
                (has_virtio, has_virtio)
            );
            datagrams_cross(&tun);
        }
    });
}

#[test]
fn the_headers_of_an_interface_that_is_down_are_found_out_too() {
    in_namespace("tun::tests::the_headers_of_an_interface_that_is_down_are_found_out_too", || {
        for flags in [0, libc::IFF_NO_PI, libc::IFF_VNET_HDR, libc::IFF_NO_PI | libc::IFF_VNET_HDR] {
            let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").unwrap();
            let name = sys::tun_attach(file.as_fd(), "down%d", libc::IFF_TUN | flags).unwrap();
            let tun = Tun::from_fd(file.into(), &TunFdConfig::default()).unwrap();
            assert_eq!(tun.framing.has_virtio(), flags & libc::IFF_VNET_HDR != 0);
            assert_eq!(tun.framing.has_information(), flags & libc::IFF_NO_PI == 0, "{flags:x}");
            assert!(!interface::state(&name).unwrap().is_up, "it is left alone");
        }
    });
}

#[test]
fn a_longer_virtio_header_that_was_agreed_on_before_is_kept() {
    in_namespace("tun::tests::a_longer_virtio_header_that_was_agreed_on_before_is_kept", || {
        let (file, _) = opened_elsewhere(libc::IFF_TUN | libc::IFF_VNET_HDR);
        sys::tun_set_header(file.as_fd(), virtio::HEADER_MERGEABLE_BYTES).unwrap();
        let tun = Tun::from_fd(file.into(), &TunFdConfig::default()).unwrap();
        assert_eq!(sys::tun_header_bytes(tun.file.as_fd()).unwrap(), 12);
        datagrams_cross(&tun);

        let (file, _) = opened_elsewhere(libc::IFF_TUN | libc::IFF_VNET_HDR);
        sys::tun_set_header(file.as_fd(), 64).unwrap();
        let error = Tun::from_fd(file.into(), &TunFdConfig::default()).unwrap_err();
        assert!(
            error.to_string().contains("understand its virtio header failed: it has 64 bytes"),
            "{error}"
        );
    });
}

#[test]
fn without_a_virtio_header_super_segments_are_cut_and_checksums_completed() {
    in_namespace(
        "tun::tests::without_a_virtio_header_super_segments_are_cut_and_checksums_completed",
        || {
            for flags in [libc::IFF_TUN | libc::IFF_NO_PI, libc::IFF_TUN] {
                let (file, _) = opened_elsewhere(flags);
                let tun = Tun::from_fd(file.into(), &TunFdConfig::default()).unwrap();
                let socket = UdpSocket::bind((IpAddr::from(HOST), 0)).unwrap();
                socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let mut packet = datagram(socket.local_addr().unwrap(), b"unfinished");
                let sum = checksum::pseudo_header(OURS.into(), HOST.into(), protocol::UDP, 18);
                packet[26..28].copy_from_slice(&sum.folded().to_be_bytes());
                let checksum = Checksum::Partial { start: 20, offset: 6 };
                let offload = Offload { segment_bytes: 0, checksum };
                let frame = Frame { offload, ..Frame::from_bytes(packet.into()) };
                assert_eq!(tun.transmit(&mut VecDeque::from([frame])).unwrap(), 1);
                let mut buffer = [0; 100];
                let len = socket.recv(&mut buffer).unwrap();
                assert_eq!(&buffer[..len], b"unfinished");
            }
        },
    );
}

#[test]
fn where_the_kernel_may_not_be_asked_the_callers_word_holds() {
    in_namespace("tun::tests::where_the_kernel_may_not_be_asked_the_callers_word_holds", || {
        let refusals = [libc::EACCES, libc::EPERM, libc::ENOSYS];
        let ways = [
            (libc::IFF_NO_PI, PacketHeader::Nothing),
            (0, PacketHeader::Information),
            (libc::IFF_NO_PI | libc::IFF_VNET_HDR, PacketHeader::Virtio),
        ];
        for (refusal, (flags, header)) in refusals.into_iter().zip(ways) {
            let refused = || Err(io::Error::from_raw_os_error(refusal));
            let (file, _) = opened_elsewhere(libc::IFF_TUN | flags);
            let config = TunFdConfig { header, ..TunFdConfig::default() };
            let error = Tun::adopt(file.try_clone().unwrap(), &config, refused()).unwrap_err();
            assert!(error.to_string().contains("is not known to this program; set mtu_bytes"), "{error}");
            let config = TunFdConfig { mtu_bytes: Some(1_300), ..config };
            let tun = Tun::adopt(file, &config, refused()).unwrap();
            assert_eq!((tun.name(), tun.capabilities().mtu_bytes), ("", 1_300));
            datagrams_cross(&tun);
        }
    });
}

#[test]
fn a_descriptor_of_something_else_is_an_error_that_says_what_to_give() {
    let of = |fd: OwnedFd| Tun::from_fd(fd, &TunFdConfig::default()).unwrap_err();
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let null = File::open("/dev/null").unwrap();
    for fd in [socket.into(), OwnedFd::from(null), File::open("/proc/self/exe").unwrap().into()] {
        let error = of(fd);
        assert!(matches!(error, TunError::NotTun { .. }), "{error}");
        assert!(error.to_string().contains("VpnService.Builder.establish()"), "{error}");
        assert_eq!(error.into_io().kind(), io::ErrorKind::InvalidInput);
    }
    // A refusal is not believed of what cannot be an interface.
    let refused = Err(io::Error::from_raw_os_error(libc::EACCES));
    let file = File::open("/proc/self/exe").unwrap();
    let error = Tun::adopt(file, &TunFdConfig::default(), refused).unwrap_err();
    assert!(matches!(error, TunError::NotTun { .. }), "{error}");
    let Ok(device) = OpenOptions::new().read(true).write(true).open("/dev/net/tun") else { return };
    let error = of(device.into());
    assert!(
        error.to_string().contains("no interface is attached to it; attach one with TUNSETIFF"),
        "{error}"
    );
}

#[test]
fn an_interface_may_come_from_another_process() {
    in_namespace("tun::tests::an_interface_may_come_from_another_process", || {
        const GIVEN: &str = "SYNFIN_TEST_TUN_IS_GIVEN";
        if std::env::var_os(GIVEN).is_some() {
            let given = io::stdin().as_fd().try_clone_to_owned().unwrap();
            return datagrams_cross(&Tun::from_fd(given, &TunFdConfig::default()).unwrap());
        }
        let (file, _) = opened_elsewhere(libc::IFF_TUN | libc::IFF_NO_PI);
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["tun::tests::an_interface_may_come_from_another_process", "--exact", "--nocapture"])
            .env(GIVEN, "1")
            .stdin(file)
            .status();
        assert!(status.unwrap().success());
    });
}
