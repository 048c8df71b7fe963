//! What a check found, and the findings of one service together.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it comes to.
    pub verdict: Verdict,
    /// What was seen, which difference there is, or what is missing, where there is something to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// Whether it holds only if the machine was not too busy, which another attempt tells.
    #[serde(skip)]
    pub(crate) unless_busy: bool,
}

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The service can do it.
    Has,
    /// The service can do it, but not to the letter. The evidence is the difference.
    HasBut,
    /// The service has the one defect that the capability is the remedy for.
    Lacks,
    /// It was not checked. The evidence is what is missing for that.
    LeftOut,
    /// The service did what no service should, or the check could not be carried out.
    Broken,
}

/// As it is printed.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Has => "has",
            Self::HasBut => "has, but",
            Self::Lacks => "lacks",
            Self::LeftOut => "left out",
            Self::Broken => "broken",
        })
    }
}

/// The differences to the letter that a check may find.
pub(crate) mod but {
    /// Flask's default content type.
    pub(crate) const HTML: &str = "answers text/html";
    /// A client that waits for Redis for ever, or does not ask whether it can count.
    pub(crate) const STAYS: &str = "stays with a Redis that is silent";
    /// Rocket has no 405.
    pub(crate) const NOT_FOUND: &str = "answers POST / with 404";
    /// A service that keeps its count to itself and so is not hurt when Redis is.
    pub(crate) const NO_REDIS: &str = "needs no Redis";
    /// A server that closes its idle connections at once when it stops.
    pub(crate) const LOST_ON_THE_WIRE: &str = "loses requests on the wire when it stops";
    /// A server that closes each connection after one answer.
    pub(crate) const ONE_ANSWER: &str = "gives one answer a connection";
    /// A server that treats HEAD on its own.
    pub(crate) const HEAD_IS_NO_VISIT: &str = "HEAD / does not count";
}

/// What a check comes to. Whoever gets to its end has the capability; every other finding ends it early.
pub(crate) type Checked<T = ()> = Result<T, Finding>;

impl Finding {
    /// A finding that holds however busy the machine is.
    pub fn new(verdict: Verdict, evidence: impl Into<String>) -> Self {
        Self {
            verdict,
            evidence: evidence.into(),
            unless_busy: false,
        }
    }

    /// Whether the service can do it, be it to the letter or not.
    pub fn is_had(&self) -> bool {
        matches!(self.verdict, Verdict::Has | Verdict::HasBut)
    }
}

/// The service can do it. The note says what it took.
pub(crate) fn has<T>(note: impl Into<String>) -> Checked<T> {
    Err(Finding::new(Verdict::Has, note))
}

/// The service can do it, but not to the letter.
pub(crate) fn has_but<T>(but: &str) -> Checked<T> {
    Err(Finding::new(Verdict::HasBut, but))
}

/// The service has the one defect.
pub(crate) fn lacks<T>(seen: impl Into<String>) -> Checked<T> {
    Err(Finding::new(Verdict::Lacks, seen))
}

/// The service does what no service should, or the check cannot be carried out.
pub(crate) fn broken<T>(why: impl Into<String>) -> Checked<T> {
    Err(Finding::new(Verdict::Broken, why))
}

/// Something that the check needs is missing here.
pub(crate) fn left_out<T>(why: impl Into<String>) -> Checked<T> {
    Err(Finding::new(Verdict::LeftOut, why))
}

/// A busy machine can be the reason for that. It holds if it is found again and again.
pub(crate) fn unless_busy<T>(checked: Checked<T>) -> Checked<T> {
    checked.map_err(|finding| Finding {
        unless_busy: true,
        ..finding
    })
}

/// Attempts a thing that a busy machine can spoil, until what is found is certain, or for the last time.
pub(crate) fn retry<T>(attempts: usize, mut attempt: impl FnMut() -> Checked<T>) -> Checked<T> {
    for _ in 1..attempts {
        match attempt() {
            Err(finding) if finding.unless_busy => {}
            certain => return certain,
        }
    }
    attempt()
}

impl<E: std::error::Error> From<E> for Finding {
    fn from(error: E) -> Self {
        Self::new(Verdict::Broken, error.to_string())
    }
}

/// One service, one capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Which capability.
    pub id: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// Whether that is what the service is expected to do. A server that is none of our steps is expected
    /// to have what is checked.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub as_expected: bool,
}

fn yes() -> bool {
    true
}

/// What was found of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The step's name, or the URL.
    pub subject: String,
    /// What was found, in the order of [`CAPABILITIES`](crate::CAPABILITIES).
    pub cells: Vec<Cell>,
}

impl Report {
    /// What was found of one capability, if it is among those that were asked for.
    pub fn finding(&self, id: &str) -> Option<&Finding> {
        let cell = self.cells.iter().find(|cell| cell.id == id);
        cell.map(|cell| &cell.finding)
    }

    /// Whether everything that was checked is as expected.
    pub fn is_as_expected(&self) -> bool {
        self.unexpected().next().is_none()
    }

    /// What is not as expected.
    pub fn unexpected(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| !cell.as_expected)
    }

    /// Puts what was found later in the place of what was found first.
    pub fn replace(&mut self, later: Self) {
        for found in later.cells {
            if let Some(first) = self.cells.iter_mut().find(|cell| cell.id == found.id) {
                *first = found;
            }
        }
    }

    /// How many capabilities it has, lacks, and which were not checked.
    pub fn summary(&self) -> String {
        let count = |verdicts: &[Verdict]| {
            let cells = self.cells.iter();
            let such = cells.filter(|cell| verdicts.contains(&cell.finding.verdict));
            such.count()
        };
        let has = count(&[Verdict::Has, Verdict::HasBut]);
        let mut text = format!("has {has}, lacks {}", count(&[Verdict::Lacks]));
        for verdict in [Verdict::LeftOut, Verdict::Broken] {
            match count(&[verdict]) {
                0 => {}
                count => _ = write!(text, ", {count} {verdict}"),
            }
        }
        match self.unexpected().count() {
            0 => text + ": as expected",
            wrong => format!("{text}; {wrong} not as expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_busy_machine_can_explain_is_tried_again() {
        let attempts = |end: fn() -> Checked| {
            let mut attempts = 0;
            let found = retry(3, || {
                attempts += 1;
                end()
            });
            assert_eq!(found, end());
            attempts
        };
        assert_eq!(attempts(|| Ok(())), 1);
        assert_eq!(attempts(|| broken("it gave a number twice")), 1);
        assert_eq!(attempts(|| unless_busy(broken("it was late"))), 3);
    }

    #[test]
    fn what_was_looked_at_again_counts_as_it_was_found_then() {
        let cell = |id: &str, as_expected| Cell {
            id: id.to_owned(),
            as_expected,
            finding: Finding::new(Verdict::Has, ""),
        };
        let report = |cells: &[Cell]| Report {
            subject: "a step".to_owned(),
            cells: cells.to_vec(),
        };
        let mut first = report(&[
            cell("greets", true),
            cell("drains", false),
            cell("sheds", false),
        ]);
        first.replace(report(&[cell("drains", true), cell("sheds", false)]));
        assert_eq!(
            first.unexpected().map(|cell| &cell.id).collect::<Vec<_>>(),
            ["sheds"]
        );
        assert_eq!(first.cells.len(), 3);
    }
}
