//! All drills.

use crate::drill::{Action, Drill};

/// All drills, from those that cost nothing to those that cost most.
pub const DRILLS: &[Drill] = &[
    Drill {
        name: "rolling",
        what: "each copy of the service is stopped and started again, one after the other",
        action: Action::RestartEach,
        may_refuse: false,
        may_forget: false,
    },
    Drill {
        name: "proxy-retry",
        what: "servers count and then give no answer: does the proxy ask another one?",
        action: Action::RetryUnanswered,
        may_refuse: false,
        may_forget: false,
    },
    Drill {
        name: "kill-replica",
        what: "the replica of the master that counts is killed",
        action: Action::KillReplica,
        may_refuse: false,
        may_forget: false,
    },
    Drill {
        name: "kill-master",
        what: "the master that counts is killed, and its replica takes over",
        action: Action::KillMaster,
        may_refuse: true,
        may_forget: true,
    },
    Drill {
        name: "kill-half",
        what: "the master that counts and the replicas of the two others are killed at once",
        action: Action::KillHalf,
        may_refuse: true,
        may_forget: true,
    },
    Drill {
        name: "partition",
        what: "the master that counts is cut off from the other nodes, and not from the service",
        action: Action::Partition,
        may_refuse: true,
        may_forget: true,
    },
    Drill {
        name: "wait",
        what: "the same, and a number is given only after a replica has the count (REPLICAS=1)",
        action: Action::PartitionWaiting,
        may_refuse: true,
        may_forget: false,
    },
];

/// The drill of that name.
pub fn find(name: &str) -> Option<&'static Drill> {
    DRILLS.iter().find(|drill| drill.name == name)
}
