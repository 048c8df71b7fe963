//! Throughput: a bar for the median, a whisker from the lowest to the highest round.

use super::svg::{BLUE, FIELD_END, FIELD_START, Fill, Picture};
use crate::cells;
use crate::summary::Group;
use crate::units::count;

/// How far the ends of a whisker reach up and down: out of the bar, or they would be lost in it.
const WHISKER: f64 = 13.0;

pub(super) fn draw(group: &Group) -> Option<Picture> {
    let spreads = group.contestants().filter_map(|row| row.per_second);
    let highest = spreads.map(|spread| spread.max).max_by(f64::total_cmp)?;
    let x = |value: f64| FIELD_START + (FIELD_END - FIELD_START) * value / highest;

    let title = format!("{}: requests a second", cells::title(group));
    let mut picture = Picture::new(group, title, ".", ", ", cells::requests);
    let legend = "bar: median of the rounds; whisker: lowest to highest";
    picture.text(FIELD_START, 48.0, "start", legend);
    picture.rows(group, cells::missing, |picture, row, y| {
        let spread = row.per_second?;
        picture.bar(y, FIELD_START, x(spread.median), BLUE, Fill::Pale);
        let (low, high) = (x(spread.min), x(spread.max));
        if row.valid > 1 {
            picture.line((low, y), (high, y), 2.0);
            picture.line((low, y - WHISKER), (low, y + WHISKER), 2.0);
            picture.line((high, y - WHISKER), (high, y + WHISKER), 2.0);
        }
        picture.text(high + 10.0, y + 5.0, "start", &count(spread.median));
        Some(())
    });
    Some(picture)
}
