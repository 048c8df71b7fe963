//! What a drill has cost, and whether it may.

use std::{fmt, time::Duration};

use experiments::Ledger;

use crate::Drill;

/// What a drill has cost.
#[derive(Debug)]
pub struct Outcome {
    /// Which one.
    pub drill: &'static Drill,
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

    /// Numbers that were given and that the cluster does not know of.
    pub fn lost(&self) -> u64 {
        let count = self.ledger.count.unwrap_or_default();
        self.ledger.acceptable().start().saturating_sub(count)
    }

    /// What it must not have cost. Empty if all is as it should be.
    pub fn surprises(&self) -> Vec<String> {
        let (ledger, drill) = (&self.ledger, self.drill);
        let (count, high) = (ledger.count.unwrap_or_default(), *ledger.acceptable().end());
        let signs = [
            (self.failed(), true, "visits failed"),
            (ledger.refused, !drill.may_refuse, "visits were refused"),
            (
                ledger.duplicates,
                !drill.may_forget,
                "numbers were given twice",
            ),
            (self.lost(), !drill.may_forget, "numbers were lost"),
            (
                count.saturating_sub(high),
                true,
                "visits were counted that nobody made",
            ),
            (
                ledger.gaps.saturating_sub(ledger.unknown()),
                true,
                "numbers were skipped for no visit",
            ),
        ];
        let shown = signs
            .iter()
            .filter(|(times, is_wrong, _)| *is_wrong && *times > 0);
        let mut shown: Vec<String> = shown
            .map(|(times, _, what)| format!("{times} {what}"))
            .collect();
        if ledger.answered_at_last == 0 {
            shown.push("nobody was counted in the end".to_owned());
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
        let drill = crate::find(name).expect("there is such a drill");
        let ledger = Ledger {
            answered: 100,
            answered_at_last: 10,
            count: Some(count),
            ..ledger
        };
        let outcome = Outcome {
            drill,
            ledger,
            longest_silence: Duration::ZERO,
            truths: None,
        };
        outcome.surprises()
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
            ["3 visits were refused"]
        );
        assert!(surprises("kill-master", 102, refused()).is_empty());
        // A failover may forget, and a service that waits for a replica may not.
        assert!(surprises("partition", 98, Ledger::default()).is_empty());
        assert_eq!(
            surprises("wait", 98, Ledger::default()),
            ["2 numbers were lost"]
        );
        // No drill may count a visitor twice.
        let twice = surprises("kill-master", 104, refused());
        assert_eq!(twice, ["1 visits were counted that nobody made"]);
        let cut = Ledger {
            cut: 1,
            ..Ledger::default()
        };
        assert_eq!(surprises("kill-half", 100, cut), ["1 visits failed"]);
    }
}
