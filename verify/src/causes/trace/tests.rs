use super::*;

const HEADER: &str = "# tracer: nop
#
# entries-in-buffer/entries-written: 4/4   #P:2
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
";

fn event(cpu: u32, micros: u32, words: &str) -> String {
    format!("          <idle>-0       [{cpu:03}] ..s2.  1018.{micros:06}: {words}\n")
}

#[test]
fn an_event_has_its_time_its_fields_and_its_stack() {
    let text = format!(
        "{HEADER}{}{} => __tcp_retransmit_skb\n => tcp_xmit_retransmit_queue.part.0\n => tcp_ack+0x1f/0x40\n => bbr_main [tcp_bbr]\n",
        event(
            1,
            212_136,
            "tcp_retransmit_skb: skbaddr=00000000c35cc4d0 sport=5001 state=TCP_ESTABLISHED err=0"
        ),
        event(1, 212_140, "<stack trace>"),
    );
    let trace = Trace::parse(&text);
    assert_eq!((trace.events.len(), trace.lost, trace.unreadable), (1, 0, 0));
    let event = &trace.events[0];
    assert_eq!((event.name.as_str(), event.cpu, event.time_ns), ("tcp_retransmit_skb", 1, 1_018_212_136_000));
    assert_eq!((event.fields["sport"].as_str(), event.fields["err"].as_str()), ("5001", "0"));
    assert_eq!(event.stack, ["__tcp_retransmit_skb", "tcp_xmit_retransmit_queue", "tcp_ack", "bbr_main"]);
    assert!(event.is_within("tcp_ack") && !event.is_within("tcp"));
}

#[test]
fn a_stack_belongs_to_the_event_of_its_own_processor() {
    let text = event(0, 1, "first: a=1")
        + &event(1, 2, "second: a=2")
        + &event(0, 3, "<stack trace>")
        + " => of_the_first\n"
        + &event(1, 4, "third: a=3")
        + &event(1, 5, "<stack trace>")
        + " => of_the_third\n";
    let trace = Trace::parse(&text);
    let stacks: Vec<(&str, Vec<&str>)> = trace
        .events
        .iter()
        .map(|event| (event.name.as_str(), event.stack.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        stacks,
        [("first", vec!["of_the_first"]), ("second", vec![]), ("third", vec!["of_the_third"])]
    );
    assert_eq!(trace.unreadable, 0);
}

#[test]
fn a_task_may_have_any_name() {
    let text = "  a [1] b: c-77    [001] b..1.  7.000009: named: a=b\n kworker/u:[x]-5 [000] ..s1. 7.000010: other: a=b\n";
    let trace = Trace::parse(text);
    let seen: Vec<(&str, u32, u64)> =
        trace.events.iter().map(|event| (event.name.as_str(), event.cpu, event.time_ns)).collect();
    assert_eq!(seen, [("named", 1, 7_000_009_000), ("other", 0, 7_000_010_000)]);
}

#[test]
fn what_is_cut_or_foreign_is_counted_and_nothing_is_made_of_it() {
    let whole = event(0, 5, "whole: a=1");
    let lines = [
        " => nobody's",
        "          <idle>-0       [000] ..s2.  1018.2121",
        "          <idle>-0       [000] ..s2.  1018.21213: five_digits: a=1",
        "          <idle>-0       [000",
        "          <idle>-0       [000] ..s2.  99999999999999999999.000001: too_late: a=1",
        "          <idle>-0       [000] ..s2.  1018.000001: without_a_colon",
        "          <idle>-0       [000] ..s2.  1018.000001: <stack trace>",
        "[] \u{fffd}\u{fffd} ]]][[[",
    ];
    for line in lines {
        let trace = Trace::parse(&format!("{line}\n{whole}"));
        assert_eq!((trace.events.len(), trace.unreadable), (1, 1), "{line}");
        assert!(trace.events[0].stack.is_empty(), "{line}");
    }
    // The end of the text may be anywhere.
    for end in 0..whole.len() {
        assert!(Trace::parse(&whole[..end]).events.len() <= 1);
    }
}

#[test]
fn what_the_kernel_had_no_room_for_is_counted() {
    let text = "# entries-in-buffer/entries-written: 1000/1017   #P:2\nCPU:1 [LOST 25 EVENTS]\n";
    assert_eq!(Trace::parse(text), Trace { events: Vec::new(), lost: 42, unreadable: 0 });
}
