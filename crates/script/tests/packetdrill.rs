//! The rules of packetdrill itself: how close to its time an event must be, what may follow the last one, which
//! lines count, what names stand for, and what commands mean.

use std::path::PathBuf;
use std::time::Duration;
use synfin_script::{Outcome, Run, RunOptions, run, run_recorded};
use tcp::Habits;

const LISTENS: &str =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n";
const OPENS: &str = "+0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <...>\n\
                     +0.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4\n";

fn lenient(text: &str) -> Run {
    run_recorded(text, &RunOptions::default())
}

fn failure(text: &str, options: &RunOptions) -> String {
    match run(text, options) {
        Outcome::Failed(failure) => failure.to_string(),
        other => panic!("{other:?}: {text}"),
    }
}

/// A SYN that is repeated after a second, expected somewhat later.
fn late(by: f64, options: &str) -> String {
    let again = 1.0 + by;
    format!(
        "{options}\n0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n\
         +0 connect(3, ..., ...) = -1 EINPROGRESS\n+0 > S 0:0(0) <...>\n+{again} > S 0:0(0) <...>\n+0 close(3) = 0\n"
    )
}

#[test]
fn an_event_may_be_an_eighth_of_its_time_away() {
    assert_eq!(lenient(&late(0.1, "")).outcome, Outcome::Passed);
    assert!(failure(&late(0.2, ""), &RunOptions::default()).contains("time: expected"));
    // Without a share of the time it is 4 ms.
    assert_eq!(lenient(&late(0.003, "--tolerance_percent=0")).outcome, Outcome::Passed);
    assert!(
        failure(&late(0.005, "--tolerance_percent=0"), &RunOptions::default()).contains("time: expected")
    );
    assert_eq!(lenient(&late(0.2, "--tolerance_usecs=300000")).outcome, Outcome::Passed);
    assert!(failure(&late(0.002, ""), &RunOptions::strict()).contains("time: expected"));
    // What the command line says wins.
    let exact =
        RunOptions { tolerance: Some(Duration::ZERO), tolerance_percent: Some(0.0), ..RunOptions::default() };
    assert!(failure(&late(0.2, "--tolerance_usecs=300000"), &exact).contains("time: expected"));
}

#[test]
fn what_is_sent_after_the_last_event_is_told_and_what_is_sent_before_it_is_wrong() {
    let text = format!("{LISTENS}{OPENS}+0.1 < P. 1:11(10) ack 50 win 65535\n");
    let run = lenient(&text);
    assert_eq!(run.outcome, Outcome::Passed);
    assert_eq!(run.trailing.len(), 1, "{:?}", run.trailing);
    assert!(run.trailing[0].starts_with("> . 1:1(0) ack 1 win"), "{:?}", run.trailing);
    assert!(failure(&text, &RunOptions::strict()).contains("after this the stack sent a packet"));
    let early = format!("{text}+0.1 close(3) = 0\n");
    assert!(failure(&early, &RunOptions::default()).contains("before this the stack sent a packet"));
}

#[test]
fn conditions_decide_which_lines_count() {
    let text = "#ifdef FreeBSD\n0 close(3) = 0\n#else\n#ifndef EXTRA\n0 close(3) = -1 EBADF\n#endif\n#endif\n\
                # else nothing\n+0 close(4) = -1 EBADF\n";
    let options = |habits, defines: &[(&str, &str)]| RunOptions {
        habits: Some(habits),
        defines: defines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..RunOptions::strict()
    };
    assert_eq!(run(text, &options(Habits::Linux, &[])), Outcome::Passed);
    assert_eq!(run(text, &options(Habits::Linux, &[("EXTRA", "")])), Outcome::Passed);
    let wrong = failure(text, &options(Habits::FreeBsd, &[]));
    assert!(wrong.contains("script:2:1: `close` did not return"), "lines keep their numbers: {wrong}");
    for (habits, name) in [(Habits::Linux, "Linux"), (Habits::FreeBsd, "FreeBSD"), (Habits::Rfc, "STANDARD")]
    {
        let text = format!("#ifndef {name}\nno script\n#endif\n0 close(3) = -1 EBADF\n");
        assert_eq!(run(&text, &options(habits, &[])), Outcome::Passed, "{name}");
    }
    let own = "--define=WITH=1\n#ifdef WITH\n0 close(3) = -1 EBADF\n#else\nno script\n#endif\n";
    assert_eq!(run(own, &RunOptions::strict()), Outcome::Passed);
    // A script that only one system could play has that system's names.
    let freebsd = "`sysctl net.inet.tcp.sack.enable=1`\n#ifdef FreeBSD\n+0 close(3) = -1 EBADF\n#else\nno script\n#endif\n";
    assert_eq!(run(freebsd, &RunOptions::strict()), Outcome::Passed);
    for (text, said) in [
        ("0 close(3) = 0\n#else\n", "script:2:1: this `#else` belongs to no `#ifdef`"),
        ("#endif\n", "script:1:1: this `#endif` belongs to no `#ifdef`"),
        ("0 `true`\n#ifdef A\n", "script:2:1: the `#endif` of this condition is missing"),
        ("#ifdef\n#endif\n", "script:1:1: the name of this condition is missing"),
        ("#ifdef A\n#else\n#else\n#endif\n", "script:3:1: this `#else` belongs to no `#ifdef`"),
    ] {
        assert!(failure(text, &RunOptions::strict()).starts_with(said), "{text}");
    }
}

#[test]
fn a_defined_name_stands_for_numbers_bytes_codes_and_calls() {
    let defines = "--define=MSS=1460 --define=WINDOW=2*MSS --define=COOKIE=abcd1234 --define=CODE=port_unreachable\n\
                   --define=FIRST=1 --define=FD=4 --define=TEXT='\"hello\"' --define=LAST=FIRST+5\n";
    let text = format!(
        "{defines}{LISTENS}+0 < S 0:0(0) win WINDOW <mss MSS,FO COOKIE,nop,nop>\n+0 > S. 0:0(0) ack FIRST <mss MSS>\n\
         +0.1 < . FIRST:1(0) ack FIRST win WINDOW\n+0 accept(3, ..., ...) = FD\n\
         +0 write(FD, TEXT, 5) = 5\n+0 > P. FIRST:LAST(5) ack 1\n\
         +0 < [FIRST:LAST(5)] icmp unreachable CODE\n+0.01 < . 1:1(0) ack LAST win 100\n"
    );
    assert_eq!(
        lenient(&text.replace("--define=MSS=1460", "--define=MSS=1460 --ip_version=ipv4")).outcome,
        Outcome::Passed
    );
    // What the command line says wins.
    let shorter =
        RunOptions { defines: vec![("TEXT".to_owned(), "\"hallo\"".to_owned())], ..RunOptions::strict() };
    assert_eq!(run(&text, &shorter), Outcome::Passed);
    for (text, said) in [
        ("--define=A=B --define=B=A\n0 close(A) = 0", "definitions name each other"),
        ("--define=A=1 2\n0 < S 0:0(0) win A", "an event is expected here"),
        ("--define='A=1 2'\n0 < S 0:0(0) win A", "script:2:18: the value of A: something follows the value"),
        ("--define=A=x\n0 < S 0:0(0) win A", "the value of A: a window of 0 to 65535 is expected here"),
        ("--define=A\n0 < S 0:0(0) win A", "the value of A: a value is expected here"),
    ] {
        let said_here = failure(text, &RunOptions::strict());
        assert!(said_here.contains(said), "{text}: {said_here}");
    }
}

#[test]
fn a_shared_files_unknown_lines_are_told_and_skip_nothing() {
    let root = std::env::temp_dir().join(format!("synfin-shared-{}", std::process::id()));
    let suite = root.join("suite/deep");
    std::fs::create_dir_all(&suite).unwrap();
    std::fs::create_dir_all(root.join("common")).unwrap();
    let shared = "#!/bin/bash\nUNAME=$(uname)\nif [ \"$UNAME\" = Linux ]; then\n  sysctl -q net.ipv4.tcp_brand_new=1\n\
                  elif true; then sysctl net.inet.tcp.brand_new=2\nfi\nfunction tidy {\n  rm -f /tmp/x\n}\ntidy_up() {\n\
                  iptables -F\n}\nsysctl -q net.ipv4.tcp_syncookies=2 || exit 1\nsysctl -q net.ipv4.tcp_retries2=x\nexport A=b\n";
    std::fs::write(root.join("common/defaults.sh"), shared).unwrap();
    let options = |directory: PathBuf| RunOptions { directory: Some(directory), ..RunOptions::strict() };
    for name in ["../../common/defaults.sh", "./common/defaults.sh", "common/defaults.sh"] {
        let run = run_recorded(&format!("`{name}`\n0 close(3) = -1 EBADF\n"), &options(suite.clone()));
        assert_eq!((&run.outcome, run.habits), (&Outcome::Passed, Habits::Linux), "{name}");
        let told: Vec<&str> = run.instead.iter().map(String::as_str).collect();
        assert_eq!(
            told,
            [
                "without sysctl net.inet.tcp.brand_new, which synfin does not know",
                "without sysctl net.ipv4.tcp_brand_new, which synfin does not know",
                "without sysctl net.ipv4.tcp_retries2=x: not a number that fits",
                "without sysctl net.ipv4.tcp_syncookies=2",
                "without the command `iptables -F`",
                "without the command `rm -f /tmp/x`",
            ],
            "{name}"
        );
    }
    let own = |line: &str| run(&format!("`{line}`\n0 close(3) = -1 EBADF\n"), &options(suite.clone()));
    assert_eq!(own("/tmp/sysctl_restore_77.sh"), Outcome::Passed);
    assert_eq!(own("sysctl -q vm.brand_new=1"), Outcome::Passed, "nothing that a script can see");
    let Outcome::Skipped(why) = own("sysctl net.inet.tcp.brand_new=1") else { panic!("it may be seen") };
    assert!(why.contains("net.inet.tcp.brand_new"), "{why}");
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn a_command_asks_for_the_states_of_sockets() {
    let text = format!(
        "{LISTENS}+0 `sockstat -4 -s -P tcp | grep -q LISTEN`\n{OPENS}+0 `! ss -tan | grep -q FIN-WAIT`\n\
         +0 `sockstat -s | grep ESTABLISHED > /dev/null`\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n\
         +0.1 < . 1:1(0) ack 2 win 65535\n+0 `[ $(ss -tanH state fin-wait-2 | wc -l) = 1 ]`\n"
    );
    let text = format!("--ip_version=ipv4\n{text}");
    assert_eq!(run(&text, &RunOptions::strict()), Outcome::Passed);
    let wrong = failure(&format!("{text}+0 `sockstat -s | grep -q ESTABLISHED`\n"), &RunOptions::strict());
    assert!(wrong.contains("grep -q ESTABLISHED` fails"), "{wrong}");
    assert!(wrong.contains("FIN_WAIT_2"), "the list is shown: {wrong}");
    let dropped = format!(
        "--ip_version=ipv4\n{LISTENS}{OPENS}+0 `tcpdrop 192.168.0.1 8080 192.0.2.1 40000`\n+0 > R. 1:1(0) ack 1\n\
         +0 read(4, ..., 10) = -1 ECONNABORTED\n+0 `! sockstat -s | grep ESTABLISHED`\n"
    );
    assert_eq!(run(&dropped, &RunOptions::strict()), Outcome::Passed);
}

#[test]
fn other_dialects_and_unkept_numbers_are_named() {
    for (text, need) in [
        ("0 < addr[caddr0] > addr[saddr0] S 0:0(0) win 1 <mss 1460>", "MPTCP"),
        ("0 < S 0:0(0) win 1 <mss 1460,mp_capable key_a>", "MPTCP"),
        ("0 < . 1:1(0) ack 1 win 1 <dss dack4=1>", "MPTCP"),
        (
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 %{ assert tcpi_rehash == 0 }%",
            "tcpi_rehash of TCP_INFO",
        ),
        (
            "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_WINDOW_CLAMP, [500], 4) = 0",
            "the socket option TCP_WINDOW_CLAMP as [500]",
        ),
    ] {
        let Outcome::Skipped(why) = run(text, &RunOptions::strict()) else { panic!("{text}") };
        assert!(why.starts_with(&format!("needs {need}, line")), "{why}");
    }
}

#[test]
fn a_class_has_the_names_of_c() {
    let text = format!(
        "--ip_version=ipv6\n{LISTENS}+0 setsockopt(3, SOL_IPV6, IPV6_TCLASS, [IPTOS_DSCP_CS1], 4) = 0\n\
         +0 < (class 0x20) S 0:0(0) win 65535 <mss 1460>\n+0 > (class IPTOS_CLASS_CS1) S. 0:0(0) ack 1 <...>\n"
    );
    assert_eq!(run(&text, &RunOptions::strict()), Outcome::Passed);
    assert!(
        failure(
            &text.replace("(class IPTOS", "(tos 0x40, class IPTOS").replace("_CS1) S.", "_CS2) S."),
            &RunOptions::strict()
        )
        .contains("type of service: expected 64, seen 32")
    );
}

#[test]
fn states_have_their_names_in_blocks() {
    for habits in Habits::ALL {
        let text = format!(
            "{LISTENS}{OPENS}+0 %{{\nassert tcpi_state == TCPI_ESTABLISHED\nassert TCPI_SYN_SENT == TCP_SYN_SENT\n}}%\n"
        );
        match run(&text, &RunOptions { habits: Some(habits), ..RunOptions::strict() }) {
            Outcome::Passed => {}
            Outcome::Skipped(why) if why.contains("python3") => {}
            other => panic!("{habits:?}: {other:?}"),
        }
    }
}
