//! Deeds are done: what a plan's strangers and liars send at this moment, how paths and hosts change, and what must
//! hold right after.

use crate::worlds::evil::{Deed, Forged, Known, Lie, Rebirth, What};
use crate::worlds::liar::{self, Ear};
use crate::worlds::plan::Plan;
use crate::worlds::stranger;
use crate::worlds::trial::{SERVER_PORT, Trial, addresses, check_memory, ends, is_again, stack_config};
use sim::{Dice, Lane, LinkConfig, Middlebox, PortMapping};
use std::net::SocketAddr;
use tcp::{Info, Snapshot};
use wire::Frame;

impl Trial {
    /// Does what is due of a deed; says what went wrong.
    pub(crate) fn act(&mut self, plan: &Plan, deed: &Deed, time: u32) -> Result<(), String> {
        let mut dice = Dice::for_purpose(deed.luck, u64::from(time));
        match deed.what {
            What::Forge { talk, to, forged } => self.forge(plan, &mut dice, [talk, to], forged),
            What::Complain { talk, to, known } => self.complain(plan, &mut dice, [talk, to], known),
            What::SynFlood { to, family, count } => {
                let at = SocketAddr::new(addresses(family)[to], SERVER_PORT);
                for _ in 0..count {
                    self.inject(to, stranger::syn(&mut dice, family, at));
                }
            }
            What::Fragments { to, family, shape, count } => {
                for _ in 0..count {
                    self.inject(to, stranger::fragment(&mut dice, family, addresses(family)[to], shape));
                }
            }
            What::Noise { to, family, count } => {
                for _ in 0..count {
                    self.inject(to, stranger::noise(&mut dice, family, addresses(family)[to]));
                }
            }
            What::Neighbours { to, family, count } => {
                for _ in 0..count {
                    self.inject(to, stranger::neighbour(&mut dice, addresses(family)[to]));
                }
            }
            What::Lie { talk, to, lie, count } => {
                for _ in 0..count {
                    self.lie(plan, &mut dice, [talk, to], lie)?;
                }
            }
            What::Rebind { added } => {
                self.watch.borrow_mut().is_blind = true;
                let [there, back] = PortMapping::pair(added);
                self.world.change_link(self.link(), |link| {
                    link.forward.middlebox.get_or_insert_with(Middlebox::default).ports = Some(there);
                    link.backward.middlebox.get_or_insert_with(Middlebox::default).ports = Some(back);
                });
            }
            What::Path { side, path_mtu } => {
                self.world.change_link(self.link(), |link| lane_of(link, side).path_mtu = path_mtu);
            }
            What::Delay { side, delay } => {
                self.world.change_link(self.link(), |link| lane_of(link, side).delay = delay);
            }
        }
        self.check_tables(plan)
    }

    /// A host loses its memory; its programs start again, and clients connect once more.
    pub(crate) fn begin_again(&mut self, plan: &Plan, rebirth: &Rebirth) -> Result<(), String> {
        self.run_until(plan, rebirth.at)?;
        self.remember();
        self.watch.borrow_mut().begin_again();
        for lives in &self.lives {
            // What it knew of its sockets, it knows no more: another may have the number.
            let mut life = lives[rebirth.side].borrow_mut();
            life.socket = None;
            life.over_at.get_or_insert(self.world.now());
        }
        if let Some(company) = &mut self.company {
            company.begin_again(self.hosts[rebirth.side], self.world.now());
        }
        self.world.restart(self.hosts[rebirth.side], stack_config(plan, &rebirth.config));
        let again: Vec<usize> = (0..plan.talks.len()).filter(|talk| is_again(plan, *talk)).collect();
        for talk in &again {
            self.lives[*talk][rebirth.side].borrow_mut().over_at = None;
            self.watch.borrow_mut().talks.insert(ends(plan, *talk)[0].port(), *talk);
            self.start_client(plan, *talk);
        }
        if rebirth.side == 1 {
            self.start_server(plan, again);
        }
        Ok(())
    }

    fn inject(&mut self, to: usize, frame: Frame) {
        let (host, link) = (self.hosts[to], self.link());
        self.world.inject(host, link, frame);
    }

    /// How this end of a connection stands, if it knows of it.
    fn stands(&self, [talk, side]: [usize; 2]) -> Option<(Snapshot, Info)> {
        let socket = self.lives[talk][side].borrow().socket?;
        let host = self.world.host(self.hosts[side]);
        let tcp = host.tcp(socket)?;
        Some((tcp.snapshot(), tcp.info(self.world.now())))
    }

    fn forge(&mut self, plan: &Plan, dice: &mut Dice, [talk, to]: [usize; 2], forged: Forged) {
        let Some((snapshot, _)) = self.stands([talk, to]) else { return };
        let ends = ends(plan, talk);
        if let Some(frame) = stranger::segment(dice, [ends[1 - to], ends[to]], &snapshot, forged) {
            self.inject(to, frame);
        }
    }

    fn complain(&mut self, plan: &Plan, dice: &mut Dice, [talk, to]: [usize; 2], known: Known) {
        let Some((snapshot, _)) = self.stands([talk, to]) else { return };
        let ends = ends(plan, talk);
        let frame = stranger::complaint(dice, [ends[1 - to], ends[to]], &snapshot, known);
        self.inject(to, frame);
    }

    fn lie(&mut self, plan: &Plan, dice: &mut Dice, [talk, to]: [usize; 2], lie: Lie) -> Result<(), String> {
        let ends = ends(plan, talk);
        let said = self.watch.borrow().flows.get(&(ends[1 - to], ends[to])).and_then(|peer| peer.last);
        let (Some(last), Some((snapshot, before))) = (said, self.stands([talk, to])) else { return Ok(()) };
        if !snapshot.state.is_synchronized() {
            return Ok(());
        }
        // The peer's number as the sender counts.
        let added = self.watch.borrow().added[to];
        let arrived = self.stands([talk, 1 - to]).map_or(snapshot.snd_una, |(peer, _)| peer.rcv_nxt - added);
        let ear = Ear { last, info: before, snapshot, arrived };
        let frame = liar::lie(dice, [ends[1 - to], ends[to]], &ear, lie);
        self.watch.borrow_mut().hears_lie(ends[1 - to], ends[to], &frame);
        self.inject(to, frame);
        match self.stands([talk, to]) {
            Some((_, after)) => {
                liar::judge(&before, &after).map_err(|why| format!("connection {talk}, side {to}: {why}"))
            }
            None => Ok(()),
        }
    }

    /// No table of a host is larger than its configuration says.
    fn check_tables(&self, plan: &Plan) -> Result<(), String> {
        for host in self.hosts {
            let host_now = self.world.host(host);
            let (usage, config) = (host_now.usage(), host_now.config());
            let pairs = [
                (usage.connections, config.connections_max),
                (usage.half_open, config.half_open_max),
                (usage.time_waits, config.time_waits_max),
                (usage.reassemblies, config.reassembly_datagrams_max),
                (usage.path_mtus, config.path_mtu_entries_max),
                (usage.neighbours, config.neighbours_max),
            ];
            if pairs.iter().any(|(used, max)| used > max) {
                return Err(format!("{} holds more than it may: {usage:?}", self.world.name(host)));
            }
            check_memory(plan, &host_now)?;
        }
        Ok(())
    }
}

fn lane_of(link: &mut LinkConfig, side: usize) -> &mut Lane {
    if side == 0 { &mut link.forward } else { &mut link.backward }
}
