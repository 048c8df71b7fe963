//! What a drill has cost, and whether it may.

use std::{fmt, time::Duration};

use experiments::Ledger;

use crate::{Drill, drill::Action};

/// What a drill has cost.
#[derive(Debug)]
pub struct Outcome {
    /// Which one.
    pub drill: &'static Drill,
    /// Whether the visits came through a proxy.
    pub has_proxy: bool,
    /// What the visits came to.
    pub ledger: Ledger,
    /// The longest time in which nobody was given a number, to a tenth of a second.
    pub longest_silence: Duration,
    /// What the master that was cut off said in the end, and what its successor said.
    pub truths: Option<(u64, u64)>,
}

impl Outcome {
    /// Visits without a number that were not refused in order.
    pub fn failed(&self) -> u64 {
        let ledger = &self.ledger;
        ledger.failed + ledger.without_number + ledger.cut + ledger.silent + ledger.unconnected
    }

    /// Whether visits may come to a copy that is not there. A proxy would send them to another one.
    pub fn may_fail(&self) -> bool {
        !self.has_proxy && self.drill.action == Action::RestartEach
    }

    /// Numbers that were given and that the cluster does not know of.
    pub fn lost(&self) -> u64 {
        let count = self.ledger.count.unwrap_or_default();
        self.ledger.acceptable().start().saturating_sub(count)
    }

    /// What it must not have cost. Empty if all is as it should be.
    pub fn surprises(&self) -> Vec<String> {
        let (ledger, drill) = (&self.ledger, self.drill);
        let (count, high) = (ledger.count.unwrap_or_default(), *ledger.acceptable().end());
        let (may_fail, may_refuse) = (self.may_fail(), drill.may_refuse || self.may_fail());
        let signs = [
            (self.failed(), !may_fail, "visits that failed"),
            (ledger.refused, !may_refuse, "visits that were refused"),
            (
                ledger.duplicates,
                !drill.may_forget,
                "numbers that were given twice",
            ),
            (self.lost(), !drill.may_forget, "numbers that were lost"),
            (
                count.saturating_sub(high),
                true,
                "counted visits that nobody made",
            ),
            (
                ledger.gaps.saturating_sub(ledger.unknown()),
                true,
                "numbers that were skipped for no visit",
            ),
        ];
        let shown = signs
            .iter()
            .filter(|(times, is_wrong, _)| *is_wrong && *times > 0);
        let mut shown: Vec<String> = shown
            .map(|(times, _, what)| format!("{what}: {times}"))
            .collect();
        if ledger.answered_at_last == 0 {
            shown.push("nobody is counted in the end".to_owned());
        }
        shown
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ledger = &self.ledger;
        let (answered, refused, failed) = (ledger.answered, ledger.refused, self.failed());
        let silence = self.longest_silence.as_secs_f32();
        writeln!(
            f,
            "  {answered} visits answered, {refused} refused, {failed} failed"
        )?;
        writeln!(f, "  {silence:.1} s without an answer, at the longest")?;
        let (lost, twice, skipped) = (self.lost(), ledger.duplicates, ledger.gaps);
        writeln!(
            f,
            "  {lost} numbers lost, {twice} given twice, {skipped} skipped"
        )?;
        let (low, high) = ledger.acceptable().into_inner();
        let count = ledger.count.unwrap_or_default();
        writeln!(f, "  the cluster says {count}; {low} to {high} is right")?;
        if let Some((old, new)) = self.truths {
            writeln!(
                f,
                "  two truths: {old} on the master that was cut off, {new} on its successor"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A drill after which the cluster says `count`, and in which 100 visits were answered.
    fn surprises(name: &str, count: u64, ledger: Ledger) -> Vec<String> {
        outcome(name, count, ledger).surprises()
    }

    fn outcome(name: &str, count: u64, ledger: Ledger) -> Outcome {
        let drill = crate::find(name).expect("there is such a drill");
        let ledger = Ledger {
            answered: 100,
            answered_at_last: 10,
            count: Some(count),
            ..ledger
        };
        Outcome {
            drill,
            has_proxy: true,
            ledger,
            longest_silence: Duration::ZERO,
            truths: None,
        }
    }

    #[test]
    fn what_a_drill_must_not_cost_is_named() {
        let refused = || Ledger {
            refused: 3,
            ..Ledger::default()
        };
        assert!(surprises("rolling", 100, Ledger::default()).is_empty());
        assert_eq!(
            surprises("rolling", 102, refused()),
            ["visits that were refused: 3"]
        );
        assert!(surprises("kill-master", 102, refused()).is_empty());
        // A failover may forget, and a service that waits for a replica may not.
        assert!(surprises("partition", 98, Ledger::default()).is_empty());
        assert_eq!(
            surprises("wait", 98, Ledger::default()),
            ["numbers that were lost: 2"]
        );
        // No drill may count a visitor twice.
        let twice = surprises("kill-master", 104, refused());
        assert_eq!(twice, ["counted visits that nobody made: 1"]);
        let cut = Ledger {
            cut: 1,
            ..Ledger::default()
        };
        assert_eq!(surprises("kill-half", 100, cut), ["visits that failed: 1"]);
    }

    #[test]
    fn without_a_proxy_a_restart_may_cost_visits_and_nothing_else() {
        let without = |name, count, ledger| {
            let outcome = Outcome {
                has_proxy: false,
                ..outcome(name, count, ledger)
            };
            outcome.surprises()
        };
        let lost_visits = || Ledger {
            refused: 3,
            cut: 1,
            ..Ledger::default()
        };
        assert!(without("rolling", 100, lost_visits()).is_empty());
        assert_eq!(
            without("rolling", 98, lost_visits()),
            ["numbers that were lost: 2"]
        );
        // Here no copy restarts.
        assert_eq!(
            without("kill-master", 100, lost_visits()),
            ["visits that failed: 1"]
        );
    }
}
