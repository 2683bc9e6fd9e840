//! The figures as bars, in one file that needs nothing else.

use super::{BARE, CRYPTOGRAPHY, report::Row};

/// Bars of the medians, a line from least to most, and a mark where a target is.
pub(crate) fn draw(rows: &[Row]) -> String {
    let longest =
        rows.iter().map(|row| row.most.max(row.target.as_ref().map_or(0.0, |bound| bound.median))).fold(1.0, f64::max);
    let scale = |microseconds: f64| LEFT + microseconds / longest * (RIGHT - LEFT);
    let (mut body, mut y, mut group) = (String::new(), 40.0, "");
    for row in rows {
        if group != row.group {
            group = row.group;
            y += 14.0;
            body += &format!("<text class=\"group\" x=\"20\" y=\"{y:.0}\">{group}</text>\n");
            y += 10.0;
        }
        body += &bar(row, y, scale);
        y += STEP;
    }
    let (height, key) = (y + 44.0, y + 24.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         aria-label=\"CPU time of one request, proxy by proxy\">\n{STYLE}\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n\
         <text class=\"title\" x=\"20\" y=\"30\">CPU time of one request, in microseconds</text>\n{body}{}</svg>\n",
        legend(key)
    )
}

fn bar(row: &Row, y: f64, scale: impl Fn(f64) -> f64) -> String {
    let kind = match row {
        Row { target: Some(_), .. } => "own",
        Row { name, .. } if name == BARE => "bare",
        Row { group, .. } if *group == CRYPTOGRAPHY => "work",
        _ => "peer",
    };
    let (end, least, most) = (scale(row.median), scale(row.least), scale(row.most));
    let (middle, foot) = (y + 8.0, y + 12.5);
    let width = end - LEFT;
    let mut bar = format!(
        "<text x=\"{:.0}\" y=\"{foot}\" text-anchor=\"end\">{}</text>\n\
         <rect class=\"{kind}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>\n\
         <path class=\"spread\" d=\"M{least:.1} {middle}H{most:.1}\"/>\n",
        LEFT - 8.0,
        row.name,
    );
    let mut right = end.max(most);
    if let Some(target) = row.target.as_ref().map(|bound| scale(bound.median)) {
        right = right.max(target);
        bar += &format!("<path class=\"target\" d=\"M{target:.1} {:.1}v20\"/>\n", y - 2.0);
    }
    bar + &format!("<text class=\"figure\" x=\"{:.1}\" y=\"{foot}\">{:.1}</text>\n", right + 6.0, row.median)
}

fn legend(y: f64) -> String {
    let middle = y - 4.0;
    format!(
        "<path class=\"spread\" d=\"M20 {middle}h24\"/><text x=\"52\" y=\"{y}\">least to most</text>\n\
         <path class=\"target\" d=\"M170 {:.1}v20\"/><text x=\"180\" y=\"{y}\">what certbound may cost at most</text>\n",
        y - 14.0
    )
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 220.0;
const RIGHT: f64 = 790.0;
const STEP: f64 = 22.0;
/// By day and by night, with fonts that every reader has.
const STYLE: &str = "<style>
text { font: 12px system-ui, sans-serif; fill: #1f2430; }
.title { font-size: 15px; font-weight: 600; }
.group { font-weight: 600; }
.figure { font-variant-numeric: tabular-nums; }
.ground { fill: #ffffff; }
.bare { fill: #5d6675; }
.own { fill: #2f6fdb; }
.peer { fill: #b3bac6; }
.work { fill: #d9a441; }
.spread { stroke: #1f2430; stroke-width: 1.5; fill: none; }
.target { stroke: #c2185b; stroke-width: 2.5; fill: none; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ef; }
  .ground { fill: #14171d; }
  .bare { fill: #98a2b3; }
  .own { fill: #5b93f5; }
  .peer { fill: #4d5666; }
  .work { fill: #b98a2f; }
  .spread { stroke: #e6e9ef; }
  .target { stroke: #ff6f9f; }
}
</style>
";
