//! What an experiment looks like on the terminal.

use output::terminal::{BOLD, DIM, GREEN, RED, RESET, YELLOW};

use crate::{
    experiment::Lane,
    recording::{Column, Event, Recording, SAMPLE_MS, Series},
};

/// How wide all is, and how narrow a strip may be.
const WIDTH: usize = 78;
const CELLS_MIN: usize = 30;

/// From which share on, in percent, visits without a number decide how a cell looks.
const SHARE_MIN: u32 = 20;

/// How many lines the names of the events may take.
const EVENT_LINES: usize = 3;

/// What the cells mean.
const LEGEND: &str = "▁▄█ answered   r refused   x failed   ? silent";

/// A strip for each step, below what was done to them.
pub struct Strips {
    names: Vec<String>,
    name_width: usize,
    cells: usize,
    lasts: u64,
}

impl Strips {
    /// Strips for columns of these names, for an experiment that lasts so many milliseconds.
    pub fn new(names: Vec<String>, lasts: u64) -> Self {
        let name_width = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let cells = WIDTH.saturating_sub(name_width + 4).max(CELLS_MIN);
        Self {
            names,
            name_width,
            cells,
            lasts,
        }
    }

    /// All lines, as far as it has come.
    pub fn lines(&self, series: &[&Series], events: &[Event]) -> Vec<String> {
        let peak = series
            .iter()
            .flat_map(|one| (0..self.cells).map(|cell| self.rate(one, cell)));
        let peak = peak.fold(0.0, f32::max);
        let mut lines = self.event_lines(events);
        for (name, series) in self.names.iter().zip(series) {
            let strip: String = (0..self.cells)
                .map(|cell| self.cell(series, cell, peak))
                .collect();
            lines.push(format!(
                "  {name:<width$}  {strip}",
                width = self.name_width
            ));
        }
        let seconds = format!("{} s", self.lasts as f64 / 1000.0);
        let indent = self.name_width + 4;
        let rest = self.cells.saturating_sub(1);
        lines.push(format!("{DIM}{:indent$}0{seconds:>rest$}{RESET}", ""));
        lines.push(format!("{DIM}{:indent$}{LEGEND}{RESET}", ""));
        lines
    }

    /// The samples that a cell stands for.
    fn samples(&self, cell: usize) -> std::ops::Range<usize> {
        let samples = (self.lasts / SAMPLE_MS) as usize;
        let start = cell * samples / self.cells;
        start..((cell + 1) * samples / self.cells).max(start + 1)
    }

    /// Visits with a number in a sample of the cell, on average.
    fn rate(&self, series: &Series, cell: usize) -> f32 {
        let samples = self.samples(cell);
        series.ends(samples.clone())[0] as f32 / samples.len() as f32
    }

    fn cell(&self, series: &Series, cell: usize, peak: f32) -> String {
        let samples = self.samples(cell);
        if samples.start >= series.len() {
            return " ".to_owned();
        }
        let ends = series.ends(samples);
        let all: u32 = ends.iter().sum();
        let [_, refused, failed, silent] = ends;
        let others = [
            (silent, '?', RED),
            (failed, 'x', RED),
            (refused, 'r', YELLOW),
        ];
        let worst = others.into_iter().max_by_key(|(count, ..)| *count);
        match worst {
            _ if all == 0 => " ".to_owned(),
            Some((count, sign, colour)) if count * 100 >= all * SHARE_MIN => {
                format!("{colour}{sign}{RESET}")
            }
            _ => {
                let heights = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
                let height = self.rate(series, cell) / peak.max(1.0) * 7.0;
                format!(
                    "{GREEN}{}{RESET}",
                    heights[(height.round() as usize).min(7)]
                )
            }
        }
    }

    /// What was done, where it was done.
    fn event_lines(&self, events: &[Event]) -> Vec<String> {
        let mut lines = vec![String::new(); EVENT_LINES];
        let indent = self.name_width + 4;
        for event in events.iter().filter(|event| !event.is_loss) {
            let cell = event.at as usize * self.cells / self.lasts.max(1) as usize;
            let label = format!("▾{}", event.what);
            let length = label.chars().count();
            // At the right edge it ends where the strip ends.
            let place = indent + cell.min(self.cells.saturating_sub(length));
            let is_free = |line: &&mut String| line.chars().count() < place;
            if let Some(line) = lines.iter_mut().find(is_free) {
                let pad = place - line.chars().count();
                line.push_str(&" ".repeat(pad));
                line.push_str(&label);
            }
        }
        lines.retain(|line| !line.is_empty());
        lines.reverse();
        lines
    }
}

/// The whole picture of a recording, and what it means.
pub fn verdict(recording: &Recording, guess: Option<&str>) -> String {
    let names = recording.columns.iter().map(|column| column.name.clone());
    let strips = Strips::new(names.collect(), recording.lasts);
    let series: Vec<&Series> = recording
        .columns
        .iter()
        .map(|column| &column.series)
        .collect();
    let events = recording
        .columns
        .first()
        .map(|column| column.events.as_slice());
    let mut text = strips.lines(&series, events.unwrap_or_default()).join("\n") + "\n";
    if let Some(guess) = guess {
        text += &format!("\n  {DIM}you guessed{RESET}  {guess}\n");
    }
    let columns = recording.columns.iter().map(column_verdict);
    text + &columns.collect::<String>()
}

fn column_verdict(column: &Column) -> String {
    let verdict = &column.verdict;
    let colour = match (verdict.surprises.is_empty(), verdict.defects.is_empty()) {
        (true, true) => GREEN,
        (true, false) => YELLOW,
        (false, _) => RED,
    };
    let (name, outcome) = (&column.name, verdict.outcome());
    let mut text = format!("\n{BOLD}{name}{RESET}  {colour}{outcome}{RESET}\n");
    let losses = column.events.iter().filter(|event| event.is_loss).count();
    let wire = match losses {
        0 => String::new(),
        losses => format!("; the wire lost or spoilt {losses}"),
    };
    for (what, line) in ["happened", "means", "mended by"]
        .into_iter()
        .zip(&verdict.lines)
    {
        let more = if what == "happened" {
            wire.as_str()
        } else {
            ""
        };
        text += &format!("  {DIM}{what:<9}{RESET}  {line}{more}\n");
    }
    for surprise in &verdict.surprises {
        text += &format!("  {RED}surprise{RESET}   {surprise}\n");
    }
    text
}

/// Where something is done, in a word.
pub fn place(lane: Lane) -> &'static str {
    match lane {
        Lane::Visitors => "visitors",
        Lane::Service => "service",
        Lane::Wire => "wire",
        Lane::Redis => "Redis",
    }
}
