//! Whether two runs say the same.
//!
//! A run prints how well it knows each ratio. What is printed must hold for the next run, too, or it is
//! decoration. So run twice and compare: a contestant whose two intervals have nothing in common has
//! changed, or has been measured less well than its table says.

use crate::metrics::Metric;
use crate::results::Results;
use crate::summary::{Group, summarise};
use statistics::Estimate;

/// The contestants of two runs under the same load.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// What the ratios are of, in the first run.
    pub group: Group,
    /// The contestants that have a ratio to the same reference in both.
    pub rows: Vec<Row>,
}

/// One contestant in two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The main ratio to the reference, in each run.
    pub ratios: [Estimate; 2],
    /// Whether both runs can be right. `None` when one has too few rounds to tell.
    pub agrees: Option<bool>,
}

/// Compares the tables that both runs have.
pub fn compare(first: &Results, second: &Results) -> Vec<Agreement> {
    let seconds = summarise(second);
    let firsts = summarise(first).into_iter();
    let agreements = firsts.filter_map(|group| {
        let is_same = |second: &&Group| {
            (second.connections, second.load) == (group.connections, group.load)
                && second.reference == group.reference
        };
        let second = seconds.iter().find(is_same)?;
        let rows = rows(&group, second);
        Some(Agreement { group, rows })
    });
    agreements
        .filter(|agreement| !agreement.rows.is_empty())
        .collect()
}

fn rows(first: &Group, second: &Group) -> Vec<Row> {
    let main = Metric::main(first.load).name;
    let rows = first.main_ratios().filter_map(|(row, ratio)| {
        let again = second.rows.iter().find(|again| again.name == row.name)?;
        let ratios = [ratio, *again.ratios.get(main)?];
        Some(Row {
            name: row.name.clone(),
            ratios,
            agrees: ratios[0]
                .is_apart_from(&ratios[1])
                .map(|is_apart| !is_apart),
        })
    });
    rows.collect()
}
