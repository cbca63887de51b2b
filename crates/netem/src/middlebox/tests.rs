use super::*;
use wire::ip::Ecn;
use wire::tcp::{Flags, Header, OptionLayout, Options, Timestamps};
use wire::{ipv4, segmentation};

fn syn() -> Frame {
    let options = Options {
        mss: Some(1_460),
        window_scale: Some(7),
        sack_permitted: true,
        timestamps: Some(Timestamps { value: 1, echo: 2 }),
        ..Options::default()
    };
    frame_of(Header { flags: Flags::SYN, options, ..Header::default() })
}

fn frame_of(tcp: Header) -> Frame {
    let tcp_bytes = tcp.len_bytes(OptionLayout::Linux);
    let mut frame = Frame::default();
    ipv4::Header {
        protocol: protocol::TCP,
        ttl: 64,
        total_bytes: (20 + tcp_bytes) as u16,
        ..ipv4::Header::default()
    }
    .emit(frame.head.grow(20));
    tcp.emit(frame.head.grow(tcp_bytes), OptionLayout::Linux);
    frame.offload.checksum = Checksum::Trusted;
    segmentation::complete_checksum(&mut frame, Medium::Ip);
    frame
}

fn options(frame: &Frame) -> Options {
    Header::parse(&frame.head.as_slice()[20..]).unwrap().0.options
}

#[test]
fn options_are_stripped_and_rewritten_and_the_checksum_is_right() {
    let mut frame = syn();
    frame.offload.checksum = Checksum::Complete;
    let middlebox = Middlebox {
        strips: vec![kind::TIMESTAMPS, kind::SACK_PERMITTED],
        mss_bytes_max: Some(1_300),
        window_scale: Some(2),
        ..Middlebox::default()
    };
    middlebox.meddle(&mut frame, Medium::Ip);
    let seen = options(&frame);
    assert_eq!((seen.mss, seen.window_scale), (Some(1_300), Some(2)));
    assert_eq!((seen.sack_permitted, seen.timestamps), (false, None));
    assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
}

#[test]
fn numbers_and_ports_are_rewritten_there_and_back() {
    use wire::Seq;
    use wire::tcp::{SackBlock, SackBlocks};
    let mut sack = SackBlocks::default();
    sack.push(SackBlock { left: Seq::new(u32::MAX - 5), right: Seq::new(5) });
    let options = Options { sack, timestamps: Some(Timestamps { value: 1, echo: 2 }), ..Options::default() };
    let sent = Header {
        source_port: 65_535,
        destination_port: 80,
        seq: Seq::new(3),
        ack: Seq::new(2),
        flags: Flags::ACK,
        options,
        ..Header::default()
    };
    for sack in [SackNumbers::Rewritten, SackNumbers::Left] {
        let [there, back] = Renumbering::pair(1 << 31, 7, sack);
        let [out, home] = PortMapping::pair(3);
        let mut frame = frame_of(sent);
        frame.offload.checksum = Checksum::Complete;
        Middlebox { numbers: Some(there), ports: Some(out), ..Middlebox::default() }
            .meddle(&mut frame, Medium::Ip);
        let seen = Header::parse(&frame.head.as_slice()[20..]).unwrap().0;
        assert_eq!((seen.source_port, seen.seq, seen.ack), (2, Seq::new(3 + (1 << 31)), Seq::new(2) - 7));
        let left = if sack == SackNumbers::Left { 5 } else { 12 };
        assert_eq!(seen.options.sack.as_slice()[0].left, Seq::new(u32::MAX - left));
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
        // The answer, with both ends exchanged, comes back as an answer to what was sent.
        let answer = Header {
            source_port: seen.destination_port,
            destination_port: seen.source_port,
            seq: seen.ack,
            ack: seen.seq,
            ..seen
        };
        let mut frame = frame_of(answer);
        Middlebox { numbers: Some(back), ports: Some(home), ..Middlebox::default() }
            .meddle(&mut frame, Medium::Ip);
        let heard = Header::parse(&frame.head.as_slice()[20..]).unwrap().0;
        assert_eq!((heard.destination_port, heard.seq, heard.ack), (65_535, sent.ack, sent.seq));
    }
}

#[test]
fn segments_it_does_not_touch_are_left_alone() {
    let mut frame = syn();
    let middlebox =
        Middlebox { strips: vec![kind::MSS], touches: Touches::AllButSyns, ..Middlebox::default() };
    middlebox.meddle(&mut frame, Medium::Ip);
    assert_eq!(frame.to_vec(), syn().to_vec());
}

/// A segment over IPv4 or IPv6 with this ECN field.
fn with_field(ecn: Ecn, is_v4: bool) -> Frame {
    let mut frame = frame_of(Header { flags: Flags::ACK, ..Header::default() });
    if !is_v4 {
        let tcp = frame.head.as_slice()[20..].to_vec();
        frame = Frame::default();
        let (source, destination) = ([1; 16].into(), [2; 16].into());
        wire::ipv6::Header {
            source,
            destination,
            dscp: 0,
            ecn,
            flow_label: 0,
            payload_bytes: 20,
            next_header: protocol::TCP,
            hop_limit: 9,
        }
        .emit(frame.head.grow(40));
        frame.head.grow(20).copy_from_slice(&tcp);
    }
    crate::ecn::write(&mut frame, Medium::Ip, ecn);
    frame
}

#[test]
fn the_ecn_field_is_bleached_marked_or_taken_for_another() {
    let all = [Ecn::NotCapable, Ecn::Capable1, Ecn::Capable0, Ecn::CongestionExperienced];
    let no_l4s = EcnRewrite { capable1: Ecn::Capable0, ..EcnRewrite::LEFT };
    let cases = [
        (EcnRewrite::LEFT, all),
        (EcnRewrite::BLEACHED, [Ecn::NotCapable; 4]),
        (EcnRewrite::ALL_MARKED, [Ecn::CongestionExperienced; 4]),
        (
            EcnRewrite::CAPABLE_MARKED,
            [
                Ecn::NotCapable,
                Ecn::CongestionExperienced,
                Ecn::CongestionExperienced,
                Ecn::CongestionExperienced,
            ],
        ),
        (no_l4s, [Ecn::NotCapable, Ecn::Capable0, Ecn::Capable0, Ecn::CongestionExperienced]),
    ];
    for (ecn, becomes) in cases {
        let middlebox = Middlebox { ecn, ..Middlebox::default() };
        for is_v4 in [true, false] {
            let seen = all.map(|field| {
                let mut frame = with_field(field, is_v4);
                assert_eq!(middlebox.meddle(&mut frame, Medium::Ip), Passes::Yes);
                assert!(!is_v4 || ipv4::checksum_is_good(&frame.head.as_slice()[..20]));
                crate::ecn::field_of(&frame, Medium::Ip)
            });
            assert_eq!(seen, becomes, "{ecn:?}");
        }
    }
}

#[test]
fn the_ecn_field_is_left_where_the_box_does_not_touch() {
    let bleaching = |touches| Middlebox { ecn: EcnRewrite::BLEACHED, touches, ..Middlebox::default() };
    let mut udp = Frame::default();
    let udp_header = ipv4::Header {
        protocol: protocol::UDP,
        ecn: Ecn::Capable0,
        ttl: 9,
        total_bytes: 20,
        ..Default::default()
    };
    udp_header.emit(udp.head.grow(20));
    for (touches, tcp_after, udp_after) in [
        (Touches::All, Ecn::NotCapable, Ecn::NotCapable),
        (Touches::AllButSyns, Ecn::NotCapable, Ecn::Capable0),
        (Touches::Syns, Ecn::Capable0, Ecn::Capable0),
    ] {
        let (mut tcp, mut udp) = (with_field(Ecn::Capable0, true), udp.clone());
        bleaching(touches).meddle(&mut tcp, Medium::Ip);
        bleaching(touches).meddle(&mut udp, Medium::Ip);
        let field = |frame| crate::ecn::field_of(frame, Medium::Ip);
        assert_eq!((field(&tcp), field(&udp)), (tcp_after, udp_after), "{touches:?}");
    }
}

#[test]
fn control_bits_of_syns_are_cleared_and_nothing_else() {
    let asking = Flags::SYN | Flags::AE | Flags::CWR | Flags::ECE;
    let middlebox = Middlebox {
        clears: Flags::AE | Flags::CWR | Flags::ECE,
        touches: Touches::Syns,
        ..Middlebox::default()
    };
    let after = |flags| {
        let mut frame = frame_of(Header { flags, ..Header::default() });
        frame.offload.checksum = Checksum::Complete;
        middlebox.meddle(&mut frame, Medium::Ip);
        assert_eq!(segmentation::checksum_is_good(&frame, Medium::Ip), Some(true));
        Header::parse(&frame.head.as_slice()[20..]).unwrap().0.flags
    };
    assert_eq!(after(asking), Flags::SYN);
    assert_eq!(after(asking | Flags::ACK), Flags::SYN | Flags::ACK);
    assert_eq!(after(Flags::ACK | Flags::ECE), Flags::ACK | Flags::ECE, "not of a SYN");
}

#[test]
fn syns_with_what_a_firewall_does_not_know_do_not_pass() {
    let passes = |drops: SynFilter, frame: &Frame| {
        Middlebox { drops, ..Middlebox::default() }.meddle(&mut frame.clone(), Medium::Ip)
    };
    let by_option = |kind| SynFilter { options: vec![kind::FAST_OPEN, kind], ..SynFilter::default() };
    let plain = syn();
    assert_eq!(passes(by_option(kind::TIMESTAMPS), &plain), Passes::No);
    assert_eq!(passes(by_option(kind::MD5), &plain), Passes::Yes);
    let later = frame_of(Header { flags: Flags::ACK, options: options(&plain), ..Header::default() });
    assert_eq!(passes(by_option(kind::TIMESTAMPS), &later), Passes::Yes, "only what opens");

    let mut with_text = syn();
    with_text.payload = wire::Payload::from(bytes::Bytes::from_static(b"GET /"));
    let no_text = SynFilter { text: SynText::Dropped, ..SynFilter::default() };
    assert_eq!(passes(no_text.clone(), &with_text), Passes::No);
    assert_eq!(passes(no_text, &plain), Passes::Yes);
    assert_eq!(passes(SynFilter::default(), &with_text), Passes::Yes);

    let no_ecn = SynFilter { flags: Flags::ECE | Flags::CWR, ..SynFilter::default() };
    let asking = frame_of(Header { flags: Flags::SYN | Flags::ECE, ..Header::default() });
    assert_eq!(passes(no_ecn.clone(), &asking), Passes::No);
    assert_eq!(passes(no_ecn, &plain), Passes::Yes);
}
