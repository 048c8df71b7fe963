//! What was found, as a file and as a table.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    capabilities::CAPABILITIES,
    finding::{Finding, Report},
};

/// Where the findings of the whole staircase are kept, in the repository. README and book are made from
/// this file.
pub const FILE: &str = "book/measurements/contract.json";

/// Reads reports that were written.
///
/// # Errors
///
/// When the file cannot be read, or holds something else.
pub fn read(file: &Path) -> Result<Vec<Report>> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} holds no reports of the contract", file.display()))
}

/// Writes reports, without what differs from run to run: what was seen is written only where it was not
/// as expected.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(file: &Path, reports: &[Report]) -> Result<()> {
    let reports: Vec<Report> = reports.iter().map(stable).collect();
    let json = serde_json::to_string_pretty(&reports)?;
    fs::write(file, json + "\n").with_context(|| format!("cannot write {}", file.display()))
}

fn stable(report: &Report) -> Report {
    let mut report = report.clone();
    for cell in report.cells.iter_mut().filter(|cell| cell.as_expected) {
        match &mut cell.finding {
            Finding::Has { note: text } | Finding::Lacks { seen: text } => text.clear(),
            _ => {}
        }
    }
    report
}

/// Compares what a run found with the stored reports. A capability that was left out, and a step that
/// was not checked, say nothing. Returns what differs, in one line; or stores it, if `bless` says so.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn update(file: &Path, run: &[Report], bless: bool) -> Result<Option<String>> {
    let stored = read(file)?;
    let merged = merge(&stored, run);
    if merged == stored {
        return Ok(None);
    }
    if bless {
        write(file, &merged)?;
        return Ok(None);
    }
    let changed = merged.iter().filter(|report| !stored.contains(report));
    let changed: Vec<&str> = changed.map(|report| report.subject.as_str()).collect();
    Ok(Some(format!(
        "what was found of {} is not what {FILE} says; accept with: cargo xtask test --bless",
        changed.join(", ")
    )))
}

/// The stored reports with what a run found put in its place.
fn merge(stored: &[Report], run: &[Report]) -> Vec<Report> {
    let mut merged = stored.to_vec();
    for mut report in run.iter().map(stable) {
        match merged.iter_mut().find(|old| old.subject == report.subject) {
            None => merged.push(report),
            Some(old) => {
                for cell in &mut report.cells {
                    let is_left_out = matches!(cell.finding, Finding::LeftOut { .. });
                    if let (true, Some(known)) = (is_left_out, old.finding(&cell.id)) {
                        cell.finding = known.clone();
                    }
                }
                *old = report;
            }
        }
    }
    merged
}

/// The table of what several services can do: one row a capability, one column a service.
pub fn markdown(reports: &[Report]) -> String {
    let mut notes: Vec<String> = Vec::new();
    let mut text = "| capability | |".to_owned();
    for Report { subject, .. } in reports {
        let rest = subject.strip_prefix("step-");
        let number = rest.and_then(|rest| rest.split('-').next());
        let _ = write!(text, " {} |", number.unwrap_or(subject));
    }
    text += "\n|---|---|";
    text += &":-:|".repeat(reports.len());
    for capability in CAPABILITIES {
        let _ = write!(text, "\n| `{}` | {} |", capability.id, capability.statement);
        for report in reports {
            let sign = match report.finding(capability.id) {
                Some(Finding::Has { .. }) => "yes".to_owned(),
                Some(Finding::HasBut { but }) => {
                    let note = format!("{}: {but}", report.subject);
                    let known = notes.iter().position(|known| *known == note);
                    let index = known.unwrap_or(notes.len());
                    if known.is_none() {
                        notes.push(note);
                    }
                    format!("yes<sup>{}</sup>", index + 1)
                }
                Some(Finding::Lacks { .. }) => "–".to_owned(),
                Some(Finding::LeftOut { .. } | Finding::Broken { .. }) | None => "?".to_owned(),
            };
            let _ = write!(text, " {sign} |");
        }
    }
    for (index, note) in notes.iter().enumerate() {
        let _ = write!(text, "\n\n<sup>{}</sup> {note}", index + 1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Cell;

    fn report(subject: &str, findings: &[(&str, Finding)]) -> Report {
        let cells = findings.iter().map(|(id, finding)| Cell {
            id: (*id).to_owned(),
            finding: finding.clone(),
            as_expected: true,
        });
        Report {
            subject: subject.to_owned(),
            cells: cells.collect(),
        }
    }

    fn left_out() -> Finding {
        let why = "no cluster here".to_owned();
        Finding::LeftOut { why }
    }

    #[test]
    fn the_table_has_a_row_a_capability_and_a_footnote_a_difference() {
        let but = Finding::has_but("answers POST / with 404");
        let reports = [
            report(
                "step-2-redis",
                &[("greets", Finding::has()), ("counts", left_out())],
            ),
            report("step-3-rocket", &[("greets", but.clone()), ("counts", but)]),
        ];
        let table = markdown(&reports);
        let ends = |id: &str, cells: &str| {
            let row = table.lines().find(|line| line.contains(id)).unwrap();
            assert!(row.ends_with(cells), "{table}");
        };
        assert!(
            table.starts_with("| capability | | 2 | 3 |\n|---|---|:-:|:-:|\n"),
            "{table}"
        );
        ends("`greets`", "| yes | yes<sup>1</sup> |");
        ends("`counts`", "| ? | yes<sup>1</sup> |");
        ends("`heals`", "| ? | ? |");
        assert!(
            table.ends_with("<sup>1</sup> step-3-rocket: answers POST / with 404"),
            "{table}"
        );
    }

    #[test]
    fn what_differs_from_run_to_run_is_not_stored_and_what_was_left_out_is_kept() {
        let stored = [
            report(
                "step-1-memory",
                &[("greets", Finding::has()), ("heals", Finding::lacks(""))],
            ),
            report("step-2-redis", &[("greets", Finding::has())]),
        ];
        let noted = Finding::Has {
            note: "in 7 ms".to_owned(),
        };
        let run = report("step-1-memory", &[("greets", noted), ("heals", left_out())]);
        assert_eq!(merge(&stored, &[run]), stored);
        let run = report(
            "step-2-redis",
            &[("greets", Finding::lacks("HTTP 500 after 7 ms"))],
        );
        let merged = merge(&stored, &[run]);
        assert_eq!(merged[1].cells[0].finding, Finding::lacks(""));
    }

    #[test]
    fn reports_are_read_as_they_were_written() {
        let reports = [report(
            "step-3-rocket",
            &[
                ("greets", Finding::has()),
                ("counts", Finding::has_but("HEAD / does not count")),
                ("heals", Finding::lacks("")),
                ("cluster", left_out()),
            ],
        )];
        let json = serde_json::to_string(&reports).unwrap();
        let read: Vec<Report> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, reports, "{json}");
    }

    #[test]
    fn the_readme_shows_what_the_stored_reports_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let readme = fs::read_to_string(root.join("README.md")).unwrap();
        let table = markdown(&read(&root.join(FILE)).unwrap());
        assert!(
            readme.contains(&table),
            "accept with: cargo xtask test --bless"
        );
    }
}
