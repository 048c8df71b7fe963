//! How the parts of a stage are, and what can be done to them therefore.

use crate::experiment::Action;

/// Whether Redis can answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedisState {
    /// It runs.
    #[default]
    Running,
    /// It keeps its connections and answers nobody.
    Frozen,
    /// It was killed, or has ended.
    Ended,
}

/// How the parts of a stage are.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Condition {
    /// Whether Redis can answer.
    pub redis: RedisState,
    /// Whether it is frozen, unless it has ended.
    #[serde(skip)]
    pub is_frozen: bool,
    /// Whether it is a real one: the embedded one cannot be read-only.
    pub is_real: bool,
    /// Whether it takes no writes.
    pub is_read_only: bool,
    /// Whether it waits for a slow disk.
    pub has_slow_disk: bool,
    /// Whether its disk can be slowed.
    pub can_slow_disk: bool,
    /// How late every command is, in milliseconds.
    pub delay: u64,
    /// Whether each copy of the service runs.
    pub copies: Vec<bool>,
    /// How many clients that do nothing are connected.
    pub held: u64,
}

impl Condition {
    /// Whether doing that would make a difference.
    pub fn allows(&self, action: Action) -> bool {
        let is_running = self.redis == RedisState::Running;
        let runs = |copy: usize| self.copies.get(copy).copied();
        match action {
            Action::KillRedis => self.redis != RedisState::Ended,
            Action::StartRedis => self.redis == RedisState::Ended,
            Action::FreezeRedis => is_running,
            Action::ThawRedis => self.redis == RedisState::Frozen,
            Action::AwaitDisk(waits) => {
                is_running && self.can_slow_disk && waits != self.has_slow_disk
            }
            Action::ReadOnlyRedis => is_running && self.is_real && !self.is_read_only,
            Action::WritableRedis => is_running && self.is_read_only,
            Action::DelayWire(delay) => delay != self.delay,
            Action::StopService(copy) | Action::KillService(copy) => runs(copy) == Some(true),
            // One that there is not yet is added behind the last.
            Action::StartService(copy) => runs(copy) == Some(false) || copy == self.copies.len(),
            Action::SlowClients(_) => runs(0) == Some(true),
            Action::SlowClientsLeave => self.held > 0,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_already_cannot_be_done_again() {
        let mut condition = Condition {
            is_real: true,
            copies: vec![true],
            ..Condition::default()
        };
        assert!(condition.allows(Action::KillRedis) && !condition.allows(Action::StartRedis));
        assert!(
            !condition.allows(Action::AwaitDisk(true)),
            "it has no slow disk"
        );
        assert!(
            condition.allows(Action::StartService(1)) && !condition.allows(Action::StartService(2))
        );
        assert!(
            !condition.allows(Action::StartService(0)) && condition.allows(Action::StopService(0))
        );
        condition.redis = RedisState::Ended;
        condition.copies = vec![false];
        assert!(!condition.allows(Action::KillRedis) && condition.allows(Action::StartRedis));
        assert!(!condition.allows(Action::FreezeRedis) && !condition.allows(Action::ReadOnlyRedis));
        assert!(
            condition.allows(Action::StartService(0)) && !condition.allows(Action::SlowClients(1))
        );
        condition.redis = RedisState::Frozen;
        assert!(condition.allows(Action::ThawRedis) && condition.allows(Action::KillRedis));
    }
}
