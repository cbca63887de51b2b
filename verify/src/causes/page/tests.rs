use super::*;

fn page(tally: Tally) -> Page {
    let line = Line {
        name: "calm".to_owned(),
        about: "nothing is lost".to_owned(),
        tally,
        unclear: 1,
        unmatched: 2,
        unknowable: 3,
    };
    Page { kernel: "6.1".to_owned(), command: "causes".to_owned(), seed: 7, lines: vec![line.clone(), line] }
}

/// So many probes, of which so many are called timeouts, with this confidence.
fn probes(count: u64, wrong: u64, confidence: u8) -> Tally {
    let mut tally = Tally::default();
    for number in 0..count {
        let said = if number < wrong { Said::Timeout } else { Said::Probe };
        Vantage::ALL.iter().for_each(|vantage| tally.add(*vantage, Some(Class::Probe), said, confidence));
    }
    tally
}

#[test]
fn the_table_says_what_was_said_of_each_class() {
    let mut tally = probes(40, 10, 75);
    tally.add(Vantage::Sender, None, Said::Recovery, 50);
    tally.add(Vantage::Sender, None, Said::First("new-data"), 90);
    let text = page(tally).text();
    assert!(
        text.contains("80 retransmissions in 2 scenarios. Not counted: 2 whose stack says nothing, 4 that"),
        "{text}"
    );
    assert!(text.contains("| | timeout | tail-loss probe | recovery | right |\n"), "{text}");
    assert!(text.contains("| tail-loss probe | 20 | 60 | | 75.0 % |\n"), "{text}");
    assert!(text.contains("| sent for the first time | | | 2 | - |\n"), "{text}");
    assert!(text.contains("of 4 first sendings 2 are called repetitions"), "{text}");
    assert!(text.contains("| sender | 75 % | 75.0 % | 80 |\n| receiver"), "{text}");
    assert!(text.contains("| calm | nothing is lost | 40 | 75.0 % | 75.0 % | 1 |\n"), "{text}");
}

#[test]
fn each_bar_is_watched() {
    let short = |tally| page(tally).shortfalls().join("\n");
    assert_eq!(short(probes(100, 0, 100)), "");
    let sender = short(probes(100, 2, 100));
    assert_eq!(sender, "sender: all causes 98.0 %, not 99 %");
    let class = short(probes(100, 11, 90));
    assert!(class.contains("receiver: tail-loss probe 89.0 %, not 90 %"), "{class}");
    let sure = short(probes(100, 0, 90));
    assert_eq!(sure.lines().count(), 2);
    assert!(sure.starts_with("sender: of what is stated at 90 %, 100.0 % of 200 is right"), "{sure}");
    assert_eq!(short(probes(9, 9, 100)), "", "of a few a share says nothing");
}

#[test]
fn only_the_generated_part_of_a_page_changes() {
    let page = page(probes(1, 0, 90));
    let before = format!("# Title\n\n{BEGIN}\nold\n{END}\n\nThe end.\n");
    let after = page.put_into(&before).expect("it has markers");
    assert!(after.starts_with("# Title\n") && after.ends_with("\n\nThe end.\n") && !after.contains("old"));
    assert_eq!(page.put_into(&after).as_deref(), Ok(after.as_str()), "it can be done again");
    assert!(page.put_into("no markers").is_err() && page.put_into(END).is_err());
}
