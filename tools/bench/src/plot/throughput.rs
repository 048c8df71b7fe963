//! Throughput: a bar for the median, a whisker for its interval.

use super::svg::{BLUE, FIELD_END, FIELD_START, Fill, Picture};
use crate::cells;
use crate::summary::{Group, Row};
use crate::units::count;
use statistics::Estimate;

/// How far the ends of a whisker reach up and down: out of the bar, or they would be lost in it.
const WHISKER: f64 = 13.0;

pub(super) fn draw(group: &Group) -> Option<Picture> {
    let high = |row: &Row| {
        let Estimate { median, interval } = row.estimates.get("requests")?;
        Some(interval.map_or(*median, |[_, high]| high))
    };
    let highest = group.contestants().filter_map(high);
    let highest = highest.max_by(f64::total_cmp)?;
    let x = |value: f64| FIELD_START + (FIELD_END - FIELD_START) * value / highest;

    let title = format!("{}: requests a second", cells::title(group));
    let mut picture = Picture::new(group, title, ".", ", ", cells::requests);
    let legend = "bar: median of the rounds; whisker: its 95 % interval";
    picture.text(FIELD_START, 48.0, "start", legend);
    picture.rows(group, cells::missing, |picture, row, y| {
        let Estimate { median, interval } = *row.estimates.get("requests")?;
        picture.bar(y, FIELD_START, x(median), BLUE, Fill::Pale);
        let [low, high] = interval.unwrap_or([median; 2]).map(x);
        if interval.is_some() {
            picture.line((low, y), (high, y), 2.0);
            picture.line((low, y - WHISKER), (low, y + WHISKER), 2.0);
            picture.line((high, y - WHISKER), (high, y + WHISKER), 2.0);
        }
        picture.text(high + 10.0, y + 5.0, "start", &count(median));
        Some(())
    });
    Some(picture)
}
