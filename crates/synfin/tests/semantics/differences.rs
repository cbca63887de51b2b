//! Where our sockets are known to differ from the kernel's: both answers, so that neither changes unseen.

use crate::common::pair::Pair;
use crate::common::{Kernel, Listener, Net};
use crate::kind_of;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What an attempt ended in, without what it made.
fn outcome<T>(attempt: std::io::Result<T>) -> Result<(), ErrorKind> {
    attempt.map(|_| ()).map_err(|error| error.kind())
}

/// Binds a listener to each of the two addresses, at one port.
fn bind_both<N: Net>(net: &N, first: IpAddr, second: IpAddr) -> Result<(), ErrorKind> {
    let listener = net.bind_server(SocketAddr::new(first, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    outcome(net.bind_server(SocketAddr::new(second, port)))
}

fn any_and_one<N: Net>(net: &N) -> [Result<(), ErrorKind>; 3] {
    let (any, any6, one) =
        (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into(), net.server_ip().into());
    [bind_both(net, any, one), bind_both(net, one, any), bind_both(net, any6, one)]
}

#[test]
fn a_listener_on_any_address_and_one_on_a_single_address_exclude_each_other_in_the_kernel_only() {
    assert_eq!(any_and_one(&Kernel), [Err(ErrorKind::AddrInUse); 3]);
    // The one that says its address gets the connections to it.
    assert_eq!(any_and_one(&Pair::new()), [Ok(()); 3]);
}

#[test]
fn sending_without_a_peer_is_not_connected_here_and_has_no_kind_in_std() {
    assert!(Kernel.client_datagrams().send(b"whom?").is_err());
    assert_eq!(kind_of(Pair::new().client_datagrams().send(b"whom?")), ErrorKind::NotConnected);
}
