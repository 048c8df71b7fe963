//! What the visits of a step came to, what that means, and what mends it.

use std::path::Path;

use anyhow::Result;
use contract::Report;

use crate::{
    catalog::ANYWHERE,
    experiment::{Defect, Experiment, Remedy, Rule, Variant, plural},
    recording::{Ledger, Recording, Verdict},
};

/// From how many commands a visit on a step talks too much.
const COMMANDS_PER_VISIT_MAX: f64 = 0.5;

/// What the contract says of every step.
pub struct Contract(pub Vec<Report>);

impl Contract {
    /// What the last run of the contract found.
    ///
    /// # Errors
    ///
    /// When its file cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        Ok(Self(contract::results::read(
            &root.join(contract::results::FILE),
        )?))
    }

    /// Whether a step can do that to the letter: `None` if it can, but not quite. A step that is not in it is
    /// expected to.
    fn has(&self, step: &str, capability: &str) -> Option<bool> {
        let report = self.0.iter().find(|report| report.subject == step);
        let finding = report.and_then(|report| report.finding(capability));
        match finding.map(|finding| finding.verdict) {
            Some(contract::Verdict::HasBut) => None,
            Some(contract::Verdict::Lacks) => Some(false),
            _ => Some(true),
        }
    }

    /// The first step after this one that can do that.
    fn next_with(&self, step: &str, capability: &str) -> Option<&str> {
        let later = self.0.iter().skip_while(|report| report.subject != step);
        let mut later = later.skip(1).map(|report| report.subject.as_str());
        later.find(|step| self.has(step, capability) == Some(true))
    }
}

/// What an experiment says of a defect, for a step that is set up in this way.
fn rule(variant: &Variant, defect: Defect) -> Option<&Rule> {
    let mut rules = variant.rules.iter().chain([&ANYWHERE]);
    rules.find(|rule| rule.defect == defect)
}

impl Recording {
    /// Judges anew what was recorded, by what the contract says now.
    pub fn judge(&mut self, experiment: &Experiment, contract: &Contract) {
        let variants = experiment.variants.iter().cycle();
        for (column, variant) in self.columns.iter_mut().zip(variants) {
            // What follows the name of the step is how it was set up.
            let step = column.name.split(' ').next().unwrap_or_default();
            let case = Case {
                experiment,
                variant,
                step,
                contract,
                ledger: &column.ledger,
            };
            column.verdict = case.judge();
        }
    }

    /// In which defects another run of the same experiment came out differently, and what no run may show.
    /// No difference is what shows now and then by the experiment's own rules, and any number.
    pub fn differences(&self, experiment: &Experiment, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        let variants = experiment.variants.iter().cycle();
        for ((ours, theirs), variant) in self.columns.iter().zip(&other.columns).zip(variants) {
            let is_certain =
                |defect: &&Defect| rule(variant, **defect).is_none_or(|rule| rule.is_certain);
            let lacks = |verdict: &Verdict, defect| !verdict.defects.contains(defect);
            let (ours, theirs, name) = (&ours.verdict, &theirs.verdict, &ours.name);
            let new = theirs.defects.iter().filter(is_certain);
            let new = new.filter(|defect| lacks(ours, defect));
            let gone = ours.defects.iter().filter(is_certain);
            let gone = gone.filter(|defect| lacks(theirs, defect));
            differences.extend(new.map(|new| format!("{name}: `{}` shows now", new.name())));
            differences.extend(gone.map(|gone| format!("{name}: `{}` shows no more", gone.name())));
            let surprises = theirs.surprises.iter();
            differences.extend(surprises.map(|surprise| format!("{name}: {surprise}")));
        }
        differences
    }
}

/// Who is judged, and by what.
pub struct Case<'a> {
    /// What was done.
    pub experiment: &'a Experiment,
    /// How the step was set up.
    pub variant: &'a Variant,
    /// The name of the step.
    pub step: &'a str,
    /// What is said of it.
    pub contract: &'a Contract,
    /// What the visits came to.
    pub ledger: &'a Ledger,
}

impl Case<'_> {
    /// Judges.
    pub fn judge(&self) -> Verdict {
        let defects = self.defects();
        let meanings: Vec<String> = defects.iter().map(|one| one.means(self.ledger)).collect();
        let means = match meanings.is_empty() {
            true => self.experiment.all_well.to_owned(),
            false => meanings.join(" "),
        };
        Verdict {
            surprises: self.surprises(&defects),
            lines: [self.happened(), means, self.remedies(&defects)],
            defects,
        }
    }

    /// What showed, the worst first.
    fn defects(&self) -> Vec<Defect> {
        let ledger = self.ledger;
        let (low, high) = ledger.acceptable().into_inner();
        let says = |is_wrong: fn(u64, u64) -> bool, limit| {
            ledger.count.is_some_and(|count| is_wrong(count, limit))
        };
        let is_talkative = ledger.commands_per_visit() > COMMANDS_PER_VISIT_MAX;
        let signs = [
            (Defect::Repeats, ledger.duplicates > 0),
            (Defect::Forgets, says(|count, low| count < low, low)),
            (Defect::CountsTwice, says(|count, high| count > high, high)),
            (Defect::NoNumber, ledger.without_number > 0),
            (Defect::StaysDead, ledger.answered_at_last == 0),
            (Defect::Dishonest, ledger.failed + ledger.silent > 0),
            (Defect::Cuts, ledger.cut > 0),
            (Defect::ShutsOut, ledger.shut_out > 0),
            (Defect::HoldsClients, ledger.held > 0),
            // Only where many wait at once, there is reason to refuse, and to share commands.
            (
                Defect::NeverRefuses,
                ledger.refused == 0 && self.looks_at(Defect::NeverRefuses),
            ),
            (
                Defect::Talkative,
                is_talkative && self.looks_at(Defect::Talkative),
            ),
        ];
        let shown = signs.into_iter().filter(|(_, shows)| *shows);
        shown.map(|(defect, _)| defect).collect()
    }

    fn looks_at(&self, defect: Defect) -> bool {
        self.variant.rules.iter().any(|rule| rule.defect == defect)
    }

    fn rule(&self, defect: Defect) -> Option<&Rule> {
        rule(self.variant, defect)
    }

    fn happened(&self) -> String {
        let ledger = self.ledger;
        let failed = ledger.failed + ledger.without_number + ledger.cut;
        let Ledger {
            answered,
            refused,
            silent,
            ..
        } = ledger;
        let mut parts = vec![format!(
            "{answered} answered, {refused} refused, {failed} failed, {silent} silent"
        )];
        if ledger.unconnected > 0 {
            parts.push(format!("{} found nobody", ledger.unconnected));
        }
        if let Some(p50) = ledger
            .p50_meanwhile
            .filter(|_| self.looks_at(Defect::Talkative))
        {
            parts.push(format!("p50 meanwhile {p50:.0} ms"));
        }
        parts.push(match ledger.duplicates {
            0 => "no number twice".to_owned(),
            duplicates => format!("{duplicates} given twice"),
        });
        let (low, high) = ledger.acceptable().into_inner();
        parts.push(match ledger.count {
            None => "the count is not in Redis".to_owned(),
            Some(count) if low == high => format!("Redis says {count}, and {low} is right"),
            Some(count) => format!("Redis says {count}, and {low} to {high} is right"),
        });
        parts.join("; ")
    }

    /// What mends it, each step with all that it mends.
    fn remedies(&self, defects: &[Defect]) -> String {
        let mut mended: Vec<(&str, Vec<String>)> = Vec::new();
        for rule in defects.iter().filter_map(|defect| self.rule(*defect)) {
            let (by, capability) = match rule.remedy {
                Remedy::Other(remedy) => (remedy, None),
                Remedy::Capability(capability) => {
                    let step = self.contract.next_with(self.step, capability);
                    (
                        step.unwrap_or("no later step"),
                        Some(format!("`{capability}`")),
                    )
                }
            };
            match mended.iter_mut().find(|(known, _)| *known == by) {
                Some((_, all)) if all.iter().any(|known| Some(known) == capability.as_ref()) => {}
                Some((_, all)) => all.extend(capability),
                None => mended.push((by, capability.into_iter().collect())),
            }
        }
        let words = mended
            .iter()
            .map(|(by, capabilities)| match capabilities.is_empty() {
                true => (*by).to_owned(),
                false => format!("{by} ({})", capabilities.join(", ")),
            });
        match (defects.is_empty(), words.collect::<Vec<_>>().join("; ")) {
            (true, _) => "nothing is to be mended".to_owned(),
            (false, words) if words.is_empty() => {
                "no step knows how: no step may do that".to_owned()
            }
            (false, words) => words,
        }
    }

    /// Where that is not what the contract says.
    fn surprises(&self, defects: &[Defect]) -> Vec<String> {
        let has = |capability| self.contract.has(self.step, capability);
        let shown = defects.iter().filter_map(|defect| {
            let name = defect.name();
            match self.rule(*defect).map(|rule| rule.remedy) {
                None => Some(format!("`{name}` showed, which no step may")),
                Some(Remedy::Capability(capability)) if has(capability) == Some(true) => Some(
                    format!("`{name}` showed, though the contract says that it has `{capability}`"),
                ),
                Some(_) => None,
            }
        });
        let hidden = self
            .variant
            .rules
            .iter()
            .filter(|rule| rule.is_certain)
            .filter_map(|rule| {
                let (is_due, why) = match rule.remedy {
                    Remedy::Capability(capability) => (
                        has(capability) == Some(false),
                        format!("it lacks `{capability}`"),
                    ),
                    // What Redis does wrong, it does only to who counts there.
                    Remedy::Other(_) => {
                        (self.ledger.count.is_some(), "Redis is to blame".to_owned())
                    }
                };
                let is_hidden = is_due && !defects.contains(&rule.defect);
                is_hidden.then(|| format!("`{}` did not show, though {why}", rule.defect.name()))
            });
        shown.chain(hidden).collect()
    }
}

impl Defect {
    /// What it means, in a sentence.
    fn means(self, ledger: &Ledger) -> String {
        let (low, high) = ledger.acceptable().into_inner();
        let count = ledger.count.unwrap_or_default();
        match self {
            Self::Repeats => {
                let some = ledger.first_duplicates.iter().take(3).map(u64::to_string);
                let some = some.collect::<Vec<_>>().join(", ");
                format!("Two visitors have the same number (such as {some}).")
            }
            Self::Forgets => {
                let lost = visits(low.saturating_sub(count));
                format!("{lost} with a number in hand: Redis does not know of them.")
            }
            Self::CountsTwice => {
                format!("Redis has counted {} that nobody made.", visits(count.saturating_sub(high)))
            }
            Self::NoNumber => {
                format!("{} got a 200 without a number.", visits(ledger.without_number))
            }
            Self::StaysDead => {
                "All is well again, and still no number comes: it stays dead until somebody restarts it.".into()
            }
            Self::Dishonest => {
                "Visits got an error, or nothing, where a refusal (503 with Retry-After) was due.".into()
            }
            Self::Cuts => format!("{} had begun and got no whole answer.", visits(ledger.cut)),
            Self::ShutsOut => format!(
                "{} found no room in the queue of new connections and had to connect again.",
                plural(ledger.shut_out as usize, "visitor")
            ),
            Self::HoldsClients => format!(
                "{} that do nothing keep their connections for as long as they like.",
                plural(ledger.held as usize, "client")
            ),
            Self::NeverRefuses => "Nobody is refused: all wait, however many they are.".into(),
            Self::Talkative => {
                format!("A visit costs {:.1} Redis commands.", ledger.commands_per_visit())
            }
        }
    }

    /// Its name, as it stands in a recording.
    fn name(self) -> String {
        let name = serde_json::to_string(&self).unwrap_or_default();
        name.trim_matches('"').to_owned()
    }
}

fn visits(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "visit")
}
