//! What a check found, and the findings of one service together.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Finding {
    /// The service can do it.
    Has {
        /// What it took. It differs from run to run, and so is not stored.
        #[serde(skip)]
        note: String,
    },
    /// The service can do it, but not to the letter.
    HasBut {
        /// The difference.
        but: String,
    },
    /// The service has the one defect that the capability is the remedy for.
    Lacks {
        /// What was seen.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        seen: String,
    },
    /// It was not checked.
    LeftOut {
        /// What is missing for that.
        why: String,
    },
    /// The service did what no service should, or the check could not be carried out.
    Broken {
        /// Which of the two, and what was seen.
        why: String,
    },
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

/// What a check comes to. The error is a finding, too, one that ends the check early: something is
/// missing ([`Finding::LeftOut`]) or broken.
pub(crate) type Checked<T = Finding> = Result<T, Finding>;

impl Finding {
    pub(crate) fn has() -> Self {
        Self::Has {
            note: String::new(),
        }
    }

    pub(crate) fn has_but(but: &str) -> Self {
        Self::HasBut { but: but.into() }
    }

    pub(crate) fn lacks(seen: impl Into<String>) -> Self {
        Self::Lacks { seen: seen.into() }
    }

    /// The verdict, as it is printed.
    pub fn verdict(&self) -> &'static str {
        match self {
            Self::Has { .. } => "has",
            Self::HasBut { .. } => "has, but",
            Self::Lacks { .. } => "lacks",
            Self::LeftOut { .. } => "left out",
            Self::Broken { .. } => "broken",
        }
    }

    /// What was seen, where there is something to say.
    pub fn evidence(&self) -> &str {
        match self {
            Self::Has { note } => note,
            Self::HasBut { but } => but,
            Self::Lacks { seen } => seen,
            Self::LeftOut { why } | Self::Broken { why } => why,
        }
    }

    /// Whether the service can do it, be it to the letter or not.
    pub fn is_had(&self) -> bool {
        matches!(self, Self::Has { .. } | Self::HasBut { .. })
    }

    /// Whether the verdict is the same, and the difference to the letter, if there is one.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::HasBut { but }, Self::HasBut { but: expected }) => but == expected,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// The service does what no service should, or the check cannot be carried out.
pub(crate) fn broken<T>(why: impl Into<String>) -> Checked<T> {
    Err(Finding::Broken { why: why.into() })
}

/// Something that the check needs is missing here.
pub(crate) fn left_out<T>(why: impl Into<String>) -> Checked<T> {
    Err(Finding::LeftOut { why: why.into() })
}

impl<E: std::error::Error> From<E> for Finding {
    fn from(error: E) -> Self {
        Self::Broken {
            why: error.to_string(),
        }
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
    /// Whether that is what the service is expected to do. Nothing is expected of a server that is none of our steps,
    /// except that the checks can be carried out and it has what they check.
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
        self.cells.iter().all(|cell| cell.as_expected)
    }

    /// How many capabilities it has, lacks, and which were not checked.
    pub fn summary(&self) -> String {
        let count = |is_such: fn(&Cell) -> bool| self.cells.iter().filter(|c| is_such(c)).count();
        let mut text = format!(
            "has {}, lacks {}",
            count(|cell| cell.finding.is_had()),
            count(|cell| matches!(cell.finding, Finding::Lacks { .. }))
        );
        for (name, count) in [
            (
                "left out",
                count(|cell| matches!(cell.finding, Finding::LeftOut { .. })),
            ),
            (
                "broken",
                count(|cell| matches!(cell.finding, Finding::Broken { .. })),
            ),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {name}");
            }
        }
        match count(|cell| !cell.as_expected) {
            0 => text + ": as expected",
            wrong => format!("{text}; {wrong} not as expected"),
        }
    }
}
