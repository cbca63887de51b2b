use super::*;

#[test]
fn a_value_is_for_both_directions_or_there_is_one_for_each() {
    let rates = pair(units::rate);
    assert_eq!(rates("100mbit"), Ok(Pair::same(100_000_000)));
    assert_eq!(rates("100mbit/10mbit"), Ok(Pair { there: 100_000_000, back: 10_000_000 }));
    for (text, says) in
        [("100mbit/", "is not a rate"), ("/1mbit", "is not a rate"), ("1mbit/2mbit/3mbit", "needs a unit")]
    {
        assert!(rates(text).expect_err(text).contains(says), "{text}: {:?}", rates(text));
    }
}

#[test]
fn queues_are_products_bytes_or_packets() {
    assert_eq!(length("1bdp"), Ok(Length::Products(1.0)));
    assert_eq!(length("0.5bdp"), Ok(Length::Products(0.5)));
    assert_eq!(length("64k"), Ok(Length::Limit(QueueLimit::Bytes(64_000))));
    assert_eq!(length("100p"), Ok(Length::Limit(QueueLimit::Packets(100))));
    for text in ["bdp", "0bdp", "-1bdp", "1e9bdp", "nanbdp", "0p", "many"] {
        assert!(length(text).is_err(), "{text}");
    }
}

#[test]
fn percentages_go_up_to_certainty() {
    assert_eq!((percent("0.1%"), percent("5"), percent("100%")), (Ok(0.1), Ok(5.0), Ok(100.0)));
    for text in ["101%", "-1%", "nan", "%", "a few"] {
        assert!(percent(text).expect_err(text).contains("is not a percentage from 0% to 100%"), "{text}");
    }
}

#[test]
fn times_begin_last_and_come_again() {
    let ms = Duration::from_millis;
    let when = |first, lasts, every| Recurring { first: Instant::from_millis(first), lasts, every };
    assert_eq!(times("10s+500ms"), Ok(when(10_000, ms(500), None)));
    assert_eq!(times("0+1s+1min"), Ok(when(0, ms(1_000), Some(ms(60_000)))));
    assert_eq!(spike("50ms@2s+1s"), Ok(Spike { by: ms(50), when: when(2_000, ms(1_000), None) }));
    for (text, says) in [
        ("10s", "is not START+LENGTH"),
        ("1s+2s+3s+4s", "is not START+LENGTH"),
        ("1s+2", "needs a unit"),
        ("1s+2s+2s", "would never end"),
        ("", "is not a time"),
    ] {
        assert!(times(text).expect_err(text).contains(says), "{text}: {:?}", times(text));
    }
    assert!(spike("50ms").expect_err("no time").contains("TIME@START+LENGTH"));
    assert!(spike("50@1s+1s").is_err());
}

#[test]
fn a_middlebox_does_what_its_words_say() {
    let words = |text: &str| text.split(',').map(meddling).collect::<Result<Vec<_>, _>>();
    let all = "bleach,clear-ecn-flags,drop-syn-text,drop-syn-ecn,drop-syn-option=fast-open,drop-syn-option=accecn,\
               strip=sack,strip=77,mss=1200,split=500,merge=9000";
    let middlebox = middlebox(&words(all).expect("words")).expect("somebody");
    assert_eq!(middlebox.ecn, EcnRewrite::BLEACHED);
    assert_eq!(middlebox.clears, Flags::AE | Flags::CWR | Flags::ECE);
    assert_eq!(middlebox.drops.text, SynText::Dropped);
    assert_eq!(middlebox.drops.flags, Flags::CWR | Flags::ECE);
    assert_eq!(middlebox.drops.options, [34, 172, 174]);
    assert_eq!(middlebox.strips, [4, 5, 77]);
    assert_eq!((middlebox.mss_bytes_max, middlebox.split_to_bytes), (Some(1_200), Some(500)));
    assert_eq!(middlebox.merge_to_bytes, Some(9_000));
    let field = |text: &str| super::middlebox(&words(text).expect("a word")).expect("somebody").ecn;
    assert_eq!(field("mark-all"), EcnRewrite::ALL_MARKED);
    assert_eq!(field("hide-l4s"), EcnRewrite { capable1: Ecn::Capable0, ..EcnRewrite::LEFT });
    assert_eq!(super::middlebox(&[]), None);
    for text in
        ["bleach=1", "strip", "strip=0", "strip=256", "mss=0", "mss=65536", "drop-syn-option=what", ""]
    {
        assert!(words(text).is_err(), "{text}");
    }
    assert!(words("polite").expect_err("no such word").contains("none of bleach"));
}

#[test]
fn an_end_is_a_device_perhaps_in_a_namespace() {
    let named = |namespace: Option<&str>, device: &str| EndName {
        namespace: namespace.map(str::to_owned),
        device: device.to_owned(),
    };
    assert_eq!(end("tun0"), Ok(named(None, "tun0")));
    assert_eq!(end("lab/tun1"), Ok(named(Some("lab"), "tun1")));
    assert_eq!(end("lab/tun1").expect("an end").to_string(), "lab/tun1");
    for text in ["", "/", "lab/", "/tun0", "a/b/c", "../tun0", "./x", "-x", "a b"] {
        assert!(end(text).is_err(), "{text}");
    }
}
