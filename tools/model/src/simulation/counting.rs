//! How the service counts: its connections and its batches, and what Redis does with what they send.

use std::mem;

use super::{Event, Job, Program, Simulation};
use crate::{
    history::Packet,
    world::{Counting, Nanos, Replica},
};

impl Simulation<'_> {
    /// The service counts a visit in its way.
    pub(super) fn count(&mut self, visit: usize) {
        match self.world.counting {
            Counting::Pipe => self.send(vec![visit], None, 0),
            Counting::Pool { .. } => {
                self.waiting.push_back(visit);
                self.lend();
            }
            Counting::Batch { .. } => {
                self.waiting.push_back(visit);
                self.gather();
            }
        }
    }

    /// Lends a connection to the visit that has waited the longest.
    fn lend(&mut self) {
        let asks = matches!(self.world.counting, Counting::Pool { asks_first, .. } if asks_first);
        if self.free.is_empty() {
            return;
        }
        let Some(visit) = self.waiting.pop_front() else {
            return;
        };
        let connection = self.free.pop().unwrap_or_default();
        match asks {
            true => self.send(Vec::new(), Some(visit), connection),
            false => self.send(vec![visit], None, connection),
        }
    }

    /// Sends what waits as soon as no other batch is under way, or a while later.
    fn gather(&mut self) {
        if self.free.is_empty() || self.waiting.is_empty() || self.gathers {
            return;
        }
        match self.world.counting {
            Counting::Batch { wait } if wait > 0 => {
                self.gathers = true;
                self.plan(self.now + wait, Event::Close);
            }
            _ => self.send_batch(),
        }
    }

    pub(super) fn send_batch(&mut self) {
        let batch: Vec<usize> = mem::take(&mut self.waiting).into();
        if let Some(connection) = self.free.pop() {
            self.send(batch, None, connection);
        }
    }

    pub(super) fn send(&mut self, visits: Vec<usize>, asks_for: Option<usize>, connection: usize) {
        let number = self.history.packets.len();
        for &visit in &visits {
            self.history.visits[visit].packet = Some(number);
        }
        self.history.packets.push(Packet {
            visits,
            asks_for,
            connection,
            sent: self.now,
            ..Packet::default()
        });
        self.plan(self.now + self.world.round_trip / 2, Event::Arrived(number));
    }

    pub(super) fn execute(&mut self, number: usize) {
        let faults = &self.world.faults;
        let there = self.now + self.world.round_trip / 2;
        if let Some(replica) = faults.replica {
            if (replica.primary_dies..replica.takes_over).contains(&self.now) {
                self.plan(there, Event::TimedOut(number));
                return;
            }
            if self.now >= replica.takes_over && !self.has_taken_over {
                self.has_taken_over = true;
                self.count = self.known(replica);
            }
        }
        let packet = &mut self.history.packets[number];
        self.count += packet.visits.len() as u64;
        packet.executed = Some(self.now);
        packet.count = self.count;
        packet.is_of_successor = self.has_taken_over;
        let sent = packet.sent;
        let is_due = faults.lost_reply.is_some_and(|moment| self.now >= moment);
        let waited = faults.replica.filter(|replica| replica.is_waited_for);
        // There, and back with the word that it is known.
        let known = waited.map_or(self.now, |replica| self.now + 2 * replica.lag);
        let dies = waited.map_or(Nanos::MAX, |replica| replica.primary_dies);
        if is_due && !self.has_lost {
            self.has_lost = true;
            let until = sent + faults.timeout;
            self.plan(until.max(self.now), Event::TimedOut(number));
        } else if known > dies && !self.has_taken_over {
            // The connection ends with the primary.
            self.plan(dies + self.world.round_trip / 2, Event::TimedOut(number));
        } else {
            self.plan(known + self.world.round_trip / 2, Event::Replied(number));
        }
    }

    /// The count as the replica knows it when it takes over.
    fn known(&self, replica: Replica) -> u64 {
        let packets = self.history.packets.iter();
        let known = packets.filter(|packet| {
            let executed = packet.executed;
            executed.is_some_and(|at| at + replica.lag <= replica.primary_dies)
        });
        known.map(|packet| packet.count).max().unwrap_or(0)
    }

    /// The service no longer waits for a packet: its visits have their numbers, or get none.
    pub(super) fn finish(&mut self, number: usize) {
        let packet = &self.history.packets[number];
        let connection = packet.connection;
        let is_known = packet.replied.is_some();
        let first = (packet.count + 1).saturating_sub(packet.visits.len() as u64);
        let visits: Vec<usize> = packet
            .asks_for
            .into_iter()
            .chain(packet.visits.clone())
            .collect();
        for (visit, number) in visits.into_iter().zip(first..) {
            self.history.visits[visit].number = is_known.then_some(number);
            self.give(Program::Service, Job::Answer(visit));
        }
        match self.world.counting {
            Counting::Pipe => {}
            Counting::Pool { .. } => {
                self.free.push(connection);
                self.lend();
            }
            Counting::Batch { .. } => {
                self.free.push(connection);
                self.gather();
            }
        }
    }
}
