//! What the visits of a step came to, what that means, and what mends it.

use contract::Report;

use crate::{
    Subject,
    experiment::{Defect, Experiment, Remedy, Rule, Variant, plural},
    recording::{Ledger, Verdict},
};

/// From how many commands a visit on a step talks too much.
const COMMANDS_PER_VISIT_MAX: f64 = 0.5;

/// What the contract says of every step.
pub struct Contract(pub Vec<Report>);

impl Contract {
    /// Whether a step can do that, to the letter or not. A step that is not in it is expected to.
    fn has(&self, step: &str, capability: &str) -> bool {
        let report = self.0.iter().find(|report| report.subject == step);
        let finding = report.and_then(|report| report.finding(capability));
        finding.is_none_or(contract::Finding::is_had)
    }

    /// The first step after this one that can do that.
    fn next_with(&self, step: &str, capability: &str) -> Option<&str> {
        let later = self.0.iter().skip_while(|report| report.subject != step);
        let mut later = later.skip(1).map(|report| report.subject.as_str());
        later.find(|step| self.has(step, capability))
    }
}

/// Judges one step.
pub fn judge(
    experiment: &Experiment,
    variant: &Variant,
    subject: &Subject,
    contract: &Contract,
    ledger: &Ledger,
) -> Verdict {
    let defects = defects(variant, ledger);
    let rules = |defect: Defect| variant.rules.iter().find(move |rule| rule.defect == defect);
    let mut meanings: Vec<String> = defects.iter().map(|defect| defect.means(ledger)).collect();
    if meanings.is_empty() {
        meanings.push(experiment.all_well.to_owned());
    }
    let remedies = defects.iter().map(|&defect| match rules(defect) {
        Some(rule) => remedy(rule, subject, contract),
        None => "nothing that this experiment knows of".to_owned(),
    });
    let mut remedies: Vec<String> = remedies.collect();
    remedies.dedup();
    if remedies.is_empty() {
        remedies.push("nothing is to be mended".to_owned());
    }
    Verdict {
        surprises: surprises(variant, subject, contract, ledger, &defects),
        lines: [happened(ledger), meanings.join(" "), remedies.join("; ")],
        defects,
    }
}

/// What showed, the worst first.
fn defects(variant: &Variant, ledger: &Ledger) -> Vec<Defect> {
    let looks_at = |defect| variant.rules.iter().any(|rule| rule.defect == defect);
    let acceptable = ledger.acceptable();
    let commands_per_visit = ledger.commands as f64 / ledger.answered.max(1) as f64;
    let count = ledger.count;
    let signs = [
        (Defect::Repeats, ledger.duplicates > 0),
        (
            Defect::Forgets,
            count.is_some_and(|count| count < *acceptable.start()),
        ),
        (
            Defect::CountsTwice,
            count.is_some_and(|count| count > *acceptable.end()),
        ),
        (Defect::NoNumber, ledger.without_number > 0),
        (Defect::StaysDead, ledger.answered_at_last == 0),
        (Defect::Dishonest, ledger.failed + ledger.silent > 0),
        (Defect::Cuts, ledger.cut > 0),
        (Defect::ShutsOut, ledger.shut_out > 0),
        (Defect::HoldsClients, ledger.held > 0),
        // Only where many wait at once, there is reason to refuse, and to share commands.
        (
            Defect::NeverRefuses,
            ledger.refused == 0 && looks_at(Defect::NeverRefuses),
        ),
        (
            Defect::Talkative,
            commands_per_visit > COMMANDS_PER_VISIT_MAX && looks_at(Defect::Talkative),
        ),
    ];
    let shown = signs.into_iter().filter(|(_, shows)| *shows);
    shown.map(|(defect, _)| defect).collect()
}

fn happened(ledger: &Ledger) -> String {
    let failed = ledger.failed + ledger.without_number + ledger.cut + ledger.unconnected;
    let Ledger {
        answered,
        refused,
        silent,
        ..
    } = ledger;
    let duplicates = match ledger.duplicates {
        0 => "no number twice".to_owned(),
        duplicates => format!("{duplicates} given twice"),
    };
    let count = match ledger.count {
        None => "the count is not in Redis".to_owned(),
        Some(count) => {
            let (low, high) = ledger.acceptable().into_inner();
            format!("Redis says {count}, and {low} to {high} is right")
        }
    };
    format!(
        "{answered} answered, {refused} refused, {failed} failed, {silent} silent; {duplicates}; {count}"
    )
}

impl Defect {
    /// What it means, in a sentence.
    fn means(self, ledger: &Ledger) -> String {
        let acceptable = ledger.acceptable();
        let count = ledger.count.unwrap_or_default();
        match self {
            Self::Repeats => {
                let some: Vec<String> = ledger.first_duplicates.iter().take(3).map(u64::to_string).collect();
                format!("Two visitors have the same number (such as {}).", some.join(", "))
            }
            Self::Forgets => {
                let lost = acceptable.start() - count;
                format!("{} with a number in hand: Redis does not know of them.", visits(lost))
            }
            Self::CountsTwice => {
                let more = count - acceptable.end();
                format!("Redis has counted {} that nobody made.", visits(more))
            }
            Self::NoNumber => format!(
                "{} got a 200 without a number: a page that lies.",
                visits(ledger.without_number)
            ),
            Self::StaysDead => {
                "All is well again, and still no number comes: it stays dead until somebody restarts it."
                    .to_owned()
            }
            Self::Dishonest => {
                "Visits got an error, or nothing, where a refusal (503 with Retry-After) was due.".to_owned()
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
            Self::NeverRefuses => "Nobody is refused: all wait, however many they are.".to_owned(),
            Self::Talkative => format!(
                "A visit costs {:.1} Redis commands, and waits for each of them.",
                ledger.commands as f64 / ledger.answered.max(1) as f64
            ),
        }
    }

    /// What it is, for somebody who did not expect it.
    fn words(self) -> &'static str {
        match self {
            Self::Repeats => "it gave a number twice",
            Self::Forgets => "it swallowed visits that had got a number",
            Self::CountsTwice => "it counted a visit twice",
            Self::NoNumber => "it answered 200 without a number",
            Self::StaysDead => "it stayed dead",
            Self::Dishonest => "it did not refuse honestly",
            Self::Cuts => "it cut visits off",
            Self::ShutsOut => "it shut visitors out",
            Self::HoldsClients => "it held clients that do nothing",
            Self::NeverRefuses => "it refused nobody",
            Self::Talkative => "a visit cost a Redis command or more",
        }
    }
}

fn visits(count: u64) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "visit")
}

fn remedy(rule: &Rule, subject: &Subject, contract: &Contract) -> String {
    match rule.remedy {
        Remedy::Other(remedy) => remedy.to_owned(),
        Remedy::Capability(capability) => match contract.next_with(&subject.name, capability) {
            Some(step) => format!("{step} (`{capability}`)"),
            None => format!("no step has `{capability}` after it"),
        },
    }
}

/// Where that is not what the contract says.
fn surprises(
    variant: &Variant,
    subject: &Subject,
    contract: &Contract,
    ledger: &Ledger,
    defects: &[Defect],
) -> Vec<String> {
    let has = |capability| contract.has(&subject.name, capability);
    let mut surprises = Vec::new();
    for defect in defects {
        let rule = variant.rules.iter().find(|rule| rule.defect == *defect);
        let words = defect.words();
        match rule.map(|rule| rule.remedy) {
            None => surprises.push(format!("{words}, which no step may")),
            Some(Remedy::Capability(capability)) if has(capability) => {
                surprises.push(format!("{words}, and should have `{capability}`"));
            }
            Some(_) => {}
        }
    }
    for rule in variant.rules.iter().filter(|rule| rule.is_certain) {
        let expected = match rule.remedy {
            Remedy::Capability(capability) => !has(capability),
            // What Redis does wrong, it does only to who counts there.
            Remedy::Other(_) => ledger.count.is_some(),
        };
        if expected && !defects.contains(&rule.defect) {
            let words = rule.defect.words();
            surprises.push(format!("it should show that {words}, and did not"));
        }
    }
    surprises
}
