//! What was found, as data, as text and as a table.

use std::{fmt::Write, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{CAPABILITIES, Capability, Expectation, Finding, Stop, Subject, expected};

/// What was found of one capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The service can do it.
    Has,
    /// It can, but not to the letter.
    HasBut,
    /// It cannot.
    Lacks,
    /// It was not checked.
    LeftOut,
    /// It fails in a way that nobody expects of anyone, or the check could not be carried out.
    Broken,
}

/// One service, one capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Which capability.
    pub id: String,
    /// What was found.
    pub verdict: Verdict,
    /// What was seen, where there is something to say.
    pub evidence: String,
    /// Whether that is what the service is expected to do. Nothing is expected of a stranger, except
    /// that the checks can be carried out and it has what they look for.
    pub as_expected: bool,
    /// How long the check took, in milliseconds.
    pub milliseconds: u64,
}

impl Cell {
    pub(crate) fn new(
        capability: &Capability,
        subject: &Subject,
        outcome: Result<Finding, Stop>,
        took: Duration,
    ) -> Self {
        let expectation = expected(subject, capability.id);
        let as_expected = match (&outcome, expectation) {
            (Ok(Finding::Has | Finding::HasNoting(_)), Expectation::Has)
            | (Ok(Finding::Lacks(_)), Expectation::Lacks) => true,
            (Ok(Finding::HasBut(found)), Expectation::HasBut(expected)) => *found == expected,
            (
                Ok(Finding::Has | Finding::HasNoting(_) | Finding::HasBut(_)),
                Expectation::Unknown,
            )
            | (Err(Stop::LeftOut(_)), _) => true,
            _ => false,
        };
        let (verdict, evidence) = match outcome {
            Ok(Finding::Has) => (Verdict::Has, String::new()),
            Ok(Finding::HasNoting(seen)) => (Verdict::Has, seen),
            Ok(Finding::HasBut(difference)) => (Verdict::HasBut, difference.to_owned()),
            Ok(Finding::Lacks(seen)) => (Verdict::Lacks, seen),
            Err(Stop::LeftOut(why)) => (Verdict::LeftOut, why),
            Err(Stop::Broken(why)) => (Verdict::Broken, why),
        };
        let milliseconds = took.as_millis().try_into().unwrap_or(u64::MAX);
        Self {
            id: capability.id.to_owned(),
            verdict,
            evidence,
            as_expected,
            milliseconds,
        }
    }
}

/// What was found of one service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The step's name, or the URL.
    pub subject: String,
    /// Which Redis the checks used.
    pub redis: String,
    /// What was found, in the order of [`CAPABILITIES`].
    pub cells: Vec<Cell>,
}

impl Report {
    /// Whether everything that was checked is as expected.
    pub fn is_as_expected(&self) -> bool {
        self.cells.iter().all(|cell| cell.as_expected)
    }

    /// How many capabilities it has, lacks, and which were not checked.
    pub fn summary(&self) -> String {
        let count = |verdicts: &[Verdict]| {
            self.cells
                .iter()
                .filter(|cell| verdicts.contains(&cell.verdict))
                .count()
        };
        let mut text = format!(
            "has {}, lacks {}",
            count(&[Verdict::Has, Verdict::HasBut]),
            count(&[Verdict::Lacks])
        );
        for (verdict, name) in [(Verdict::LeftOut, "left out"), (Verdict::Broken, "broken")] {
            if count(&[verdict]) > 0 {
                let _ = write!(text, ", {} {name}", count(&[verdict]));
            }
        }
        let wrong = self.cells.iter().filter(|cell| !cell.as_expected).count();
        text + &if wrong == 0 {
            ": as expected".to_owned()
        } else {
            format!("; {wrong} not as expected")
        }
    }
}

/// The table of what several services can do: one row a capability, one column a service.
pub fn markdown(reports: &[Report]) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut text = "| capability | |".to_owned();
    for report in reports {
        let number = report
            .subject
            .strip_prefix("step-")
            .and_then(|rest| rest.split('-').next());
        let _ = write!(text, " {} |", number.unwrap_or(&report.subject));
    }
    text += "\n|---|---|";
    text += &":-:|".repeat(reports.len());
    for capability in CAPABILITIES {
        let _ = write!(text, "\n| `{}` | {} |", capability.id, capability.statement);
        for report in reports {
            let cell = report.cells.iter().find(|cell| cell.id == capability.id);
            let sign = match cell.map(|cell| cell.verdict) {
                Some(Verdict::Has) => "yes".to_owned(),
                Some(Verdict::HasBut) => format!("yes{}", note(&mut notes, report, cell)),
                Some(Verdict::Lacks) => "–".to_owned(),
                Some(Verdict::LeftOut | Verdict::Broken) | None => "?".to_owned(),
            };
            let _ = write!(text, " {sign} |");
        }
    }
    for (index, note) in notes.iter().enumerate() {
        let _ = write!(text, "\n\n<sup>{}</sup> {note}", index + 1);
    }
    text
}

/// The mark of a footnote, which is made if it is new.
fn note(notes: &mut Vec<String>, report: &Report, cell: Option<&Cell>) -> String {
    let text = format!(
        "{}: {}",
        report.subject,
        cell.map(|cell| cell.evidence.as_str()).unwrap_or_default()
    );
    let position = notes
        .iter()
        .position(|note| *note == text)
        .unwrap_or_else(|| {
            notes.push(text);
            notes.len() - 1
        });
    format!("<sup>{}</sup>", position + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_a_capability_and_a_footnote_a_difference() {
        let cell = |id: &str, verdict| Cell {
            id: id.to_owned(),
            verdict,
            evidence: "answers POST / with 404".to_owned(),
            as_expected: true,
            milliseconds: 1,
        };
        let report = |subject: &str, verdict| Report {
            subject: subject.to_owned(),
            redis: String::new(),
            cells: vec![
                cell("greets", Verdict::Has),
                cell("ignores-strangers", verdict),
            ],
        };
        let reports = [
            report("step-2-redis", Verdict::Lacks),
            report("step-3-rocket", Verdict::HasBut),
        ];
        let table = markdown(&reports);
        let row = |id: &str| {
            table
                .lines()
                .find(|line| line.contains(id))
                .unwrap()
                .to_owned()
        };
        assert!(
            table.starts_with("| capability | | 2 | 3 |\n|---|---|:-:|:-:|\n"),
            "{table}"
        );
        assert!(row("`greets`").ends_with("| yes | yes |"), "{table}");
        assert!(
            row("`ignores-strangers`").ends_with("| – | yes<sup>1</sup> |"),
            "{table}"
        );
        assert!(row("`heals`").ends_with("| ? | ? |"), "{table}");
        assert!(
            table.ends_with("<sup>1</sup> step-3-rocket: answers POST / with 404"),
            "{table}"
        );
    }
}
