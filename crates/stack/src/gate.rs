//! Gates: what is for any address and port waits for the program's decision before anybody is answered.
//!
//! What a gateway, a transparent proxy or a sandbox needs. A SYN for which there is no listener is held before the
//! SYN-ACK; the program looks at it and accepts, refuses or drops it. The peer notices nothing until then, so it learns
//! only what is true: that there is a connection, or why there is none.
//!
//! Here are gates and what they hold. How they are set up is `gate/options.rs`; how a SYN comes in and goes stale is
//! `gate/held.rs`, what the program decides `gate/decision.rs`, the way back to peers that no route knows
//! `gate/way_back.rs`, and pings `gate/echo.rs`. What is *not* here: datagrams, the names behind addresses, the
//! connection to the real destination; that is the program's.

mod decision;
mod echo;
mod held;
mod options;
mod way_back;

pub use decision::{Refuse, Unreachable};
pub use echo::{EchoPolicy, EchoRequest};
pub use held::{PendingFlow, SynOffer};
pub use options::{GateAddresses, GateOptions};

use crate::error::Error;
use crate::event::Event;
use crate::flow::{Address, FlowKey};
use crate::host::Host;
use crate::id::{Slab, SlabKey, SocketId, SocketKind};
use crate::limits::GATES_MAX;
use crate::secret::{Purpose, Secret, TableHash};
use crate::time_wait::TimeWaitEntry;
use echo::Echoes;
use held::Held;
use std::collections::{BTreeMap, HashMap};
use tcp::Instant;

/// Names a flow that waits for a decision. Once it is decided, or no longer waits, the id names nothing, and never
/// another flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    /// Counts all flows of a host, so no two have the same.
    number: u64,
    /// The place of its gate.
    gate: u32,
}

/// One gate.
pub(crate) struct Gate {
    pub(crate) options: GateOptions,
    /// What waits, the oldest first: numbers grow, and all wait equally long.
    held: BTreeMap<u64, Held>,
    /// The smallest number that the program has not been told.
    untold: u64,
    has_notice: bool,
    echoes: Echoes,
}

impl Gate {
    /// An event has been told; the next may be.
    pub(crate) fn forget_notice(&mut self, event: Event) {
        match event {
            Event::Readable => self.echoes.forget_notice(),
            _ => self.has_notice = false,
        }
    }
}

/// All gates of a host.
pub(crate) struct Gates {
    slab: Slab<Gate>,
    /// In the order in which they were opened.
    order: Vec<SlabKey>,
    by_ends: HashMap<FlowKey, FlowId, TableHash>,
    flows_told: u64,
    /// Accepted flows whose third step has not arrived.
    pub(crate) answered: usize,
}

/// So much room the table keeps after a flood.
const FLOWS_KEPT: usize = 64;

impl Gates {
    pub(crate) fn new(secret: &Secret) -> Self {
        Gates {
            slab: Slab::new(),
            order: Vec::new(),
            by_ends: HashMap::with_hasher(TableHash::new(secret, Purpose::Tables)),
            flows_told: 0,
            answered: 0,
        }
    }

    #[inline]
    pub(crate) fn are_open(&self) -> bool {
        !self.order.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Flows that wait for a decision.
    pub(crate) fn held_flows(&self) -> usize {
        self.by_ends.len()
    }

    /// Memory that the gates take, with what they hold. A tree keeps at least half of each node filled.
    pub(crate) fn held_bytes(&self) -> usize {
        let flows = self.by_ends.len() * (2 * size_of::<(u64, Held)>() + held::QUOTE_BYTES_MAX);
        let table = self.by_ends.capacity() * (size_of::<(FlowKey, FlowId)>() + 1) * 8 / 7;
        let set_aside = self.answered * size_of::<TimeWaitEntry>();
        let gates = self.order.iter().filter_map(|key| self.slab.get(*key));
        let of_gates: usize =
            gates.map(|gate| gate.options.addresses.held_bytes() + gate.echoes.held_bytes()).sum();
        let order = self.order.capacity() * size_of::<SlabKey>();
        self.slab.held_bytes() + order + of_gates + flows + table + set_aside
    }

    pub(crate) fn get_mut(&mut self, key: SlabKey) -> Option<&mut Gate> {
        self.slab.get_mut(key)
    }

    /// Whether a gate takes this address.
    pub(crate) fn take(&self, address: Address) -> bool {
        self.are_open() && self.gate_of(address).is_some()
    }

    /// The gate that takes this address: of several the one that was opened first.
    fn gate_of(&self, address: Address) -> Option<SlabKey> {
        let takes = |key: &&SlabKey| {
            self.slab.get(**key).is_some_and(|gate| gate.options.addresses.take(address.ip()))
        };
        self.order.iter().find(takes).copied()
    }

    fn oldest_of(&self, gate: SlabKey) -> Option<FlowId> {
        let (number, _) = self.slab.get(gate)?.held.first_key_value()?;
        Some(FlowId { number: *number, gate: gate.index })
    }

    /// When the oldest of what waits has waited long enough.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.by_ends.is_empty() {
            return None;
        }
        let oldest = |key: &SlabKey| Some(self.slab.get(*key)?.held.first_key_value()?.1.due);
        self.order.iter().filter_map(oldest).min().filter(|due| *due != Instant::FAR_FUTURE)
    }

    fn held(&self, id: FlowId) -> Option<&Held> {
        self.slab.at(id.gate)?.held.get(&id.number)
    }

    fn remove(&mut self, id: FlowId) -> Option<Held> {
        let held = self.slab.at_mut(id.gate)?.held.remove(&id.number)?;
        self.by_ends.remove(&held.key);
        if self.by_ends.capacity() > 4 * self.by_ends.len() + FLOWS_KEPT {
            self.by_ends.shrink_to(2 * self.by_ends.len());
        }
        Some(held)
    }
}

impl Host {
    /// Opens a gate: from now on it holds every SYN from outside to an address that it takes and to a port for which
    /// there is no listener. [`crate::Event::Acceptable`] tells of the first, [`Host::next_flow`] returns them.
    ///
    /// The addresses need not be ours: while a gate takes an address, packets for it are accepted as if it were, and
    /// what is neither a SYN nor of an open connection is refused as for our own addresses. A listener or a UDP socket
    /// at an unspecified address stands for *our* addresses, not for those ([`crate::AnyAddress`] makes all of them
    /// ours). On Ethernet, neighbours must send here by themselves, because we are their router: nobody is told that
    /// foreign addresses were here. Answers leave by the interface on which the peer's packets come, whether or not a
    /// route leads there.
    ///
    /// # Errors
    /// [`Error::TooManySockets`] beyond 64 gates.
    ///
    /// ```
    /// # use synfin_stack::{Config, Host, Interface};
    /// use synfin_stack::{Event, GateOptions};
    /// # use tcp::Instant;
    /// # use wire::{LinkCapabilities, Medium, TransmitChecksum};
    /// # let make = |secret, address: &str| {
    /// #     let mut host = Host::new(Config::default(), [secret; 32]);
    /// #     let capabilities = LinkCapabilities {
    /// #         medium: Medium::Ip,
    /// #         mtu_bytes: 1_500,
    /// #         super_segment_bytes_max: 0,
    /// #         transmit_checksum: TransmitChecksum::Full,
    /// #     };
    /// #     let addresses = vec![address.parse().expect("an address with its prefix")];
    /// #     let wire = host.add_interface(Interface { name: "wire".into(), capabilities, hardware: None, addresses });
    /// #     host.add_route("0.0.0.0/0".parse().expect("a network"), None, wire);
    /// #     (host, wire)
    /// # };
    /// # let (mut client, to_gateway) = make(1, "10.0.0.1/24");
    /// # let (mut gateway, to_client) = make(2, "10.0.0.2/24");
    /// # let now = Instant::from_millis(1);
    /// let gate = gateway.open_gate(GateOptions::default())?;
    ///
    /// // A client behind the gateway asks for a host somewhere in the world.
    /// let asked = "93.184.216.34:443".parse().expect("an address");
    /// let id = client.tcp_connect(now, None, asked)?;
    /// # while let Some((_, frame)) = client.poll_transmit(now) { gateway.handle_frame(now, to_client, frame); }
    /// assert_eq!(gateway.poll_event(), Some((gate, Event::Acceptable)));
    /// let flow = gateway.next_flow(gate).expect("the SYN is held");
    /// assert_eq!((flow.local, flow.syn.mss), (asked, Some(1_460)));
    ///
    /// // When the gateway has reached that host, it accepts.
    /// let accepted = gateway.accept_flow(now, flow.id, None)?;
    /// gateway.tcp_write(now, accepted.id, b"what that host says").expect("it waits for the handshake");
    /// # for _ in 0..9 {
    /// #     while let Some((_, frame)) = gateway.poll_transmit(now) { client.handle_frame(now, to_gateway, frame); }
    /// #     while let Some((_, frame)) = client.poll_transmit(now) { gateway.handle_frame(now, to_client, frame); }
    /// # }
    /// assert_eq!(gateway.poll_event(), Some((accepted.id, Event::Connected)));
    /// # assert_eq!(client.tcp_read(now, id, &mut [0; 99]), Ok(19));
    /// # Ok::<(), synfin_stack::Error>(())
    /// ```
    pub fn open_gate(&mut self, options: GateOptions) -> Result<SocketId, Error> {
        if self.gates.len() >= GATES_MAX {
            return Err(Error::TooManySockets);
        }
        let gate =
            Gate { options, held: BTreeMap::new(), untold: 0, has_notice: false, echoes: Echoes::default() };
        let key = self.gates.slab.insert(gate);
        self.gates.order.push(key);
        self.addresses.look_at_foreign();
        self.settle_tables();
        Ok(SocketId::new(SocketKind::Gate, key))
    }

    /// Closes a gate, as [`Host::tcp_close`] does: flows that wait for a decision are refused with a reset. Connections
    /// that were accepted go on.
    ///
    /// # Errors
    /// [`Error::UnknownSocket`].
    pub fn close_gate(&mut self, now: Instant, gate: SocketId) -> Result<(), Error> {
        let now = self.advance(now);
        let key = id_of_gate(gate).ok_or(Error::UnknownSocket)?;
        self.gates.slab.get(key).ok_or(Error::UnknownSocket)?;
        while let Some(flow) = self.gates.oldest_of(key) {
            self.refuse_flow(now, flow, Refuse::Reset)?;
        }
        self.gates.slab.discard(key.index);
        self.gates.order.retain(|open| *open != key);
        self.settle_tables();
        Ok(())
    }

    /// The oldest flow at a gate that was not returned yet. `None` if there is none, or if the id does not name a gate.
    ///
    /// It goes on waiting for [`Host::accept_flow`] or [`Host::refuse_flow`], as long as
    /// [`GateOptions::decide_within`] says.
    pub fn next_flow(&mut self, gate: SocketId) -> Option<PendingFlow> {
        let key = id_of_gate(gate)?;
        let gate = self.gates.slab.get_mut(key)?;
        let (number, held) = gate.held.range(gate.untold..).next()?;
        gate.untold = number + 1;
        Some(held.pending(FlowId { number: *number, gate: key.index }))
    }

    /// Whether packets for this address are for us: it is ours, or a gate takes it.
    pub(crate) fn speaks_for(&mut self, address: Address) -> bool {
        self.addresses.takes(address) || self.gates.take(address) || self.datagram_gates.take(address)
    }

    /// The listener for a segment. One at an unspecified address stands for all of our addresses and for no others.
    pub(crate) fn find_listener(&mut self, key: &FlowKey) -> Option<u32> {
        let listener = self.listeners.find(key.local, key.local_port)?;
        let is_foreign = self.addresses.sees_foreign() && !self.addresses.takes(key.local);
        (!is_foreign).then_some(listener)
    }
}

fn id_of_gate(gate: SocketId) -> Option<SlabKey> {
    gate.key(SocketKind::Gate)
}
