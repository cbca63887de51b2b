use super::*;

fn envelope(ip: &str) -> Envelope {
    let (source, destination) = if ip == "4" {
        ("192.0.2.1:4000", "192.168.0.1:8080")
    } else {
        ("[2001:db8::1]:4000", "[fd00::1]:8080")
    };
    let ip = IpInfo { ecn: Some(Ecn::Ce), tos: None, ttl: Some(9), flow_label: Some(5) };
    Envelope { source: source.parse().unwrap(), destination: destination.parse().unwrap(), ip }
}

#[test]
fn what_is_built_is_what_is_read() {
    let options = vec![
        TcpOption::Mss(1460),
        TcpOption::SackPermitted,
        TcpOption::Timestamps { value: Some(1), echo: Some(2), echo_counted: Counted::FromInitial },
        TcpOption::Nop,
        TcpOption::WindowScale(7),
        TcpOption::Sack(vec![(1, 2)]),
        TcpOption::Nop,
        TcpOption::Eol,
    ];
    let tcp = LiveTcp {
        flags: Flags::SYN | Flags::AE,
        seq: Seq::new(u32::MAX),
        ack: Seq::new(7),
        window: 9,
        urgent: 3,
        options,
        text_bytes: 11,
    };
    for family in ["4", "6"] {
        let envelope = envelope(family);
        let live = live_of(Direction::In, &tcp_packet(&envelope, &tcp).unwrap());
        assert_eq!(live.body, LiveBody::Tcp(tcp.clone()));
        assert_eq!((live.source, live.destination), (envelope.source, envelope.destination));
        assert_eq!((live.tos, live.ttl), (3, 9));
        let udp = live_of(Direction::In, &udp_packet(&envelope, 10));
        assert_eq!(udp.body, LiveBody::Udp { len_bytes: 10 });
        let quote = LiveQuote { protocol: 6, seq: Seq::new(77), text_bytes: 1_460 };
        let bytes = quotation(&envelope, &quote);
        let icmp = live_of(Direction::In, &icmp_packet(&envelope, 3, 4, 1_200, &bytes));
        assert_eq!(icmp.body, LiveBody::Icmp { kind: 3, code: 4, mtu_bytes: 1_200, quoted: Some(quote) });
    }
}

#[test]
fn options_that_no_header_holds_are_complaints() {
    assert!(option_bytes(&[TcpOption::WindowScale(7)]).unwrap_err().contains("multiple of 4"));
    assert!(option_bytes(&vec![TcpOption::Mss(1); 11]).unwrap_err().contains("no more than 40"));
    assert_eq!(options_of(&[2, 4, 5, 180, 3, 9, 1]).len(), 2, "the second claims more than there is");
}
