//! Small charts. Coordinates are percentages, so that bars stretch with the page and letters do not; what a chart says is
//! said in words too.

use std::time::Duration;

use rustls_pki_types::UnixTime;

use super::{markup::Markup, state::Minute};

/// Requests of each minute, one bar upon the other: allowed, would be refused, refused.
pub(super) fn requests(into: &mut Markup, minutes: &[Minute], label: &str) {
    let most = minutes.iter().map(total).max().unwrap_or(0);
    into.put("<svg class=\"hour\" role=\"img\" aria-label=\"").text(label).put("\">");
    into.put("<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"100%\" y2=\"100%\"/>");
    for (place, minute) in minutes.iter().enumerate() {
        let mut floor = 100.0;
        for (class, count) in [("allowed", minute.allowed), ("would", minute.would_deny), ("denied", minute.denied)] {
            floor = bar(into, class, place, minutes.len(), floor, height(count, most));
        }
    }
    into.put("</svg>");
}

/// How often one thing happened in each minute.
pub(super) fn occurrences(into: &mut Markup, counts: &[u32]) {
    let most = counts.iter().copied().map(u64::from).max().unwrap_or(0);
    into.put("<svg class=\"spark\" aria-hidden=\"true\">");
    into.put("<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"100%\" y2=\"100%\"/>");
    for (place, count) in counts.iter().enumerate() {
        bar(into, "denied", place, counts.len(), 100.0, height(*count, most));
    }
    into.put("</svg>");
}

/// From now to the end of something, on the line that [`axis`] labels. `class` is the colour.
pub(super) fn timeline(into: &mut Markup, class: &'static str, end: UnixTime, now: UnixTime) {
    let (from, to) = (position(0), position(seconds_between(now, end)));
    into.put("<svg class=\"line\" aria-hidden=\"true\">");
    into.put("<line class=\"rule\" x1=\"0\" x2=\"100%\" y1=\"50%\" y2=\"50%\"/>");
    for (_, left) in MARKS {
        let at = percent(position(left));
        let class = if left == 0 { "now" } else { "mark" };
        into.put("<line class=\"").text(class).put("\" x1=\"").text(&at).put("\" x2=\"").text(&at);
        into.put("\" y1=\"0\" y2=\"100%\"/>");
    }
    into.put("<rect class=\"").text(class).put("\" x=\"").text(percent(from.min(to)));
    into.put("\" width=\"").text(percent((to - from).abs())).put("\" y=\"35%\" height=\"30%\"/>");
    into.put("<circle class=\"").text(class).put("\" cx=\"").text(percent(to)).put("\" cy=\"50%\" r=\"4\"/></svg>");
}

/// The labels of [`timeline`]: near ends have more room than far ones.
pub(super) fn axis(into: &mut Markup) {
    into.put("<svg class=\"axis\" aria-hidden=\"true\">");
    for (label, left) in MARKS {
        into.put("<text y=\"11\" text-anchor=\"middle\" x=\"").text(percent(position(left))).put("\">");
        into.text(label).put("</text>");
    }
    into.put("</svg>");
}

/// All requests of a minute.
pub(super) fn total(minute: &Minute) -> u64 {
    u64::from(minute.allowed) + u64::from(minute.would_deny) + u64::from(minute.denied)
}

/// Draws upwards from `floor`, and returns the floor for the next one.
fn bar(into: &mut Markup, class: &'static str, place: usize, places: usize, floor: f64, height: f64) -> f64 {
    if height == 0.0 {
        return floor;
    }
    let width = 100.0 / places as f64;
    let top = (floor - height).max(0.0);
    into.put("<rect class=\"").text(class).put("\" x=\"").text(percent(width * place as f64));
    into.put("\" width=\"").text(percent(width * 0.8)).put("\" y=\"").text(percent(top));
    into.put("\" height=\"").text(percent(floor - top)).put("\"/>");
    top
}

/// In percent. One refusal among thousands of requests is still seen.
fn height(count: u32, most: u64) -> f64 {
    if count == 0 || most == 0 { 0.0 } else { (f64::from(count) / most as f64 * 94.0).max(2.0) }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

/// From the first to the second; negative when that lies before it.
fn seconds_between(from: UnixTime, to: UnixTime) -> i64 {
    let seconds = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    seconds(to).saturating_sub(seconds(from))
}

/// Where on the line something stands that ends in `left` seconds, in percent.
fn position(left: i64) -> f64 {
    let mut before = (MARKS.first().map_or(0, |mark| mark.1) - 30 * DAY, FIRST_STEP / 4.0);
    for (step, (_, mark)) in MARKS.iter().enumerate() {
        let here = FIRST_STEP + STEP * step as f64;
        if left <= *mark {
            let share = (left - before.0) as f64 / (mark - before.0) as f64;
            return (before.1 + (here - before.1) * share).max(before.1);
        }
        before = (*mark, here);
    }
    LAST
}

const DAY: i64 = Duration::from_secs(24 * 3600).as_secs() as i64;
const MARKS: [(&str, i64); 5] =
    [("now", 0), ("7 d", 7 * DAY), ("30 d", 30 * DAY), ("1 y", 365 * DAY), ("10 y", 3650 * DAY)];
/// Room for what has ended.
const FIRST_STEP: f64 = 10.0;
const STEP: f64 = 20.0;
const LAST: f64 = 97.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_later_stands_further_right_and_nothing_leaves_the_line() {
        let ends =
            [i64::MIN / 2, -40 * DAY, -DAY, 0, DAY, 7 * DAY, 20 * DAY, 30 * DAY, 200 * DAY, 3650 * DAY, i64::MAX];
        let places = ends.map(position);
        assert!(places.is_sorted(), "{places:?}");
        assert!(places.iter().all(|place| (0.0..=100.0).contains(place)), "{places:?}");
        assert_eq!([0, 7 * DAY, 30 * DAY, 365 * DAY, 3650 * DAY].map(position), [10.0, 30.0, 50.0, 70.0, 90.0]);
    }

    #[test]
    fn one_among_thousands_is_seen_and_none_is_not() {
        assert_eq!((height(0, 9), height(0, 0), height(1, 100_000), height(9, 9)), (0.0, 0.0, 2.0, 94.0));
    }
}
