//! The report: for a page (`report.md` in the folder of a run, and the part of the README about one), and
//! for the terminal.

use std::fmt::Write;
use std::path::Path;

use output::Table;
use output::terminal::{BOLD, RED, RESET, YELLOW};
use textwrap::{Options, WordSplitter};

use crate::agreement::Agreement;
use crate::cells;
use crate::plot::{self, Plot};
use crate::results::{Load, Plan, Results};
use crate::session::announcement;
use crate::summary::{Group, Row, summarise, warnings};
use crate::units::{count, mebibytes};

/// How wide the report for the terminal may be, in columns.
pub const COLUMNS_MAX: usize = 100;

/// What a reader must know to read the figures.
const READING: &str = "\
## How to read this

- All contestants are up throughout. A round measures each once, in random order.
- Every figure is the median of the measurements that count. In brackets is its 95 % interval (percentile
  bootstrap): made again, 19 of 20 runs would hold the true median. Fewer than five have none.
- A ratio is taken within a round, between contestants that ran moments apart, and then its median over the
  rounds. So it is known better than the two figures that it is made of.
- A/A is the reference twice, as two contestants: where its interval does not hold 1, the method failed.
- A measurement counts when every response had status 200, no connection was lost, the counter on the page
  moved by the number of responses and at most one more for each connection, and neither other programs nor
  the contestants that wait for their turn used the processors meanwhile. Any other is discarded.
- Closed-loop latency hides stalls: while a server stands still no request is sent. wrk corrects for that in
  part. For latency, use a run at a fixed rate.
- Backlog full: how often, in a measurement, a client that connected found no place in the queue of the port.
  It tries again after a second. wrk counts latency from the request on, so that this second is in no
  percentile.
- A percentile needs ten responses beyond it in every measurement, or it is left out.
- Server and Redis µs are processor time for each response, all processes and threads together.
- KiB/connection is how much the peak memory of the server's processes grew, for each connection.
  Visits/command is how many visits share a command of Redis.
";

/// The report for a page. It refers to the plots by their file names, in the same folder.
pub fn markdown(results: &Results) -> String {
    let mut text = String::from("<!-- Written by cargo xtask bench; do not edit. -->\n\n");
    text += "# Benchmark report\n\n";
    text += &circumstances(results);
    let groups = summarise(results);
    let curves = plot::curves(&groups);
    text.extend(images(&curves).map(|image| image + "\n\n"));
    for group in &groups {
        let plots = match curves.is_empty() {
            true => plot::of(group),
            false => Vec::new(),
        };
        text += &markdown_group(group, &results.plan, &plots);
    }
    text + READING
}

/// The plots, as a page in the same folder refers to them.
fn images(plots: &[Plot]) -> impl Iterator<Item = String> {
    plots
        .iter()
        .map(|plot| format!("![{}]({})", plot.description, plot.file))
}

fn markdown_group(group: &Group, plan: &Plan, plots: &[Plot]) -> String {
    let mut paragraphs = vec![format!("## {}", cells::title(group)), cells::engine(group)];
    paragraphs.extend(tables(group).map(|table| table.markdown().trim_end().to_owned()));
    paragraphs.extend([cells::trust(group), cells::precision(group, plan)]);
    let discarded: Vec<String> = discarded(group)
        .map(|(name, reason)| format!("- **Discarded:** `{name}`: {reason}"))
        .collect();
    paragraphs.extend((!discarded.is_empty()).then(|| discarded.join("\n")));
    paragraphs.extend(images(plots));
    paragraphs.join("\n\n") + "\n\n"
}

fn tables(group: &Group) -> impl Iterator<Item = Table> {
    [cells::throughput, cells::latency, cells::cost]
        .into_iter()
        .map(move |table| table(group))
}

/// Why measurements are discarded, each with the name of the contestant, on one line.
fn discarded(group: &Group) -> impl Iterator<Item = (&str, String)> {
    group.rows.iter().flat_map(|row| {
        let reasons = row.reasons.iter();
        reasons.map(|reason| (row.name.as_str(), reason.replace('\n', " ")))
    })
}

/// What the README says of a run before anything else: how many visits the last step counts with one command.
pub fn headline(results: &Results) -> String {
    let mut groups = summarise(results);
    groups.retain(|group| group.load == Load::Capacity);
    let last = groups.last().and_then(|group| {
        let is_step = |row: &&Row| row.name.starts_with("step-");
        let step = group.contestants().filter(is_step).last()?;
        Some((group, cells::figure(step, "visits-per-command")?))
    });
    let Some((group, visits)) = last else {
        return "No step has sent commands in this run.\n".to_owned();
    };
    format!(
        "**{visits} visits, one command.** With {} clients connected, the last step counts so many visits with one \
         command of Redis, on average. Each visitor still gets a number of their own, and gets it only after Redis \
         has counted it.\n",
        count(group.connections.into())
    )
}

/// The part of the README that shows a run: a table with one row for each contestant, the capacity at
/// every number of connections, and the rest at the last of them; and a plot of these. `folder` is where
/// the run lies, as seen from the README.
pub fn readme_part(results: &Results, folder: &Path) -> String {
    let mut groups = summarise(results);
    groups.retain(|group| group.load == Load::Capacity);
    let (Some(table), Some(last)) = (cells::overview(&groups), groups.last()) else {
        return "No contestant has a capacity in this run.\n".to_owned();
    };
    let Results {
        machine,
        plan,
        date,
        ..
    } = results;
    let folder = folder.display();
    let mut text = format!(
        "{}\n{} rounds of {} s with {} on {} cores, {}; the columns after the requests at {} connections. {} [All figures]({folder}/report.md).\n",
        table.markdown(),
        last.rounds,
        plan.duration_s,
        last.engine,
        machine.cores,
        date.split('T').next().unwrap_or(date),
        count(last.connections.into()),
        cells::trust(last)
    );
    if let Some(plot) = plot::of(last).first() {
        let _ = writeln!(text, "\n![{}]({folder}/{})", plot.description, plot.file);
    }
    text
}

/// When, where and how a run was made, and what to know before believing it, in Markdown.
pub fn circumstances(results: &Results) -> String {
    let Results { machine, plan, .. } = results;
    let memory = machine.memory_bytes.map(|bytes| mebibytes(bytes as f64));
    let memory = memory.map_or(String::new(), |memory| format!(", {memory} MiB"));
    let versions = results.versions.iter();
    let versions = versions.map(|(name, version)| format!("{name} {version}"));
    let versions: Vec<String> = versions.collect();
    let commit = results.commit.as_deref().unwrap_or("unknown");
    let plan_text = announcement(plan);
    let Plan {
        warm_up_s, threads, ..
    } = plan;
    let facts = [
        format!("Date: {}", results.date),
        format!("Command: `{}`", results.command),
        format!("Commit: {commit}"),
        format!(
            "Machine: {}, {} cores{memory}",
            machine.processor, machine.cores
        ),
        format!("System: {}, {}", machine.system, machine.kernel),
        format!("Versions: {}", versions.join(", ")),
        format!("Build: {}", plan.profile),
        format!("Plan: {plan_text}; {warm_up_s} s of warm-up; {threads} threads"),
    ];
    let warnings = warnings(results).into_iter();
    let warnings = warnings.map(|warning| format!("**Warning:** {warning}"));
    let lines = facts.into_iter().chain(warnings);
    let list: String = lines.map(|line| format!("- {line}\n")).collect();
    list + "\n"
}

/// The report for the terminal, at most [`COLUMNS_MAX`] wide, with what is discarded in red. Print it
/// through `anstream`, which removes the colours where they do not belong.
pub fn terminal(results: &Results) -> String {
    let mut text = String::new();
    for group in summarise(results) {
        text += &terminal_group(&group, &results.plan);
    }
    for warning in warnings(results) {
        text += &wrap(&format!("Warning: {warning}"), YELLOW);
    }
    text
}

fn terminal_group(group: &Group, plan: &Plan) -> String {
    let mut text = format!(
        "{BOLD}{}{RESET}\n{}\n",
        cells::title(group),
        wrap(&cells::engine(group), "")
    );
    for table in tables(group) {
        text += &(table.terminal() + "\n");
    }
    let colour = match group.is_trusted() {
        Some(false) => RED,
        _ => "",
    };
    text += &wrap(&cells::trust(group), colour);
    text += &wrap(&cells::precision(group, plan), "");
    for (name, reason) in discarded(group) {
        text += &wrap(&format!("DISCARDED {name}: {reason}"), RED);
    }
    text + "\n"
}

/// How far two runs agree, for the terminal, with what differs in red.
pub fn agreements(agreements: &[Agreement]) -> String {
    let section = |agreement: &Agreement| {
        format!(
            "{BOLD}{}{RESET}\n\n{}\n{}\n",
            cells::title(&agreement.group),
            cells::agreement(agreement).terminal(),
            wrap(&cells::verdict(agreement), "")
        )
    };
    agreements.iter().map(section).collect()
}

/// Breaks a sentence into lines that fit, in one colour.
fn wrap(sentence: &str, colour: &str) -> String {
    let options = Options::new(COLUMNS_MAX)
        .subsequent_indent("  ")
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let reset = if colour.is_empty() { "" } else { RESET };
    let lines = textwrap::wrap(sentence, options).into_iter();
    lines
        .map(|line| format!("{colour}{line}{reset}\n"))
        .collect()
}
