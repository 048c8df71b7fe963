//! A table, for a Markdown page or for the terminal.

use crate::terminal::{BOLD, RED, RESET};

/// A heading, and rows of as many cells. The first column is text and set to the left; the others are
/// figures and set to the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    heading: Vec<String>,
    rows: Vec<Row>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    cells: Vec<String>,
    /// Whether something is wrong with it: the terminal shows it in red.
    pub is_wrong: bool,
}

impl Table {
    /// A table without rows.
    pub fn new(heading: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            heading: heading.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// When it has another number of cells than the heading.
    pub fn add(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) -> &mut Row {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.heading.len(), "{cells:?}");
        let is_wrong = false;
        self.rows.push(Row { cells, is_wrong });
        self.rows.last_mut().expect("a row was just added")
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut rule = vec!["---:".to_owned(); self.heading.len()];
        if let Some(first) = rule.first_mut() {
            *first = "---".to_owned();
        }
        let rows = self.rows.iter().map(|row| line(&row.cells));
        line(&self.heading) + &line(&rule) + &rows.collect::<String>()
    }

    /// The table in columns, with escape codes for bold and red. Print it through `anstream`.
    pub fn terminal(&self) -> String {
        let rows = || self.rows.iter().map(|row| &row.cells);
        let width = |column: usize| {
            let cells = rows().chain([&self.heading]).map(|row| &row[column]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.heading.len()).map(width).collect();
        let line = |cells: &[String]| {
            let columns = cells.iter().zip(&widths).enumerate();
            let cells = columns.map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ")
        };
        let mut text = format!("{BOLD}{}{RESET}\n", line(&self.heading));
        for Row { cells, is_wrong } in &self.rows {
            text += &match is_wrong {
                true => format!("{RED}{}{RESET}\n", line(cells)),
                false => line(cells) + "\n",
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_set_for_a_page_and_for_the_terminal() {
        let mut table = Table::new(["", "µs"]);
        table.add(["step-1", "7"]);
        table.add(["limit", "1,234"]).is_wrong = true;
        let page = "|  | µs |\n| --- | ---: |\n| step-1 | 7 |\n| limit | 1,234 |\n";
        assert_eq!(table.markdown(), page);
        let terminal =
            format!("{BOLD}           µs{RESET}\nstep-1      7\n{RED}limit   1,234{RESET}\n");
        assert_eq!(table.terminal(), terminal);
    }
}
