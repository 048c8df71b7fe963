//! The page about a profile, `PROFILE.md`, and the parts of it that the book shows.

use std::collections::BTreeMap;

use output::Table;

use super::{Part, Profile};
use crate::plot;
use crate::units::{count, percent, short};

/// What a reader must know to read the figures.
const READING: &str = "\
## How to read this

- Linux looks some thousand times a second at what a processor is doing for the server, and writes down the
  chain of calls. Whose code stands at the end of the chain is counted.
- The standard library, and other packages that are nobody's in particular, work for who has called them.
- Memory, libc: the allocator, the copying of bytes, and what has no source.
- The microseconds are the processor time of the server for a response, as the system counts it, split by
  these counts. The server has frame pointers, and is looked at: it is a little slower than without.
- In a flame graph a bar is a function, as wide as its share of the time, and stands on the function that has
  called it. Open one by itself: a click enlarges a bar, Ctrl-F finds one.
";

/// The page. It refers to the pictures by their file names, in the same folder.
pub fn markdown(profile: &Profile) -> String {
    let mut paragraphs = vec![
        "<!-- Written by cargo xtask profile; do not edit. -->".to_owned(),
        "# Where a microsecond goes".to_owned(),
        circumstances(profile),
    ];
    let plot = plot::split(profile);
    paragraphs.extend(plot.map(|plot| format!("![{}]({})", plot.description, plot.file)));
    paragraphs.push(table(profile).markdown().trim_end().to_owned());
    paragraphs.push(format!("Flame graphs: {}.", flames(profile, "")));
    paragraphs.push(READING.to_owned());
    paragraphs.join("\n\n")
}

/// A row for each server, with the microseconds of each part, and of how many samples they are made.
pub fn table(profile: &Profile) -> Table {
    let heading = ["µs a response"].into_iter();
    let heading = heading.chain(Part::ALL.map(Part::name));
    let mut table = Table::new(heading.chain(["all", "samples"]));
    for server in &profile.servers {
        let parts = Part::ALL.map(|part| short(server.microseconds(part)));
        let last = [short(server.server_us), count(server.samples as f64)];
        let name = [format!("`{}`", server.name)].into_iter();
        table.add(name.chain(parts).chain(last));
    }
    table
}

/// Links to the flame graphs, which lie in a folder, as seen from the page.
pub fn flames(profile: &Profile, folder: &str) -> String {
    let servers = profile.servers.iter();
    let links = servers.map(|server| format!("[{}]({folder}{})", server.name, server.flame()));
    links.collect::<Vec<_>>().join(", ")
}

/// When, where and how it was made, in a sentence, and what to know before believing it.
pub fn summary(profile: &Profile) -> String {
    let date = profile.date.split('T').next().unwrap_or(&profile.date);
    let (machine, load) = (&profile.machine, load(profile));
    let (processor, cores) = (&machine.processor, machine.cores);
    let mut sentences = vec![format!("{date}, {processor}, {cores} cores: {load}.")];
    sentences.extend(warnings(profile));
    sentences.join(" ")
}

fn load(profile: &Profile) -> String {
    let connections = count(profile.connections.into());
    let duration = profile.duration_s;
    format!("{connections} connections of wrk, {duration} s for each step, one step up at a time")
}

/// What disturbed the measurements: a sentence for each disturbance, with the servers that it was met at.
fn warnings(profile: &Profile) -> impl Iterator<Item = String> {
    let mut servers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for server in &profile.servers {
        for warning in &server.warnings {
            servers.entry(warning).or_default().push(&server.name);
        }
    }
    servers.into_iter().map(|(warning, servers)| {
        let (servers, warning) = (servers.join(", "), warning.replace('\n', " "));
        format!("**Warning:** while the load was on {servers}, {warning}.")
    })
}

fn circumstances(profile: &Profile) -> String {
    let machine = &profile.machine;
    let versions = profile.versions.iter();
    let versions = versions.map(|(name, version)| format!("{name} {version}"));
    let versions: Vec<String> = versions.collect();
    let commit = profile.commit.as_deref().unwrap_or("unknown");
    let facts = [
        format!("Date: {}", profile.date),
        format!("Commit: {commit}"),
        format!("Machine: {}, {} cores", machine.processor, machine.cores),
        format!("System: {}, {}", machine.system, machine.kernel),
        format!("Versions: {}", versions.join(", ")),
        "Build: cargo profile profiling: dist, with line tables and frame pointers".to_owned(),
        format!("Load: {}", load(profile)),
        format!("Precision: {}", precision(profile)),
    ];
    let lines = facts.into_iter().chain(warnings(profile));
    let lines: Vec<String> = lines.map(|line| format!("- {line}")).collect();
    lines.join("\n")
}

/// How far a share may be from what more samples would have shown: twice the standard error of a half,
/// which has the largest.
fn precision(profile: &Profile) -> String {
    let fewest = profile.servers.iter().map(|server| server.samples).min();
    let error = 1.0 / (fewest.unwrap_or(0).max(1) as f64).sqrt();
    let error = percent(error);
    format!(
        "by chance alone, a part is off by less than {error} of its step's time, 19 of 20 times"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(warnings: &[&str]) -> Profile {
        let mut profile = Profile::sample(&[(Part::Kernel, 7_500), (Part::Own, 2_500)]);
        profile.servers[0].warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
        profile
    }

    #[test]
    fn the_page_has_the_figures_the_pictures_and_the_precision() {
        let page = markdown(&profile(&[]));
        for expected in [
            "| `step-1-memory` | 6.00 | 0.00 |",
            "| 8.00 | 10,000 |",
            "](split.svg)",
            "[step-1-memory](flame-step-1-memory.svg)",
            "less than 1.0 %",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
        assert!(!page.contains("Warning"), "{page}");
    }

    #[test]
    fn what_disturbed_a_measurement_is_said_wherever_it_is_shown() {
        let profile = profile(&["other programs used 40.0 % of the machine"]);
        let expected =
            "while the load was on step-1-memory, other programs used 40.0 % of the machine";
        assert!(markdown(&profile).contains(expected));
        assert!(summary(&profile).contains(expected));
    }
}
