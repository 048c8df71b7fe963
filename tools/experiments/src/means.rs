//! What there is to carry experiments out with.

use private_redis::RedisProgram;
use processes::programs::{Platform, Tool};

use crate::{Action, Experiment};

/// What experiments can be carried out with on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// Whether each step has a real Redis, and no embedded one.
    pub is_real: bool,
    /// Whether its disk can be slowed.
    pub can_slow_disk: bool,
    /// Whether somebody wants the embedded one even where there is a real one.
    embedded: bool,
}

impl Means {
    /// What is here; with `embedded`, as if there were no real Redis.
    pub fn here(embedded: bool) -> Self {
        let program = RedisProgram::find().filter(|_| !embedded);
        Self {
            is_real: program.is_some(),
            can_slow_disk: program.is_some_and(|program| program.can_slow_disk()),
            embedded,
        }
    }

    /// Whether that can ever be done with them.
    pub fn serve(self, action: Action) -> bool {
        match action {
            Action::AwaitDisk(_) => self.can_slow_disk,
            Action::ReadOnlyRedis | Action::WritableRedis => self.is_real,
            _ => true,
        }
    }

    /// What an experiment needs that is not here, and what to do about it.
    pub fn missing(self, experiment: &Experiment) -> Option<String> {
        if experiment.needs_real_redis() && !self.is_real {
            Some(format!(
                "needs a real Redis, which keeps files or follows another one; {}",
                self.how_to_have_redis()
            ))
        } else if experiment.redis.disk_delay.is_some() && !self.can_slow_disk {
            Some(format!(
                "slows a disk with strace, which is missing or may not trace here; {}",
                self.how_to_slow_a_disk()
            ))
        } else {
            None
        }
    }

    /// What to do where no step has a real Redis.
    pub fn how_to_have_redis(self) -> String {
        match self.embedded {
            true => "leave out --embedded".to_owned(),
            false => format!("install it with: {}", Tool::REDIS.install(Platform::here())),
        }
    }

    /// What to do where the disk of a real Redis cannot be slowed.
    pub fn how_to_slow_a_disk(self) -> String {
        Tool::STRACE.install(Platform::here())
    }
}
