//! `[errors]`: how refusals are written.

use std::collections::BTreeMap;

use crate::{
    config::{
        settings::Errors,
        table::{self, Table, among},
    },
    denial::Denial,
    dialect::Dialect,
};

pub(super) fn read(mut table: Table<'_>) -> Errors {
    let [default, others @ ..] = Dialect::ALL;
    Errors {
        dialect: table.choice("format", default, &others),
        full_detail: table.choice("detail", ("minimal", false), &[("full", true)]),
        status: status(&mut table),
        proof_algorithms: None,
    }
}

/// `errors` of a route; none where it is left out, or empty.
pub(super) fn of_route(table: &mut Table<'_>) -> Option<Dialect> {
    table.choice("errors", ("", None), &Dialect::ALL.map(|(format, dialect)| (format, Some(dialect))))
}

/// A refusal stays a refusal: only statuses from 400 on.
fn status(table: &mut Table<'_>) -> BTreeMap<&'static str, u16> {
    let reading = table.reading;
    let codes: Vec<_> = Denial::every().iter().map(|denial| (denial.code(), denial.code())).collect();
    let mut overrides = BTreeMap::new();
    for (code, status) in table.table("status").remaining_integers() {
        let code = reading.settle(&code.place, among(&code.value, &codes));
        let number = table::whole(&status.value).filter(|number| (400..=599).contains(number));
        if number.is_none() {
            let what = format!("{} is not the status of a refusal", status.value);
            reading.fault(&status.place, what, "write a number from 400 to 599");
        }
        overrides.extend(code.zip(number));
    }
    overrides
}
