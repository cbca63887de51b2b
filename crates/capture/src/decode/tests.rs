use super::*;

/// A TCP segment with a payload of 5 bytes from 10.0.0.1:8080 to 10.0.0.2:80.
fn segment() -> Vec<u8> {
    let mut packet = vec![0x45, 2, 0, 45, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend([0x1f, 0x90, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    packet.extend(*b"hello");
    packet
}

fn tcp(link_type: LinkType, packet: &[u8], wire_bytes: u32) -> Segment<'_> {
    match decode(link_type, packet, wire_bytes) {
        Ok(Decoded::Tcp(segment)) => segment,
        other => panic!("{other:?}"),
    }
}

fn ethernet(ethertype: u16, rest: &[u8]) -> Vec<u8> {
    [&[0; 12][..], &ethertype.to_be_bytes(), rest].concat()
}

/// IPv4 around `rest`.
fn ipv4(protocol: u8, rest: &[u8]) -> Vec<u8> {
    let total = (20 + rest.len() as u16).to_be_bytes();
    [&[0x45, 0, total[0], total[1], 0, 0, 0, 0, 9, protocol, 0, 0, 192, 0, 2, 1, 10, 0, 0, 1][..], rest]
        .concat()
}

#[test]
fn the_fast_path_and_the_walk_find_the_same_segment() {
    let packet = ethernet(0x0800, &segment());
    for (captured, wire_bytes) in [(59, 59), (54, 59), (59, 80)] {
        let packet = &packet[..captured];
        let short = decode_plain(LinkType::ETHERNET, packet, wire_bytes).unwrap();
        let long = Walk::new(packet, wire_bytes).start(LinkType::ETHERNET);
        assert!(matches!(long, Ok(Decoded::Tcp(long)) if long == short), "{captured} of {wire_bytes}");
        assert_eq!((short.payload_wire_bytes(), short.ip.ecn(), short.offset_bytes), (5, 2, 34));
    }
}

#[test]
fn padding_is_not_payload_and_a_cut_packet_keeps_its_length() {
    let mut packet = ethernet(0x0800, &segment());
    packet.extend([0; 7]);
    assert_eq!(tcp(LinkType::ETHERNET, &packet, 66).payload(), b"hello");
    let cut = tcp(LinkType::ETHERNET, &packet[..56], 66);
    assert_eq!((cut.payload(), cut.payload_wire_bytes()), (&b"he"[..], 5));
    let up_to_the_window = tcp(LinkType::ETHERNET, &packet[..50], 66);
    assert_eq!((up_to_the_window.tcp.len(), up_to_the_window.payload_wire_bytes()), (16, 5));
    let short = decode(LinkType::ETHERNET, &packet[..49], 66);
    assert_eq!(short, Err(NotTcp::Cut(Layer::Tcp)));
    assert_eq!(decode(LinkType::ETHERNET, &packet[..50], 50), Err(NotTcp::Malformed(Layer::Tcp)));
}

#[test]
fn headers_with_wrong_lengths_are_malformed() {
    for (at, value, layer) in
        [(0, 0x44, Layer::Ipv4), (3, 19, Layer::Ipv4), (32, 0x40, Layer::Tcp), (32, 0xf0, Layer::Tcp)]
    {
        let mut packet = segment();
        packet[at] = value;
        assert_eq!(decode(LinkType::RAW, &packet, 45), Err(NotTcp::Malformed(layer)), "{at} {value:x}");
    }
    // A total length beyond the packet: the length on the wire counts.
    let mut packet = segment();
    packet[2] = 9;
    assert_eq!(tcp(LinkType::RAW, &packet, 45).payload_wire_bytes(), 5);
}

#[test]
fn vlans_and_tunnels_are_counted() {
    let inner = ethernet(0x0800, &segment());
    let vxlan = [&[0xc0, 0, 0x12, 0xb5, 0, 75, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat();
    let tagged = [&[0x60, 7, 0x81, 0, 0, 9, 8, 0][..], &ipv4(17, &vxlan)].concat();
    let packet = ethernet(0x88a8, &tagged);
    let segment = tcp(LinkType::ETHERNET, &packet, packet.len() as u32);
    assert_eq!((segment.vlans.ids(), segment.tunnels), (&[7, 9][..], 1));
    assert_eq!(segment.offset_bytes as usize, packet.len() - 25);
}

#[test]
fn too_many_layers_are_refused() {
    let mut packet = segment();
    for _ in 0..40 {
        packet = ipv4(4, &packet);
    }
    assert_eq!(decode(LinkType::RAW, &packet, packet.len() as u32), Err(NotTcp::TooDeep));
    let tags = [0x81, 0, 0, 1].repeat(100);
    let packet = [&[0; 12][..], &tags].concat();
    assert_eq!(decode(LinkType::ETHERNET, &packet, 412), Err(NotTcp::TooDeep));
}

#[test]
fn an_icmp_error_quotes_the_segment_that_caused_it() {
    let quote = &segment()[..28];
    let too_big = ipv4(1, &[&[3, 4, 0, 0, 0, 0, 5, 0xdc][..], quote].concat());
    let Ok(Decoded::Quoted { error, segment }) = decode(LinkType::RAW, &too_big, too_big.len() as u32) else {
        panic!("not a quotation")
    };
    assert_eq!((error.kind, error.code, error.mtu_bytes), (3, 4, Some(1_500)));
    assert_eq!((error.from.to_string(), error.to.to_string()), ("192.0.2.1".into(), "10.0.0.1".into()));
    assert_eq!((segment.src_port(), segment.dst_port(), segment.tcp.len()), (8080, 80, 8));
    assert_eq!(segment.tcp_wire_bytes, 25);
    let echo = ipv4(1, &[&[8, 0, 0, 0, 0, 0, 0, 0][..], quote].concat());
    assert_eq!(decode(LinkType::RAW, &echo, echo.len() as u32), Err(NotTcp::Protocol(1)));
}

#[test]
fn directions_come_from_the_link_layer() {
    for (packet_type, direction) in [(0, Some(Direction::Inbound)), (4, Some(Direction::Outbound)), (3, None)]
    {
        let packet = [&[0, packet_type, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0][..], &segment()].concat();
        assert_eq!(tcp(LinkType::LINUX_SLL, &packet, 61).direction, direction);
    }
}

#[test]
fn a_jumbogram_has_the_length_of_its_option() {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
    packet.extend([1; 32]);
    packet.extend([6, 0, 0xc2, 4, 0, 1, 0x11, 0x70]); // 70,000 bytes
    packet.extend(&segment()[20..]);
    let segment = tcp(LinkType::RAW, &packet, 70_040);
    assert_eq!((segment.ip.total_bytes, segment.tcp_wire_bytes), (70_040, 69_992));
}

#[test]
fn the_first_fragment_shows_the_header_if_the_capture_cut_it() {
    let mut packet = segment();
    packet[6] = 0x20;
    assert_eq!(decode(LinkType::RAW, &packet, 45), Err(NotTcp::Fragment));
    packet[3] = 60;
    let first = tcp(LinkType::RAW, &packet, 60);
    assert_eq!((first.fragment, first.payload_wire_bytes()), (Fragment::First, 20));
    packet[7] = 1;
    assert_eq!(decode(LinkType::RAW, &packet, 60), Err(NotTcp::Fragment));
}

/// The two halves of an IPv4 packet without options.
fn halves(packet: &[u8]) -> [Vec<u8>; 2] {
    let at = 20 + (packet.len() - 20) / 16 * 8;
    [(&packet[20..at], 0, 0x2000), (&packet[at..], (at - 20) / 8, 0)].map(|(data, units, more)| {
        let mut piece = ipv4(packet[9], data);
        piece[6..8].copy_from_slice(&(more | units as u16).to_be_bytes());
        piece
    })
}

#[test]
fn fragments_in_fragmented_tunnels_are_reassembled() {
    let mut writer = crate::Writer::new(Vec::new(), crate::Format::Pcapng, &Default::default()).unwrap();
    let interface = writer.add_interface(&crate::Interface::new(LinkType::RAW)).unwrap();
    for (id, inner) in halves(&ipv4(6, &segment()[20..])).iter().enumerate() {
        for mut outer in halves(&ipv4(4, inner)) {
            outer[5] = id as u8 + 1;
            writer.write_slices(&crate::PacketInfo::new(interface, 1), &[&outer]).unwrap();
        }
    }
    let file = writer.into_inner();
    let mut reader = crate::Reader::new(&file[..]).unwrap();
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    while let Some(record) = reader.next() {
        if let Ok(Decoded::Tcp(segment)) = decoder.decode(&record.unwrap()) {
            found.push((segment.payload().to_vec(), segment.tunnels));
        }
    }
    assert_eq!(found, [(b"hello".to_vec(), 1)]);
}

#[test]
fn the_byte_order_of_a_netfilter_log_follows_from_the_kinds_of_its_attributes() {
    let mut packet = segment();
    packet.resize(0x0600 - 4, 0);
    packet[2..4].copy_from_slice(&(0x0600u16 - 4).to_be_bytes());
    let attributes = [(8u16, 1u16, &[0x08, 0, 3, 0][..]), (0x0600, 9, &packet)];
    for little in [true, false] {
        let bytes = |number: u16| if little { number.to_le_bytes() } else { number.to_be_bytes() };
        let mut message = vec![2, 0, 0, 0];
        for (len, kind, value) in attributes {
            message.extend([bytes(len), bytes(kind)].concat());
            message.extend(value);
        }
        let segment = tcp(LinkType::NFLOG, &message, message.len() as u32);
        assert_eq!((segment.tcp_wire_bytes, segment.direction), (0x0600 - 24, Some(Direction::Outbound)));
    }
}

/// A data frame of IEEE 802.11 from the access point, with QoS, around `rest`.
fn wifi(flags: u8, sequence_control: u16, qos: u8, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x88, flags | 2, 0, 0];
    frame.extend([1; 6]);
    frame.extend([2; 6]);
    frame.extend([3; 6]);
    frame.extend(sequence_control.to_le_bytes());
    frame.extend([qos, 0]);
    [&frame, rest].concat()
}

fn snap(packet: &[u8]) -> Vec<u8> {
    [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], packet].concat()
}

/// What every packet of a capture holds, in words.
fn told(link_type: LinkType, packets: &[Vec<u8>]) -> Vec<String> {
    let mut writer = crate::Writer::new(Vec::new(), crate::Format::Pcapng, &Default::default()).unwrap();
    let interface = writer.add_interface(&crate::Interface::new(link_type)).unwrap();
    for packet in packets {
        writer.write_slices(&crate::PacketInfo::new(interface, 1), &[packet]).unwrap();
    }
    let file = writer.into_inner();
    let (mut reader, mut decoder, mut told) =
        (crate::Reader::new(&file[..]).unwrap(), Decoder::new(), vec![]);
    while let Some(record) = reader.next() {
        decoder.decode_each(&record.unwrap(), |found| {
            told.push(match found {
                Ok(decoded) => {
                    let segment = decoded.segment();
                    let again = segment.repeats.map_or(String::new(), |first| format!(", again {first}"));
                    format!("{} bytes{again}", segment.payload_wire_bytes())
                }
                Err(unread) => unread.to_string(),
            });
        });
    }
    told
}

#[test]
fn every_packet_of_an_aggregate_is_read_and_the_frame_s_checksum_is_not_one() {
    let mut aggregate = Vec::new();
    for packet in [snap(&segment()), snap(&ipv4(17, &[0; 20])), snap(&segment()), vec![0xaa; 8]] {
        aggregate.resize(aggregate.len().next_multiple_of(4), 0);
        aggregate.extend([7; 12]);
        aggregate.extend((packet.len() as u16).to_be_bytes());
        aggregate.extend(packet);
    }
    aggregate.extend([9; 4]);
    let frame = wifi(0, 0x10, 0x80, &aggregate);
    let said = told(LinkType::IEEE802_11, std::slice::from_ref(&frame));
    assert_eq!(said, ["5 bytes", "UDP", "5 bytes", "SNAP of a vendor"]);
    // the one that is asked for alone is the first that is there
    assert_eq!(tcp(LinkType::IEEE802_11, &frame, frame.len() as u32).payload(), b"hello");
    // a length beyond the frame ends it
    let said =
        told(LinkType::IEEE802_11, &[wifi(0, 0x10, 0x80, &[[7; 12].to_vec(), vec![0xff, 0xff]].concat())]);
    assert_eq!(said, ["802.11 header malformed"]);
}

#[test]
fn a_frame_that_the_radio_sent_again_says_which_it_repeats() {
    const RETRY: u8 = 0x08;
    let data = snap(&segment());
    let frames = [
        wifi(0, 0x10, 5, &data),
        wifi(RETRY, 0x10, 5, &data),
        wifi(RETRY, 0x10, 5, &data),
        wifi(RETRY, 0x10, 6, &data), // another traffic identifier: its original was not captured
        wifi(0, 0x20, 5, &data),
        wifi(0, 0x10, 5, &data), // not a retry, whatever its number is
    ];
    let said = told(LinkType::IEEE802_11, &frames);
    let first = "5 bytes";
    assert_eq!(said, [first, "5 bytes, again 1", "5 bytes, again 1", first, first, first]);
}

#[test]
fn frames_of_wifi_without_a_readable_packet_are_named() {
    let mut beacon = wifi(0, 0, 0, &[0; 40]);
    beacon[0] = 0x80;
    let mut acknowledgment = vec![0xd4, 0, 0, 0];
    acknowledgment.extend([1; 6]);
    let mut without_data = wifi(0, 0, 0, &[]);
    without_data[0] = 0xc8;
    let later = wifi(0, 0x11, 0, &snap(&segment()));
    let frames = [beacon, acknowledgment, without_data, wifi(0x40, 0, 0, &[5; 40]), later];
    let said = told(LinkType::IEEE802_11, &frames);
    let management = "802.11 management and control";
    assert_eq!(
        said,
        [management, management, management, "802.11 encrypted", "802.11 fragments behind the first"]
    );
    let mut damaged = vec![0, 0, 9, 0, 2, 0, 0, 0, 0x50];
    damaged.extend(wifi(0, 0, 0, &snap(&segment())));
    let said = told(LinkType::IEEE802_11_RADIOTAP, &[damaged]);
    assert_eq!(said, ["802.11 damaged on the way (wrong checksum)"]);
}

#[test]
fn the_first_fragment_of_a_wifi_frame_has_the_length_of_the_whole_packet() {
    const MORE_FRAGMENTS: u8 = 0x04;
    let mut packet = segment();
    packet[2..4].copy_from_slice(&1_040_u16.to_be_bytes());
    let frame = wifi(MORE_FRAGMENTS, 0x10, 0, &snap(&packet));
    let first = tcp(LinkType::IEEE802_11, &frame, frame.len() as u32);
    assert_eq!(
        (first.payload_wire_bytes(), first.payload(), first.fragment),
        (1_000, &b"hello"[..], Fragment::Whole)
    );
}

#[test]
fn samples_of_sflow_are_read_one_by_one() {
    let word = |number: usize| (number as u32).to_be_bytes();
    let sampled = |protocol: usize, packet: &[u8]| {
        let padded = packet.len().next_multiple_of(4);
        let mut record = [word(1), word(16 + padded), word(protocol), word(packet.len()), word(0)].concat();
        record.extend(word(packet.len()));
        record.extend(packet);
        record.resize(24 + padded, 0);
        record
    };
    let other_record = [word(1001), word(8), word(0), word(0)].concat();
    let sample = |expanded: bool, records: &[Vec<u8>]| {
        let fixed_bytes = if expanded { 44 } else { 32 };
        let mut sample = vec![0; fixed_bytes];
        sample[fixed_bytes - 1] = records.len() as u8;
        sample.extend(records.concat());
        [&word(if expanded { 3 } else { 1 })[..], &word(sample.len()), &sample].concat()
    };
    let frame = ethernet(0x0800, &segment());
    let mut datagram = [word(5), word(1), word(7), word(0), word(1), word(2), word(3)].concat();
    datagram.extend(sample(false, &[other_record.clone(), sampled(1, &frame)]));
    datagram.extend([word(2), word(4), word(0)].concat()); // counters
    datagram.extend(sample(
        true,
        &[sampled(11, &segment()), other_record.clone(), sampled(1, &ethernet(0x0806, &[]))],
    ));
    datagram.extend(sample(false, &[other_record]));
    let mut udp = vec![0x50, 0, 0x18, 0xc7];
    udp.extend((8 + datagram.len() as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(datagram);
    let said = told(LinkType::RAW, &[ipv4(17, &udp)]);
    assert_eq!(said, ["5 bytes", "5 bytes", "sFlow: ARP", "sFlow: sFlow management and control"]);
}

#[test]
fn link_types_that_few_tools_read() {
    let inner = segment();
    let mut infiniband = vec![0, 2, 0, 1, 0, 21, 0, 2, 0x64, 0, 0xff, 0xff, 0, 0, 0, 9, 0, 0, 0, 1];
    infiniband.extend([0, 0, 0, 0, 0, 0, 0, 5, 8, 0, 0, 0]);
    infiniband.extend(&inner);
    let mpls = [&[0, 2, 1, 64][..], &inner].concat();
    let cisco = [&[1, 0x0f, 0, 8, 0][..], &inner].concat();
    for (link_type, packet) in [
        (LinkType::INFINIBAND, infiniband),
        (LinkType::MPLS, mpls),
        (LinkType::CISCO_HDLC_WITH_DIRECTION, cisco),
    ] {
        assert_eq!(tcp(link_type, &packet, packet.len() as u32).payload(), b"hello", "{link_type}");
    }
}

#[test]
fn what_is_not_read_is_named_with_the_tunnel_around_it() {
    let ppp = [0x30, 1, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0xfd];
    let quoted_udp = ipv4(1, &[&[3, 3, 0, 0, 0, 0, 0, 0][..], &ipv4(17, &[0; 8])].concat());
    let packets =
        [ipv4(47, &ppp), ipv4(50, &[0; 20]), ipv4(200, &[]), quoted_udp, ipv4(4, &ipv4(89, &[0; 20]))];
    assert_eq!(
        told(LinkType::RAW, &packets),
        ["GRE: PPP compressed or encrypted", "ESP encrypted", "IP protocol 200", "ICMP", "IP in IP: OSPF"]
    );
    assert_eq!(told(LinkType(147), &[vec![0; 40]]), ["link type 147"]);
    assert_eq!(told(LinkType(227), &[vec![0; 40]]), ["CAN, as Linux captures it"]);
}
