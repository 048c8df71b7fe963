//! Holds a program to the rows of a goal.

use std::path::PathBuf;

use contract::{FaultRun, Finding, Program, Source, Subject, Verdict};

use crate::{Goal, Row};

/// Threads and cores that an exercise has. A race needs two, also on a machine that has one.
const AT_ONCE: [&str; 2] = ["TOKIO_WORKER_THREADS=4", "CORES=2"];

/// What a program is judged with.
pub struct Judge {
    /// The program.
    pub subject: Subject,
    /// Where it counts.
    pub redis: Source,
    /// The bad wire.
    pub fault_run: FaultRun,
    /// How often each row is checked.
    pub times: u64,
}

impl Judge {
    /// The program that `program` starts, under this name.
    pub fn subject(goal: &Goal, name: &str, program: PathBuf) -> Subject {
        let program = match goal.exercise {
            None => Program {
                path: program,
                arguments: Vec::new(),
            },
            Some(_) => {
                let settings = AT_ONCE.iter().map(Into::into);
                Program {
                    path: "env".into(),
                    arguments: settings.chain([program.into()]).collect(),
                }
            }
        };
        Subject::Step {
            name: name.to_owned(),
            number: goal.step.number,
            program,
        }
    }

    /// What is found of a row, and how often it was met. What does not meet it counts for more than what does.
    pub fn row(&self, row: &Row) -> Option<(Finding, usize)> {
        let findings = (0..self.times).filter_map(|time| self.once(row, time));
        let (met, unmet): (Vec<_>, Vec<_>) = findings.partition(|found| row.is_met_by(found));
        let count = met.len();
        let worst = unmet.into_iter().chain(met).next()?;
        Some((worst, count))
    }

    fn once(&self, row: &Row, time: u64) -> Option<Finding> {
        if row.is_bad_wire() {
            let mut run = self.fault_run;
            run.seed = run.seed.wrapping_add(time);
            let seen = run.check(&self.subject, &self.redis);
            return Some(seen.map_or_else(|end| end, |seen| Finding::new(Verdict::Has, seen)));
        }
        if !row.questions.is_empty() {
            return Some(contract::ask(&self.subject, &self.redis, &row.questions));
        }
        let only = [row.id.to_owned()];
        let mut report = contract::run(&self.subject, &self.redis, &only, |_| {});
        report.cells.pop().map(|cell| cell.finding)
    }
}
