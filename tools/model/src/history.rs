//! What happened in a simulation.

use crate::world::Nanos;

/// All visits and all commands, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The visits, in the order in which they came.
    pub visits: Vec<Visit>,
    /// What the service sent to Redis.
    pub packets: Vec<Packet>,
}

/// What became of a visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// When it came.
    pub came: Nanos,
    /// On which of the clients' connections, in a closed loop.
    pub connection: usize,
    /// Which packet counts it.
    pub packet: Option<usize>,
    /// When it had its answer.
    pub answered: Option<Nanos>,
    /// The number in the answer; none if it was refused.
    pub number: Option<u64>,
}

/// What the service sent to Redis at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The visits that it counts. A packet without any asks whether Redis is there.
    pub visits: Vec<usize>,
    /// The visit for which it asks.
    pub asks_for: Option<usize>,
    /// Over which of the service's connections.
    pub connection: usize,
    /// When it was sent.
    pub sent: Nanos,
    /// When Redis had done what it says.
    pub executed: Option<Nanos>,
    /// When the service had the reply; none if it was lost.
    pub replied: Option<Nanos>,
    /// The count after it.
    pub count: u64,
    /// Whether a replica executed it that had taken over.
    pub is_of_successor: bool,
}

impl Packet {
    /// How many commands are in it: `UNWATCH` and `PING`, or one that counts.
    pub fn commands(&self) -> usize {
        1 + usize::from(self.asks_for.is_some())
    }
}

impl History {
    /// How long the visits waited for their answers, from the shortest to the longest.
    pub fn waits(&self) -> Vec<Nanos> {
        let visits = self.visits.iter();
        let mut waits: Vec<Nanos> = visits.filter_map(Visit::wait).collect();
        waits.sort_unstable();
        waits
    }

    /// How many commands Redis got.
    pub fn commands(&self) -> usize {
        self.packets.iter().map(Packet::commands).sum()
    }

    /// How many visits were counted, whether anybody was told or not.
    pub fn counted(&self) -> usize {
        let executed = self.packets.iter();
        let executed = executed.filter(|packet| packet.executed.is_some());
        executed.map(|packet| packet.visits.len()).sum()
    }

    /// How many visits have a number.
    pub fn answered(&self) -> usize {
        let visits = self.visits.iter();
        visits.filter(|visit| visit.number.is_some()).count()
    }
}

impl Visit {
    /// How long it waited for its answer.
    pub fn wait(&self) -> Option<Nanos> {
        Some(self.answered? - self.came)
    }
}

/// The time that so many of a hundred did not exceed, of times in order; 0 of none.
pub fn percentile(sorted: &[Nanos], percent: f64) -> Nanos {
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0)
}
