//! What was found, as a file and as a table.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    capabilities::CAPABILITIES,
    finding::{Report, Verdict},
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
        if matches!(cell.finding.verdict, Verdict::Has | Verdict::Lacks) {
            cell.finding.evidence.clear();
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
                    let known = old.finding(&cell.id);
                    if let (Verdict::LeftOut, Some(known)) = (cell.finding.verdict, known) {
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
    markdown_with(reports, |sign, _| sign.to_owned())
}

/// The same table with other signs. `sign` is given "yes", "–" or "?", and the one of the service before.
pub fn markdown_with(reports: &[Report], sign: impl Fn(&str, Option<&str>) -> String) -> String {
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
        let mut before = None;
        for report in reports {
            let finding = report.finding(capability.id);
            let (found, but) = match finding.map(|finding| (finding.verdict, &finding.evidence)) {
                Some((Verdict::Has, _)) => ("yes", None),
                Some((Verdict::HasBut, but)) => ("yes", Some(but)),
                Some((Verdict::Lacks, _)) => ("–", None),
                Some((Verdict::LeftOut | Verdict::Broken, _)) | None => ("?", None),
            };
            let _ = write!(text, " {}", sign(found, before));
            if let Some(but) = but {
                let note = format!("{subject}: {but}", subject = report.subject);
                let known = notes.iter().position(|known| *known == note);
                let index = known.unwrap_or_else(|| {
                    notes.push(note);
                    notes.len() - 1
                });
                let _ = write!(text, "<sup>{}</sup>", index + 1);
            }
            text += " |";
            before = Some(found);
        }
    }
    for (index, note) in notes.iter().enumerate() {
        let _ = write!(text, "\n\n<sup>{}</sup> {note}", index + 1);
    }
    text
}
