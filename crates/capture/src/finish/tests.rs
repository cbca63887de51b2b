use super::*;

/// 10.0.0.1:1 -> 10.0.0.2:2, SYN; the checksum worked out by hand: see the sums in the test.
fn syn() -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet.extend([0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x02, 0, 0, 0xaa, 0xaa, 0, 0]);
    packet
}

#[test]
fn a_tcp_checksum_is_the_one_worked_out_by_hand() {
    let mut packet = syn();
    complete_checksum(LinkType::RAW, &mut packet);
    // 0a00+0001+0a00+0002 + 0006+0014 + 0001+0002+5002 = 6422
    assert_eq!(packet[36..38], (!0x6422u16).to_be_bytes());
}

#[test]
fn ethernet_shifts_by_its_header_and_other_ethertypes_are_left_alone() {
    for (ethertype, expected) in [([8, 0], (!0x6422u16).to_be_bytes()), ([8, 6], [0xaa, 0xaa])] {
        let mut packet = vec![0; 12];
        packet.extend(ethertype);
        packet.extend(syn());
        complete_checksum(LinkType::ETHERNET, &mut packet);
        assert_eq!(packet[50..52], expected);
    }
}

#[test]
fn a_packet_that_lies_about_its_length_is_left_alone() {
    let good = syn();
    for cut in 0..good.len() {
        let mut packet = good[..cut].to_vec();
        complete_checksum(LinkType::RAW, &mut packet);
        assert_eq!(packet, good[..cut]);
    }
}
