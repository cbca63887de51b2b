use super::*;
use crate::{Error, Seq};
use alloc::vec::Vec;
use proptest::prelude::*;

fn syn(timestamps: bool) -> Header {
    Header {
        flags: Flags::SYN,
        options: Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: timestamps.then_some(Timestamps { value: 1, echo: 0 }),
            ..Options::default()
        },
        ..Header::default()
    }
}

fn options_of(header: &Header, layout: OptionLayout) -> Vec<u8> {
    let mut bytes = [0xee; HEADER_BYTES_MAX];
    let len = header.emit(&mut bytes, layout);
    assert_eq!(len, header.len_bytes(layout));
    assert_eq!(usize::from(bytes[12] >> 4) * 4, len);
    bytes[20..len].to_vec()
}

#[test]
fn a_syn_has_the_order_that_linux_writes() {
    let with = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    assert_eq!(options_of(&syn(true), OptionLayout::Linux), with);
    assert_eq!(options_of(&syn(false), OptionLayout::Linux), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);
}

#[test]
fn a_syn_has_the_order_that_freebsd_writes() {
    let with = [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(options_of(&syn(true), OptionLayout::FreeBsd), with);
    assert_eq!(options_of(&syn(false), OptionLayout::FreeBsd), [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 0, 0]);
    let mut no_scale = syn(false);
    no_scale.options.window_scale = None;
    assert_eq!(options_of(&no_scale, OptionLayout::FreeBsd), [2, 4, 5, 180, 4, 2, 0, 0]);
}

#[test]
fn sack_blocks_that_do_not_fit_are_left_out_from_the_last() {
    let mut header = Header::default();
    header.options.timestamps = Some(Timestamps { value: 9, echo: 8 });
    for number in 0..4 {
        let left = Seq::new(number * 100);
        assert!(header.options.sack.push(SackBlock { left, right: left + 50 }));
    }
    for layout in [OptionLayout::Linux, OptionLayout::FreeBsd] {
        let mut bytes = [0; HEADER_BYTES_MAX];
        assert_eq!(header.emit(&mut bytes, layout), 60);
        let (back, _) = Header::parse(&bytes).unwrap();
        assert_eq!(back.options.sack.as_slice(), &header.options.sack.as_slice()[..3]);
        assert_eq!(&bytes[20..24], &[1, 1, 8, 10]);
        assert_eq!(&bytes[32..36], &[1, 1, 5, 26]);
    }
}

#[test]
fn fast_open_is_read_in_both_places() {
    for experimental in [false, true] {
        for cookie in [&b""[..], b"four", b"eightxxx", b"sixteen bytes ok"] {
            let mut header = syn(true);
            let plain = FastOpenCookie::new(cookie).unwrap();
            let fast_open = if experimental { plain.as_experiment() } else { plain };
            header.options.fast_open = Some(fast_open);
            let parsed = Options::parse(&options_of(&header, OptionLayout::Linux));
            assert_eq!(parsed, header.options);
        }
    }
    assert_eq!(Options::parse(&[34, 5, 1, 2, 3, 0]).fast_open, None);
    assert_eq!(Options::parse(&[254, 4, 0xab, 0xcd]).fast_open, None);
}

/// RFC 9293 §3.1, MUST-6: options of unknown kind are ignored, all of which have a length (MUST-68).
#[test]
fn unknown_options_are_skipped() {
    let bytes = [30, 4, 0, 0, 173, 5, 1, 2, 3, 253, 2, 2, 4, 5, 180, 0];
    assert_eq!(Options::parse(&bytes), Options { mss: Some(1460), ..Options::default() });
    let kinds: Vec<u8> = RawOptions::new(&bytes).map(|option| option.unwrap().kind).collect();
    assert_eq!(kinds, [30, 173, 253, 2, 0]);
}

/// RFC 9768 §3.2.3, table 5: fields may be missing from the end; of a length not its own the whole fields count.
#[test]
fn accurate_ecn_is_read_in_both_orders_and_at_every_length() {
    let fields = [0, 0, 1, 0, 0, 2, 0xff, 0xff, 0xff, 9, 9, 9];
    for (kind, [first, second, third]) in [(172u8, [0usize, 1, 2]), (174, [2, 1, 0])] {
        for data in 0..=12u8 {
            let bytes = [&[kind, 2 + data][..], &fields[..usize::from(data)]].concat();
            let option = Options::parse(&bytes).accurate_ecn.unwrap();
            let seen = [option.e0b(), option.ceb(), option.e1b()];
            assert_eq!(seen[first], (data >= 3).then_some(1), "{kind} {data}");
            assert_eq!(seen[second], (data >= 6).then_some(2), "{kind} {data}");
            assert_eq!(seen[third], (data >= 9).then_some(0xff_ffff), "{kind} {data}");
            // What is written again has whole fields alone.
            let again = options_of(
                &Header {
                    options: Options { accurate_ecn: Some(option), ..Options::default() },
                    ..Header::default()
                },
                OptionLayout::Linux,
            );
            let whole = data.min(9) / 3 * 3;
            assert_eq!((again[0], again[1], again.len() % 4), (kind, 2 + whole, 0));
        }
    }
    assert_eq!(AccurateEcn::with_e1b_first(&[1 << 24 | 7]).e1b(), Some(7), "modulo 2^24");
}

/// RFC 9293 §3.1, MUST-7: an illegal length such as zero must be coped with.
#[test]
fn an_impossible_length_ends_the_list_and_is_reported() {
    for (bad, len) in [
        (&[19, 0, 3, 3, 7][..], Some(0)),
        (&[19, 1, 3, 3, 7], Some(1)),
        (&[19, 6, 3, 3, 7], Some(6)),
        (&[19], None),
    ] {
        let bytes: Vec<u8> = [&[2, 4, 5, 180, 1][..], bad].concat();
        assert_eq!(Options::parse(&bytes), Options { mss: Some(1460), ..Options::default() });
        let last = RawOptions::new(&bytes).last().unwrap();
        assert_eq!(last, Err(MalformedOption { kind: 19, len_bytes: len, offset_bytes: 5 }));
    }
}

#[test]
fn a_known_option_of_a_length_not_its_own_is_skipped() {
    let bytes = [2, 3, 5, 8, 3, 1, 4, 3, 1, 5, 9, 1, 2, 3, 4, 5, 6, 7, 3, 3, 9];
    assert_eq!(Options::parse(&bytes), Options { window_scale: Some(9), ..Options::default() });
}

/// MUST-69: what follows END is padding, even if it looks like an option.
#[test]
fn nothing_is_read_after_the_end() {
    assert_eq!(Options::parse(&[0, 2, 4, 5, 180]), Options::default());
}

#[test]
fn a_short_segment_says_what_is_missing() {
    let mut bytes = [0; 20];
    assert_eq!(Header::parse(&bytes[..19]), Err(Error::Truncated { needed_bytes: 20, available_bytes: 19 }));
    bytes[12] = 0x40;
    assert_eq!(Header::parse(&bytes), Err(Error::HeaderLength { found_bytes: 16 }));
    bytes[12] = 0x60;
    assert_eq!(Header::parse(&bytes), Err(Error::Truncated { needed_bytes: 24, available_bytes: 20 }));
    assert!(Header::parse_fixed(&bytes).is_ok());
}

fn any_options() -> impl Strategy<Value = Options> {
    let sack = proptest::collection::vec(any::<(u32, u32)>(), 0..=4);
    let cookie = proptest::option::of((prop_oneof![Just(0usize), 4usize..=16], any::<bool>()));
    let accurate = proptest::option::of((any::<bool>(), proptest::collection::vec(0u32..1 << 24, 0..=3)));
    let cookie = (cookie, accurate);
    (any::<[Option<u16>; 1]>(), any::<Option<u8>>(), any::<bool>(), any::<Option<(u32, u32)>>(), sack, cookie)
        .prop_map(|([mss], window_scale, sack_permitted, timestamps, blocks, (cookie, accurate))| {
            let mut options = Options {
                mss,
                window_scale,
                sack_permitted,
                timestamps: timestamps.map(|(value, echo)| Timestamps { value, echo }),
                ..Options::default()
            };
            for (left, right) in blocks {
                options.sack.push(SackBlock { left: Seq::new(left), right: Seq::new(right) });
            }
            options.accurate_ecn = accurate.map(|(e0b_first, counters)| {
                if e0b_first {
                    AccurateEcn::with_e0b_first(&counters)
                } else {
                    AccurateEcn::with_e1b_first(&counters)
                }
            });
            options.fast_open = cookie.map(|(len, experimental)| {
                let plain = FastOpenCookie::new(&[7; 16][..len]).unwrap();
                if experimental { plain.as_experiment() } else { plain }
            });
            options
        })
}

prop_compose! {
    fn any_header()(
        ports in any::<(u16, u16)>(), numbers in any::<(u32, u32)>(), flags in 0u16..0x200,
        window in any::<u16>(), urgent in any::<u16>(), options in any_options(),
    ) -> Header {
        Header {
            source_port: ports.0,
            destination_port: ports.1,
            seq: Seq::new(numbers.0),
            ack: Seq::new(numbers.1),
            flags: Flags::from_bits(flags),
            window,
            urgent,
            options,
        }
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = Header::parse(&bytes);
        for option in RawOptions::of_segment(&bytes) {
            let _ = option;
        }
    }

    #[test]
    fn what_is_emitted_reads_back_as_it_was(header in any_header(), free_bsd in any::<bool>()) {
        let layout = if free_bsd { OptionLayout::FreeBsd } else { OptionLayout::Linux };
        let mut bytes = [0; HEADER_BYTES_MAX];
        let len = header.emit(&mut bytes, layout);
        prop_assert_eq!(len, header.len_bytes(layout));
        let (back, header_bytes) = Header::parse(&bytes[..len]).unwrap();
        prop_assert_eq!(header_bytes, len);
        // What did not fit was left out, from the end of the order of importance; the rest is identical.
        let kept = Options {
            sack: back.options.sack,
            fast_open: back.options.fast_open.or(header.options.fast_open),
            ..header.options
        };
        prop_assert!(header.options.sack.as_slice().starts_with(back.options.sack.as_slice()));
        prop_assert_eq!(Options { fast_open: kept.fast_open, ..back.options }, kept);
        prop_assert_eq!(Header { options: header.options, ..back }, header);
        // And once more it is a fixed point.
        let mut again = [0; HEADER_BYTES_MAX];
        let len_again = back.emit(&mut again, layout);
        prop_assert_eq!(&again[..len_again], &bytes[..len_again]);
    }

    #[test]
    fn etherparse_reads_what_we_emit(mut header in any_header()) {
        // It does not know AccECN, and stops there.
        header.options.accurate_ecn = None;
        let mut bytes = [0; HEADER_BYTES_MAX];
        let len = header.emit(&mut bytes, OptionLayout::Linux);
        let (theirs, rest) = etherparse::TcpHeader::from_slice(&bytes[..len]).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(theirs.source_port, header.source_port);
        prop_assert_eq!(theirs.sequence_number, header.seq.number());
        prop_assert_eq!(theirs.acknowledgment_number, header.ack.number());
        prop_assert_eq!((theirs.syn, theirs.fin, theirs.ns), (header.flags.syn(), header.flags.fin(), header.flags.contains(Flags::AE)));
        prop_assert_eq!((theirs.window_size, theirs.urgent_pointer), (header.window, header.urgent));
        let (ours, _) = Header::parse(&bytes[..len]).unwrap();
        let mut seen = Options::default();
        for element in theirs.options_iterator() {
            use etherparse::TcpOptionElement as E;
            match element {
                Ok(E::MaximumSegmentSize(mss)) => seen.mss = Some(mss),
                Ok(E::WindowScale(shift)) => seen.window_scale = Some(shift),
                Ok(E::SelectiveAcknowledgementPermitted) => seen.sack_permitted = true,
                Ok(E::Timestamp(value, echo)) => seen.timestamps = Some(Timestamps { value, echo }),
                Ok(E::SelectiveAcknowledgement(first, rest)) => {
                    for (left, right) in core::iter::once(first).chain(rest.into_iter().flatten()) {
                        seen.sack.push(SackBlock { left: Seq::new(left), right: Seq::new(right) });
                    }
                }
                Ok(E::Noop) => {}
                Err(_) => break, // Fast Open, which it does not know, stands last
            }
        }
        prop_assert_eq!(Options { fast_open: ours.options.fast_open, ..seen }, ours.options);
    }
}
