//! Packets in every kind of layers that can be read, built from the layouts of the standards.

use synfin_capture::LinkType;

/// 10.0.0.1:8080 -> 10.0.0.2:80 with a payload of this many bytes; the TCP checksum is left to the link.
pub(crate) fn segment(payload_bytes: usize) -> Vec<u8> {
    let total = (40 + payload_bytes) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    let sum = wire::checksum::of(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([0x1f, 0x90, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    packet.extend((0..payload_bytes).map(|at| at as u8));
    packet
}

/// A data frame of IEEE 802.11 around `rest`: flags, the QoS control field if there is one, and what follows.
pub(crate) fn wifi(flags: u8, qos: Option<u8>, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![if qos.is_some() { 0x88 } else { 0x08 }, flags, 0, 0];
    for station in 1..=3 {
        frame.extend([2, 0, 0, 0, 0, station]);
    }
    frame.extend([0x10, 0]);
    if flags & 3 == 3 {
        frame.extend([2, 0, 0, 0, 0, 4]);
    }
    frame.extend(qos.into_iter().flat_map(|qos| [qos, 0]));
    if qos.is_some() && flags & 0x80 != 0 {
        frame.extend([0; 4]);
    }
    [&frame, rest].concat()
}

/// The subframes of an A-MSDU, each padded but the last.
pub(crate) fn amsdu(msdus: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    for msdu in msdus {
        all.resize(all.len().next_multiple_of(4), 0);
        all.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
        all.extend((msdu.len() as u16).to_be_bytes());
        all.extend(msdu);
    }
    all
}

/// A radiotap header with this flags field, behind a time if asked.
pub(crate) fn radiotap(flags: u8, with_time: bool, rest: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 0, 0, 0, 2 | u8::from(with_time), 0, 0, 0];
    if with_time {
        header.extend([0; 8]);
    }
    header.push(flags);
    header[2] = header.len() as u8;
    [&header, rest].concat()
}

/// A TCP segment in IEEE 802.11 as captures have it.
pub(crate) fn wrapped_in_wifi() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &segment(5)].concat();
    let plain = wifi(2, None, &snap);
    let wrong_fcs = [1, 2, 3, 4];
    let ppi = |flags: u8| {
        let mut header = vec![0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0];
        header.extend([0; 8]);
        header.extend([flags, 0]);
        header.extend([0; 10]);
        header
    };
    let mut prism = vec![0x44, 0, 0, 0, 144, 0, 0, 0];
    prism.resize(144, 0);
    let mut avs = vec![0x80, 0x21, 0x10, 1, 0, 0, 0, 64];
    avs.resize(64, 0);
    let several_words = {
        let mut header = vec![0, 0, 17, 0, 2, 0, 0, 0xa0, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0x10];
        header.extend([&wifi(1, Some(0), &snap)[..], &wrong_fcs].concat());
        header
    };
    let (bare, tap) = (LinkType::IEEE802_11, LinkType::IEEE802_11_RADIOTAP);
    vec![
        ("802.11", bare, plain.clone()),
        ("802.11 to the ds", bare, wifi(1, None, &snap)),
        ("802.11 ad hoc", bare, wifi(0, None, &snap)),
        ("802.11 four addresses", bare, wifi(3, None, &snap)),
        ("802.11 qos", bare, wifi(2, Some(5), &snap)),
        ("802.11 qos four addresses", bare, wifi(3, Some(0), &snap)),
        ("802.11 ht control", bare, wifi(0x82, Some(0), &snap)),
        ("802.11 order without qos", bare, wifi(0x82, None, &snap)),
        ("802.11 a-msdu", bare, wifi(2, Some(0x80), &amsdu(std::slice::from_ref(&snap)))),
        ("radiotap", tap, radiotap(0, false, &plain)),
        ("radiotap time", tap, radiotap(0, true, &plain)),
        ("radiotap fcs", tap, radiotap(0x10, true, &[&plain[..], &wrong_fcs].concat())),
        ("radiotap several words", tap, several_words),
        (
            "radiotap pad",
            tap,
            radiotap(0x20, false, &{
                let mut padded = wifi(2, Some(0), &[]);
                padded.extend([0, 0]);
                padded.extend(&snap);
                padded
            }),
        ),
        ("ppi", LinkType::PPI, [&ppi(0)[..], &plain].concat()),
        ("ppi fcs", LinkType::PPI, [&ppi(1)[..], &plain, &wrong_fcs].concat()),
        ("prism", LinkType::IEEE802_11_PRISM, [&prism[..], &plain].concat()),
        ("avs", LinkType::IEEE802_11_AVS, [&avs[..], &plain].concat()),
        ("avs as prism", LinkType::IEEE802_11_PRISM, [&avs[..], &plain].concat()),
    ]
}

/// A TCP segment in each kind of layers: a name, the link type, the packet.
pub(crate) fn wrapped() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let inner = segment(5);
    let with = |start: &[u8]| [start, &inner].concat();
    let ethernet = |ethertype: u16, rest: &[u8]| {
        [&[0, 0, 0xc, 0, 0, 1, 0, 0, 0xc, 0, 0, 2][..], &ethertype.to_be_bytes(), rest].concat()
    };
    let ipv4 = |protocol: u8, rest: &[u8]| {
        let mut header = segment(0)[..20].to_vec();
        header[2..4].copy_from_slice(&(20 + rest.len() as u16).to_be_bytes());
        header[9] = protocol;
        header[10..12].fill(0);
        let sum = wire::checksum::of(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header[15] = 99;
        [&header, rest].concat()
    };
    let udp = |port: u16, rest: &[u8]| {
        let len = 8 + rest.len() as u16;
        let from = 0xc000 | port; // another for each tunnel: tshark remembers what it took a conversation for
        ipv4(17, &[&from.to_be_bytes(), &port.to_be_bytes()[..], &len.to_be_bytes(), &[0, 0], rest].concat())
    };
    let eth_inner = ethernet(0x0800, &inner);
    let ipv6 = |next: u8, rest: &[u8]| {
        let mut header = vec![0x6a, 0xb1, 0x23, 0x45];
        header.extend((rest.len() as u16).to_be_bytes());
        header.extend([next, 64]);
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        header.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        [&header, rest].concat()
    };
    let tcp = &inner[20..];
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &inner].concat();
    let raw = LinkType::RAW;
    vec![
        ("plain", LinkType::ETHERNET, eth_inner.clone()),
        ("padded", LinkType::ETHERNET, [&eth_inner[..], &[0; 9]].concat()),
        ("vlan", LinkType::ETHERNET, ethernet(0x8100, &with(&[0x20, 5, 8, 0]))),
        ("qinq", LinkType::ETHERNET, ethernet(0x88a8, &with(&[0, 7, 0x81, 0, 0, 5, 8, 0]))),
        ("pppoe", LinkType::ETHERNET, ethernet(0x8864, &with(&[0x11, 0, 0, 1, 0, 47, 0, 0x21]))),
        ("mpls", LinkType::ETHERNET, ethernet(0x8847, &with(&[0, 1, 0, 64, 0, 2, 1, 64]))),
        (
            "pseudowire",
            LinkType::ETHERNET,
            ethernet(0x8847, &[&[0, 2, 1, 64, 0, 0, 0, 0][..], &eth_inner].concat()),
        ),
        ("snap", LinkType::ETHERNET, ethernet(snap.len() as u16, &snap)),
        ("fddi", LinkType::FDDI, [&[0x50, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &snap].concat()),
        ("raw 12", LinkType::RAW_BSD, inner.clone()),
        ("raw 14", LinkType::RAW_OPENBSD, inner.clone()),
        ("ipv4", LinkType::IPV4, inner.clone()),
        ("null", LinkType::NULL, with(&[2, 0, 0, 0])),
        ("null big-endian", LinkType::NULL, with(&[0, 0, 0, 2])),
        ("loop", LinkType::LOOP, with(&[0, 0, 0, 2])),
        ("sll", LinkType::LINUX_SLL, with(&[0, 4, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0])),
        ("sll2", LinkType::LINUX_SLL2, with(&[8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0])),
        ("ppp", LinkType::PPP, with(&[0xff, 3, 0, 0x21])),
        ("ppp short", LinkType::PPP, with(&[0x21])),
        ("ppp hdlc", LinkType::PPP_HDLC, with(&[0xff, 3, 0, 0x21])),
        ("ppp as cisco", LinkType::PPP, with(&[0x0f, 0, 8, 0])),
        ("ppp pppd", LinkType::PPP_WITH_DIRECTION, with(&[1, 0xff, 3, 0, 0x21])),
        ("cisco", LinkType::CISCO_HDLC, with(&[0x0f, 0, 8, 0])),
        (
            "nflog",
            LinkType::NFLOG,
            with(&[2, 0, 0, 1, 8, 0, 1, 0, 8, 0, 1, 0, 5, 0, 10, 0, b'x', 0, 0, 0, 49, 0, 9, 0]),
        ),
        ("ip in ip", raw, ipv4(4, &inner)),
        ("6in4", raw, ipv4(41, &ipv6(6, tcp))),
        ("4in6", raw, ipv6(4, &inner)),
        ("gre", raw, ipv4(47, &with(&[0, 0, 8, 0]))),
        ("gre key", raw, ipv4(47, &with(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]))),
        ("gre bridging", raw, ipv4(47, &[&[0, 0, 0x65, 0x58][..], &eth_inner].concat())),
        ("erspan", raw, {
            ipv4(
                47,
                &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0][..], &eth_inner].concat(),
            )
        }),
        ("pptp", raw, ipv4(47, &with(&[0x30, 1, 0x88, 0x0b, 0, 49, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21]))),
        ("vxlan", raw, udp(4789, &[&[8, 0, 0, 0, 0, 0, 5, 0][..], &eth_inner].concat())),
        ("geneve", raw, udp(6081, &[&[1, 0, 0x65, 0x58, 0, 0, 5, 0, 0, 0, 1, 0][..], &eth_inner].concat())),
        ("gtp-u", raw, udp(2152, &with(&[0x30, 0xff, 0, 45, 0, 0, 0, 1]))),
        (
            "gtp-u extension",
            raw,
            udp(2152, &with(&[0x34, 0xff, 0, 53, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0])),
        ),
        ("ipv6", raw, ipv6(6, tcp)),
        ("hop by hop", raw, ipv6(0, &[&[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0][..], tcp].concat())),
        ("ah", raw, ipv6(51, &[&[6, 4, 0, 0][..], &[0; 20], tcp].concat())),
        ("atomic fragment", raw, ipv6(44, &[&[6, 0, 0, 0, 0, 0, 0, 9][..], tcp].concat())),
        ("gre wccp", raw, ipv4(47, &with(&[0, 0, 0x88, 0x3e, 0, 0, 0, 0]))),
        ("erspan i", raw, ipv4(47, &[&[0, 0, 0x88, 0xbe][..], &eth_inner].concat())),
        ("erspan iii", raw, {
            let header = [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 0][..], &[0; 8]].concat();
            ipv4(47, &[&header[..], &eth_inner].concat())
        }),
        ("erspan iii subheader", raw, {
            let mut header = vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20];
            header.extend([0; 10]);
            header.push(1);
            header.extend([0x38, 0, 0, 0, 0, 0, 0, 0]);
            ipv4(47, &[&header[..], &eth_inner].concat())
        }),
        ("vxlan gpe ip", raw, udp(4790, &with(&[0x0c, 0, 0, 1, 0, 0, 5, 0]))),
        ("vxlan gpe ethernet", raw, udp(4790, &[&[0x0c, 0, 0, 3, 0, 0, 5, 0][..], &eth_inner].concat())),
        ("nsh", LinkType::ETHERNET, {
            let header = [&[0, 6, 1, 3, 0, 0, 1, 255][..], &[0; 16]].concat();
            ethernet(0x894f, &[&header[..], &eth_inner].concat())
        }),
        ("l2tp v2", raw, udp(1701, &with(&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21]))),
        ("l2tp v2 all fields", raw, {
            let mut rest = with(&[0x4a, 2, 0, 0, 0, 1, 0, 1, 0, 7, 0, 8, 0, 2, 9, 9, 0xff, 3, 0, 0x21]);
            rest[3] = rest.len() as u8;
            udp(1701, &rest)
        }),
        ("teredo", raw, udp(3544, &ipv6(6, tcp))),
        ("teredo origin", raw, udp(3544, &[&[0, 0, 1, 2, 3, 4, 5, 6][..], &ipv6(6, tcp)].concat())),
        (
            "teredo authenticated",
            raw,
            udp(3544, &[&[0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0][..], &ipv6(6, tcp)].concat()),
        ),
        ("ayiya", raw, {
            let header = [&[0x41, 0x52, 0x11, 41, 0, 0, 0, 1][..], &[7; 16], &[9; 20]].concat();
            udp(5072, &[&header[..], &ipv6(6, tcp)].concat())
        }),
        ("capwap 802.3", raw, udp(5247, &[&[0, 0x10, 0, 0, 0, 0, 0, 0][..], &eth_inner].concat())),
        ("capwap 802.11", raw, {
            let mut swapped = wifi(1, None, &snap);
            swapped.swap(0, 1);
            udp(5247, &[&[0, 0x10, 0x03, 0, 0, 0, 0, 0][..], &swapped].concat())
        }),
        ("gre in udp", raw, udp(4754, &with(&[0, 0, 8, 0]))),
        ("mpls in udp", raw, udp(6635, &with(&[0, 2, 1, 64]))),
        ("802.1ah", LinkType::ETHERNET, ethernet(0x88e7, &[&[0, 0, 0, 9][..], &eth_inner].concat())),
        ("802.1br", LinkType::ETHERNET, ethernet(0x893f, &with(&[0, 0, 0, 9, 0, 0, 8, 0]))),
        (
            "fabricpath and its checksum",
            LinkType::ETHERNET,
            ethernet(0x8903, &[&[0, 0x60][..], &eth_inner, &[1, 2, 3, 4]].concat()),
        ),
        ("trill", LinkType::ETHERNET, ethernet(0x22f3, &[&[0, 0x3f, 0, 1, 0, 2][..], &eth_inner].concat())),
        ("hsr", LinkType::ETHERNET, ethernet(0x892f, &with(&[0x10, 55, 0, 1, 8, 0]))),
        ("cisco metadata", LinkType::ETHERNET, ethernet(0x8909, &with(&[1, 1, 0, 1, 0, 9, 8, 0]))),
        ("macsec without encryption", LinkType::ETHERNET, {
            ethernet(0x88e5, &[&with(&[0, 0, 0, 0, 0, 1, 8, 0])[..], &[0; 16]].concat())
        }),
        (
            "token ring",
            LinkType::TOKEN_RING,
            [&[0x10, 0x40, 0, 0, 0xc, 0, 0, 1, 0, 0, 0xc, 0, 0, 2][..], &snap].concat(),
        ),
        ("token ring routed", LinkType::TOKEN_RING, {
            let header = [0x10, 0x40, 0, 0, 0xc, 0, 0, 1, 0x80, 0, 0xc, 0, 0, 2, 6, 0x30, 0, 0x11, 0, 0x20];
            [&header[..], &snap].concat()
        }),
        ("atm llc", LinkType::ATM_LLC, snap.clone()),
        ("frame relay", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 3, 0xcc])),
        ("frame relay snap", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0])),
        ("frame relay cisco", LinkType::FRAME_RELAY, with(&[0x18, 0x41, 8, 0])),
        ("arcnet", LinkType::ARCNET, with(&[1, 2, 212, 0, 0, 1])),
        ("arcnet exception", LinkType::ARCNET, with(&[1, 2, 212, 0xff, 0xff, 0xff, 212, 0, 0, 1])),
        ("arcnet linux", LinkType::ARCNET_LINUX, with(&[1, 2, 0, 0, 212, 0, 0, 1])),
        ("fibre channel", LinkType::IP_OVER_FIBRE_CHANNEL, [&[0; 16][..], &snap].concat()),
        (
            "firewire",
            LinkType::IP_OVER_FIREWIRE,
            with(&[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 8, 0]),
        ),
        ("infiniband ip", LinkType::IP_OVER_INFINIBAND, [&[0; 40][..], &[8, 0, 0, 0], &inner].concat()),
        ("enc", LinkType::ENC, with(&[2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])),
        ("pflog", LinkType::PFLOG, [&[61, 2, 0, 0][..], &[0; 60], &inner].concat()),
        ("pktap", LinkType::PKTAP, {
            let mut header = vec![108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
            header.resize(36, 0);
            header.extend([2, 0, 0, 0]);
            header.resize(108, 0);
            [&header[..], &eth_inner].concat()
        }),
        ("juniper ethernet", LinkType::JUNIPER_ETHER, [&b"MGC\x01"[..], &eth_inner].concat()),
        (
            "juniper extensions",
            LinkType::JUNIPER_ETHER,
            [&b"MGC\x80\0\x03\x02\x01\x05"[..], &eth_inner].concat(),
        ),
        ("juniper ip", LinkType::JUNIPER_ETHER, [&b"MGC\x02\x02\0\0\0"[..], &inner].concat()),
        ("juniper ppp", LinkType::JUNIPER_PPP, [&b"MGC\x01\xff\x03\0\x21"[..], &inner].concat()),
        (
            "juniper frame relay",
            LinkType::JUNIPER_FRAME_RELAY,
            [&b"MGC\x01\x18\x41\x03\xcc"[..], &inner].concat(),
        ),
        ("juniper hdlc", LinkType::JUNIPER_CISCO_HDLC, [&b"MGC\x01\x0f\0\x08\0"[..], &inner].concat()),
        ("erf ethernet", LinkType::ERF, {
            let mut header = vec![0; 8];
            header.extend([2, 4, 0, 77, 0, 0, 0, 59, 0, 0]);
            [&header[..], &eth_inner].concat()
        }),
        ("no length", raw, {
            let mut packet = inner.clone();
            packet[2..4].fill(0);
            packet
        }),
    ]
}
