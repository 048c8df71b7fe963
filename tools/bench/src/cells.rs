//! What tables and sentences say: the same on a page and on the terminal.

use output::Table;

use crate::agreement::Agreement;
use crate::metrics::Metric;
use crate::results::{Load, Plan};
use crate::summary::{Group, Row};
use crate::units::{count, percent, ratio};
use Column::{Exact, Measured, Median, Ratio};
use statistics::Estimate;

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// A figure of a contestant: the median alone. `None` where it was not measured, or there is no figure of
/// that name.
pub fn figure(row: &Row, name: &str) -> Option<String> {
    Some((Metric::named(name)?.show)(row.estimates.get(name)?.median))
}

/// A figure of a contestant with its interval, `78,822 [66,860–95,060]`. `None` as for [`figure`].
pub fn measured(row: &Row, name: &str) -> Option<String> {
    let (metric, estimate) = (Metric::named(name)?, row.estimates.get(name)?);
    Some(with_interval(*estimate, metric.show))
}

/// A value with its interval: `0.71 [0.70–0.73]`, or alone where there are too few rounds for one.
pub fn with_interval(estimate: Estimate, show: fn(f64) -> String) -> String {
    let median = show(estimate.median);
    match estimate.interval {
        Some([low, high]) => format!("{median} [{}–{}]", show(low), show(high)),
        None => median,
    }
}

/// A column of a table.
enum Column {
    /// The median of a metric.
    Median(&'static str),
    /// With its interval.
    Exact(&'static str),
    /// The metric ÷ that of the reference, with its interval.
    Ratio(&'static str),
    /// How many measurements count.
    Measured,
}

/// Throughput, how it compares with the reference, and how much work a visit makes for Redis.
pub fn throughput(group: &Group) -> Table {
    let (exact, compared) = (Exact("requests"), Ratio("requests"));
    let visits = Median("visits-per-command");
    table(group, &[exact, compared, visits, Measured])
}

/// How long an answer takes, and who had to wait to be let in.
pub fn latency(group: &Group) -> Table {
    let (p50, p99, full) = (Exact("p50"), Exact("p99"), Median("queue-overflows"));
    table(group, &[p50, p99, Ratio("p99"), full])
}

/// What a response costs: processor time by process, and memory.
pub fn cost(group: &Group) -> Table {
    let (server, redis, both) = (Exact("server-us"), Exact("redis-us"), Ratio("cpu-us"));
    let memory = Median("memory-per-connection");
    table(group, &[server, redis, both, memory])
}

/// A row for each contestant, wrong where nothing counts.
fn table(group: &Group, columns: &[Column]) -> Table {
    let headings = columns.iter().map(|column| match column {
        Median(name) | Exact(name) => heading(name).to_owned(),
        Ratio("cpu-us") => format!("both {}", by_reference(group)),
        Ratio("p99") => format!("p99 {}", by_reference(group)),
        Ratio(_) => by_reference(group),
        Measured => "measured".to_owned(),
    });
    let mut table = Table::new([String::new()].into_iter().chain(headings));
    for row in &group.rows {
        let cells = columns.iter().map(|column| cell(group, row, column));
        let cells = [row.name.clone()].into_iter().chain(cells);
        table.add(cells).is_wrong = row.valid == 0 && row.discarded > 0;
    }
    table
}

fn cell(group: &Group, row: &Row, column: &Column) -> String {
    let cell = match column {
        Exact("requests") if row.valid == 0 => Some(missing(row).to_owned()),
        Median(name) => figure(row, name),
        Exact(name) => measured(row, name),
        Ratio(name) => ratio_of(group, row, name),
        Measured if row.discarded == 0 => Some(row.valid.to_string()),
        Measured => Some(format!("{} of {}", row.valid, row.valid + row.discarded)),
    };
    or_nothing(cell)
}

/// A metric ÷ that of the reference, which itself has 1.
pub fn ratio_of(group: &Group, row: &Row, name: &str) -> Option<String> {
    match Some(&row.name) == group.reference.as_ref() {
        true => row.ratios.get(name).map(|_| "1".to_owned()),
        false => Some(with_interval(*row.ratios.get(name)?, ratio)),
    }
}

fn heading(name: &str) -> &'static str {
    Metric::named(name).map_or(NOTHING, |metric| metric.heading)
}

/// What the reference is called in a heading: `÷ step 1`.
pub fn by_reference(group: &Group) -> String {
    let name = group.reference.as_deref().unwrap_or(NOTHING);
    let number = name
        .strip_prefix("step-")
        .and_then(|rest| rest.split('-').next());
    number.map_or_else(|| format!("÷ {name}"), |number| format!("÷ step {number}"))
}

/// What a cell says that may be empty.
pub fn or_nothing(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NOTHING.to_owned())
}

/// The median of the responses a second, or why there is none.
pub(crate) fn requests(row: &Row) -> String {
    figure(row, "requests").unwrap_or_else(|| missing(row).to_owned())
}

/// What stands in the place of figures: whether there are none that count, or none yet, because the run
/// was stopped.
pub(crate) fn missing(row: &Row) -> &'static str {
    match row.discarded {
        0 => NOTHING,
        _ => "discarded",
    }
}

/// One row for each contestant: the capacity at every number of connections, and the rest at the last of
/// them. `None` when no contestant has a capacity.
pub(crate) fn overview(capacities: &[Group]) -> Option<Table> {
    let last = capacities.last()?;
    let requests_at = |group: &Group| {
        let connections = count(group.connections.into());
        format!("requests/s, {connections} connections")
    };
    let metrics = ["p99", "memory-per-connection", "visits-per-command"];
    let mut headings = vec![String::new()];
    headings.extend(capacities.iter().map(requests_at));
    headings.push(by_reference(last));
    headings.extend(metrics.map(|name| heading(name).to_owned()));
    let mut table = Table::new(headings);
    let rows = last.rows.iter().enumerate();
    for (place, row) in rows.filter(|(_, row)| !row.is_repetition) {
        let mut cells = vec![format!("`{}`", row.name)];
        cells.extend(capacities.iter().map(|group| requests(&group.rows[place])));
        cells.push(or_nothing(ratio_of(last, row, "requests")));
        cells.extend(metrics.map(|name| or_nothing(figure(row, name))));
        table.add(cells);
    }
    Some(table)
}

/// The ratios of two runs, and what to make of the difference.
pub fn agreement(agreement: &Agreement) -> Table {
    let group = &agreement.group;
    let heading = format!("{} {}", Metric::main(group.load).name, by_reference(group));
    let mut table = Table::new([heading.as_str(), "first", "second", "the intervals"]);
    for row in &agreement.rows {
        let [first, second] = row.ratios.map(|estimate| with_interval(estimate, ratio));
        let verdict = match row.agrees {
            Some(true) => "agree",
            Some(false) => "are apart",
            None => "are unknown",
        };
        table.add([&row.name, &first, &second, verdict]).is_wrong = row.agrees == Some(false);
    }
    table
}

/// Whether two runs agree, in one sentence.
pub fn verdict(agreement: &Agreement) -> String {
    let rows = &agreement.rows;
    let count = |agrees| rows.iter().filter(|row| row.agrees == agrees).count();
    match (count(Some(false)), count(None)) {
        (0, 0) => "The runs agree.".to_owned(),
        (0, unknown) => format!("{unknown} of {} have too few rounds to tell.", rows.len()),
        (apart, _) => format!("{apart} of {} do not agree.", rows.len()),
    }
}

/// What a group is, in one line.
pub fn title(group: &Group) -> String {
    let connections = match group.connections {
        1 => "1 connection".to_owned(),
        many => format!("{} connections", count(many.into())),
    };
    match group.load {
        Load::Capacity => format!("Capacity at {connections}"),
        Load::FixedRate(rate) => format!(
            "Latency at a fixed {} requests/s on {connections}",
            count(rate)
        ),
    }
}

/// Which engine made a table, and what kind of figure is in it.
pub(crate) fn engine(group: &Group) -> String {
    let kind = match group.load {
        Load::Capacity => {
            "closed loop: each connection asks again when it is answered, so the latency is closed-loop latency"
        }
        Load::FixedRate(_) => "open loop: latency counts from the moment a request was due",
    };
    format!("Engine: {}, {kind}.", group.engine)
}

/// How far the figures can be trusted: what the reference ÷ itself came to.
pub fn trust(group: &Group) -> String {
    let (Some(name), Some(repetition)) = (&group.reference, group.repetition()) else {
        return "A/A: no contestant was measured twice, so nobody knows whether to trust this."
            .to_owned();
    };
    let verdict = match repetition.holds(1.0) {
        Some(true) => "which holds 1, as it must",
        Some(false) => {
            "which does not hold 1: do not trust these figures, and measure again (by chance alone it happens once in twenty times)"
        }
        None => "from too few rounds for an interval",
    };
    format!(
        "A/A: {name} ÷ itself is {}, {verdict}.",
        with_interval(repetition, ratio)
    )
}

/// How well the ratios are known, and why it ended there.
pub fn precision(group: &Group, plan: &Plan) -> String {
    let rounds = match group.rounds {
        1 => "1 round".to_owned(),
        many => format!("{many} rounds"),
    };
    let widths = group
        .main_ratios()
        .filter_map(|(row, ratio)| Some((ratio.width()?, &row.name)));
    let Some((width, name)) = widths.max_by(|(a, _), (b, _)| a.total_cmp(b)) else {
        return format!("{rounds}: too few for intervals.");
    };
    let wanted = percent(plan.precision);
    let why = match plan.rounds {
        Some(_) => String::new(),
        None if width <= plan.precision => {
            format!(", as narrow as the {wanted} that were asked for")
        }
        None => format!(". {wanted} were asked for, but the time was up"),
    };
    format!(
        "{rounds}. The widest interval of a ratio is {} of it ({name}){why}.",
        percent(width)
    )
}
