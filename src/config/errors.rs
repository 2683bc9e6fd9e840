//! `[errors]`: how refusals are written.

use std::collections::BTreeMap;

use crate::{
    config::{
        settings::Errors,
        table::{Table, among},
    },
    denial::Denial,
    dialect::Dialect,
};

/// Every format, the default first.
pub(super) const FORMATS: [&str; 8] =
    ["problem+json", "obie-v3", "obie-v4", "berlin-group", "cds", "oauth", "wso2", "empty"];

pub(super) fn read(mut table: Table<'_>) -> Errors {
    let [default, others @ ..] = FORMATS.map(|format| (format, ()));
    table.choice("format", default, &others);
    table.not_yet("format");
    let full_detail = table.choice("detail", ("minimal", false), &[("full", true)]);
    Errors { dialect: Dialect::Problem, full_detail, status: status(&mut table), proof_algorithms: None }
}

/// A refusal stays a refusal: only statuses from 400 on.
fn status(table: &mut Table<'_>) -> BTreeMap<&'static str, u16> {
    let reading = table.reading;
    let codes: Vec<_> = Denial::every().iter().map(|denial| (denial.code(), denial.code())).collect();
    let mut overrides = BTreeMap::new();
    for (code, status) in table.table("status").remaining_integers() {
        let code = reading.settle(&code.place, among(&code.value, &codes));
        let number = u16::try_from(status.value).ok().filter(|number| (400..=599).contains(number));
        if number.is_none() {
            let what = format!("{} is not the status of a refusal", status.value);
            reading.fault(&status.place, what, "write a number from 400 to 599");
        }
        overrides.extend(code.zip(number));
    }
    overrides
}
