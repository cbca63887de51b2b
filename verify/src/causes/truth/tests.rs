use super::*;

const ENDS: &str = "family=AF_INET sport=1000 dport=80 saddr=10.0.0.1 daddr=10.0.0.2 saddrv6=::ffff:10.0.0.1 daddrv6=::ffff:10.0.0.2";

fn event(micros: u32, words: &str, stack: &[&str]) -> String {
    let head = format!(" task-1 [000] ..s1. 1.{micros:06}: ");
    let calls: String = stack.iter().map(|function| format!(" => {function}\n")).collect();
    let (name, rest) = words.split_once(' ').unwrap_or((words, ""));
    let stack = if stack.is_empty() { String::new() } else { format!("{head}<stack trace>\n{calls}") };
    format!("{head}{name}: {ENDS} {rest}\n{stack}")
}

fn told(text: &str) -> Told {
    Told::of(&Trace::parse(text), 0, |_| true)
}

fn classes(text: &str) -> Vec<Class> {
    told(text).truths.iter().map(|truth| truth.class).collect()
}

const RESENT: &str = "tcp_retransmit_skb state=TCP_ESTABLISHED err=0";

#[test]
fn the_callers_say_which_timer_it_was() {
    for (stack, class) in [
        (&["__tcp_retransmit_skb", "tcp_retransmit_timer", "tcp_write_timer"][..], Class::Timeout),
        (&["__tcp_retransmit_skb", "tcp_send_loss_probe", "tcp_write_timer"], Class::Probe),
        (&["__tcp_retransmit_skb", "tcp_xmit_retransmit_queue", "tcp_rack_reo_timeout"], Class::ReorderTimer),
        (
            &["__tcp_retransmit_skb", "tcp_xmit_retransmit_queue", "tcp_v4_err", "icmp_unreach"],
            Class::PathMtu,
        ),
        (&["__tcp_retransmit_skb", "tcp_retransmit_timer", "tcp_v4_err", "icmp_unreach"], Class::Timeout),
    ] {
        assert_eq!(classes(&event(1, RESENT, stack)), [class], "{stack:?}");
    }
    let syn = "tcp_retransmit_skb state=TCP_SYN_SENT err=0";
    assert_eq!(classes(&event(1, syn, &["tcp_retransmit_timer"])), [Class::HandshakeTimeout]);
    let syn_ack = "tcp_retransmit_synack";
    assert_eq!(
        classes(&event(1, syn_ack, &["tcp_rtx_synack", "reqsk_timer_handler"])),
        [Class::HandshakeTimeout]
    );
    assert_eq!(
        classes(&event(1, syn_ack, &["tcp_rtx_synack", "tcp_check_req", "tcp_v4_rcv"])),
        [Class::SynAgain]
    );
}

#[test]
fn what_an_acknowledgment_sends_has_the_class_of_the_congestion_state() {
    let by_ack = event(9, RESENT, &["tcp_xmit_retransmit_queue", "tcp_ack", "tcp_rcv_established"]);
    let released = event(9, RESENT, &["tcp_xmit_retransmit_queue", "tcp_tsq_write", "tcp_tasklet_func"]);
    let state =
        |number: u8, stack: &[&str]| event(5, &format!("tcp_cong_state_set cong_state={number}"), stack);
    for sent in [by_ack, released] {
        let after = |before: &str| classes(&format!("{before}{sent}"));
        assert_eq!(after(&state(3, &["tcp_ack"])), [Class::Recovery]);
        assert_eq!(after(&state(4, &["tcp_enter_loss", "tcp_retransmit_timer"])), [Class::AfterTimeout]);
        assert_eq!(after(&state(4, &["tcp_simple_retransmit", "tcp_v4_mtu_reduced"])), [Class::PathMtu]);
        assert_eq!(
            after(&state(4, &["tcp_enter_loss", "tcp_retransmit_timer", "tcp_v4_err"])),
            [Class::AfterTimeout]
        );
        let other = state(4, &["tcp_enter_loss"]).replace("sport=1000", "sport=1001");
        assert_eq!(after(&(state(3, &[]) + &other)), [Class::Recovery], "another connection's state");
    }
}

#[test]
fn what_did_not_leave_or_says_nothing_is_no_truth() {
    let text = event(1, "tcp_retransmit_skb state=TCP_ESTABLISHED err=-105", &["tcp_retransmit_timer"])
        + &event(2, RESENT, &[])
        + &event(3, RESENT, &["somebody_unknown"])
        + " task-1 [000] ..s1. 1.000004: tcp_retransmit_skb: family=AF_UNIX err=0\n"
        + &event(5, RESENT, &["tcp_send_loss_probe"]);
    let told = told(&text);
    assert_eq!((told.truths.len(), told.refused, told.unclear.len()), (1, 1, 3));
}

#[test]
fn times_are_those_of_the_captures_clock_and_others_are_left_alone() {
    let text = event(7, RESENT, &["tcp_send_loss_probe"]);
    let told = Told::of(&Trace::parse(&text), 5_000, |_| true);
    assert_eq!(told.truths[0].time_ns, 1_000_012_000);
    let none = Told::of(&Trace::parse(&text), 0, |address| address != IpAddr::from([10, 0, 0, 1]));
    assert_eq!(none, Told::default());
    let v6 = text
        .replace("AF_INET", "AF_INET6")
        .replace("::ffff:10.0.0.1", "fd00::1")
        .replace("::ffff:10.0.0.2", "fd00::2");
    let told = Told::of(&Trace::parse(&v6), 0, |address| address.is_ipv6());
    assert_eq!(told.truths[0].from.to_string(), "[fd00::1]:1000");
}
