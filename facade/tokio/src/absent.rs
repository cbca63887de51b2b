//! What sockets of tokio have and those of a world have not: it is there, so that libraries compile, and fails.

use crate::net::{TcpSocket, TcpStream, UdpSocket};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

macro_rules! absent {
    ($($socket:ty { $(fn $name:ident($($argument:ty)?, $($more:ty)?) -> $answer:ty;)+ })+) => { $(
        /// Not in a world: each of these fails with `Unsupported`.
        impl $socket {
            $(
                #[doc = concat!("Fails: there is no `", stringify!($name), "` in a world.\n\n# Errors\n`Unsupported`.")]
                pub fn $name(&self $(, _: $argument)? $(, _: $more)?) -> io::Result<$answer> {
                    let sentence = concat!("sockets of a simulated world have no `", stringify!($name), "`");
                    Err(io::Error::new(io::ErrorKind::Unsupported, sentence))
                }
            )+
        }
    )+ };
}

absent! {
    TcpStream {
        fn quickack(,) -> bool;
        fn set_quickack(bool,) -> ();
    }
    TcpSocket {
        fn bind_device(Option<&[u8]>,) -> ();
        fn device(,) -> Option<Vec<u8>>;
        fn reuseport(,) -> bool;
        fn set_reuseport(bool,) -> ();
        fn set_tclass_v6(u32,) -> ();
        fn set_tos(u32,) -> ();
        fn set_tos_v4(u32,) -> ();
        fn tclass_v6(,) -> u32;
        fn tos(,) -> u32;
        fn tos_v4(,) -> u32;
    }
    UdpSocket {
        fn bind_device(Option<&[u8]>,) -> ();
        fn broadcast(,) -> bool;
        fn device(,) -> Option<Vec<u8>>;
        fn join_multicast_v4(Ipv4Addr, Ipv4Addr) -> ();
        fn join_multicast_v6(&Ipv6Addr, u32) -> ();
        fn leave_multicast_v4(Ipv4Addr, Ipv4Addr) -> ();
        fn leave_multicast_v6(&Ipv6Addr, u32) -> ();
        fn multicast_loop_v4(,) -> bool;
        fn multicast_loop_v6(,) -> bool;
        fn multicast_ttl_v4(,) -> u32;
        fn set_broadcast(bool,) -> ();
        fn set_multicast_loop_v4(bool,) -> ();
        fn set_multicast_loop_v6(bool,) -> ();
        fn set_multicast_ttl_v4(u32,) -> ();
        fn set_tclass_v6(u32,) -> ();
        fn set_tos(u32,) -> ();
        fn set_tos_v4(u32,) -> ();
        fn tclass_v6(,) -> u32;
        fn tos(,) -> u32;
        fn tos_v4(,) -> u32;
    }
}
