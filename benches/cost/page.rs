//! The page that shows the figures: its words stay, what was measured is written anew.

use std::{fs, path::Path};

use super::{picture, report::Report};

/// Puts the table between the marks, and the picture beside the page.
pub(crate) fn refresh(file: &Path, report: &Report) {
    let page = fs::read_to_string(file).expect("the page");
    let (before, rest) = page.split_once(BEGIN).expect("the mark before the table");
    let (_, after) = rest.split_once(END).expect("the mark behind the table");
    let text = report.text();
    fs::write(file, format!("{before}{BEGIN}\n{text}{END}{after}")).expect("the page");
    fs::write(file.with_extension("svg"), picture::draw(&report.rows)).expect("the picture");
}

const BEGIN: &str = "<!-- measured -->";
const END: &str = "<!-- /measured -->";
