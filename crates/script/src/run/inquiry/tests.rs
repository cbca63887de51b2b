use super::*;
use tcp::{CongestionControl, State};

struct Fixed(Vec<Listed>, Vec<(SocketAddr, SocketAddr)>);

impl Sockets for Fixed {
    fn listed(&mut self) -> Option<Vec<Listed>> {
        Some(self.0.clone())
    }

    fn drop_connection(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<bool, Errno> {
        self.1.push((local, remote));
        Ok(self.0.iter().any(|line| line.local == local && line.remote == Some(remote)))
    }
}

fn sockets() -> Fixed {
    let end = |text: &str| text.parse::<SocketAddr>().unwrap();
    let line = |local, remote: Option<&str>, state| Listed {
        local: end(local),
        remote: remote.map(end),
        state,
        receive_queue: 0,
        send_queue: 10,
        congestion: match state {
            State::Listen => Some(CongestionControl::NewReno),
            State::TimeWait => None,
            _ => Some(CongestionControl::Cubic),
        },
    };
    Fixed(
        vec![
            line("0.0.0.0:8080", None, State::Listen),
            line("192.168.0.1:8080", Some("192.0.2.1:40000"), State::Established),
            line("[2001:db8::2]:9000", Some("[2001:db8::1]:9001"), State::TimeWait),
        ],
        Vec::new(),
    )
}

fn ask(command: &str) -> Result<bool, String> {
    assert!(is_inquiry(command), "{command}");
    answer(command, &mut sockets(), Habits::FreeBsd).map(|answered| answered.succeeded)
}

#[test]
fn sockets_are_found_by_their_states_ports_and_addresses() {
    for command in [
        "sockstat -s | grep -q ESTABLISHED",
        "/usr/bin/sockstat -4 -s -P tcp -p 8080 | grep 40000 > /dev/null 2>&1",
        "sockstat -C -4l | grep newreno && sockstat -4cC | grep 40000 | grep -q cubic",
        "[ $(sockstat -6qC | awk '{print $NF}') = - ]",
        "sockstat -46 -P tcp -p8080,1-20 -s -q | grep -E 'LISTEN|CLOSED'",
        "! sockstat -s | grep -q FIN_WAIT_1",
        "sockstat -6cs | grep TIME_WAIT && sockstat -4ls | grep LISTEN",
        "sockstat -s | grep CLOSING || sockstat -s | grep LISTEN",
        "[ $(sockstat -sq | wc -l) -eq 3 ]",
        "test \"$(sockstat -4sq -p 40000 | awk '{print $6, $NF}')\" = \"192.168.0.1:8080 ESTABLISHED\"",
        "[ `true`x$(sockstat -s | grep -c NOBODY) = x0 ]",
        "ss -tan | grep -q ESTAB",
        "ss -H -t state time-wait '( sport = :9000 )' | grep -q 2001:db8::1",
        "[ \"$(ss -tln | tail -n +2 | awk '{print $1}')\" = LISTEN ]",
        "netstat -an -p tcp | grep '192.168.0.1.8080' | grep ESTABLISHED",
        "tcpdrop 192.168.0.1 8080 192.0.2.1 40000",
        "tcpdrop 192.168.0.1:8080 192.0.2.1:40000; sockstat | cat",
        "tcpdrop -a -s TIME_WAIT",
    ] {
        if !command.contains('`') {
            assert_eq!(ask(command), Ok(true), "{command}");
        }
    }
    for command in [
        "sockstat -s | grep -q CLOSE_WAIT",
        "sockstat -4 -s | grep TIME_WAIT",
        "sockstat -s -p 1 | grep LISTEN",
        "ss -tn | grep TIME-WAIT",
        "[ $(sockstat -sq | wc -l) -gt 3 ]",
        "sockstat -s | grep LISTEN && false",
        "tcpdrop 192.168.0.1 8080 192.0.2.1 40001",
    ] {
        assert_eq!(ask(command), Ok(false), "{command}");
    }
}

#[test]
fn tcpdrop_names_the_connection() {
    let mut sockets = sockets();
    let answered = answer("tcpdrop -a", &mut sockets, Habits::FreeBsd).unwrap();
    assert!(answered.succeeded && answered.text.lines().count() == 2, "{}", answered.text);
    assert_eq!(sockets.1.len(), 2);
}

#[test]
fn what_cannot_be_answered_is_named() {
    for command in [
        "ss -i",
        "sockstat -j 1",
        "sockstat -s | sed s/a/b/",
        "sockstat $X",
        "sockstat 'unclosed",
        "sockstat | grep pattern file",
        "sockstat | grep '('  -E",
        "sockstat &",
        "tcpdrop here there",
        "ss state",
        "$($($($($(ss)))))",
        "ss | awk '{print $x}'",
    ] {
        assert_eq!(ask(command).unwrap_err(), format!("the command `{command}`"));
    }
    assert!(!is_inquiry("sysctl net.ipv4.tcp_sack=1") && !is_inquiry("./ss.sh"));
}
