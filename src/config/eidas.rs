//! `[eidas]`: which qualified statements every certificate must make.

use crate::{
    certificate::qualified::{Eidas, Requirement, is_nca_id},
    config::{reading::Placed, table::Table},
};

/// What is demanded of every certificate that is judged.
pub(super) fn read(mut table: Table<'_>) -> Placed<Eidas> {
    let off = ("off", Requirement::Off);
    let require = table.choice("require", off, &[("psd2", Requirement::Psd2), ("qwac", Requirement::Qwac)]);
    let authorities = table.strings("authorities").unwrap_or_default();
    for authority in &authorities {
        if !is_nca_id(&authority.value) {
            let what = format!("`{}` is not the id of an authority", authority.value);
            table.reading.fault(&authority.place, what, "write it as DE-BAFIN");
        }
    }
    if require == Requirement::Off && !authorities.is_empty() {
        let what = "authorities stand in the PSD2 statement, which is not demanded";
        table.fault("authorities", what, "write require = \"psd2\" or \"qwac\"");
    }
    let authorities = authorities.into_iter().map(|authority| authority.value).collect();
    Placed { value: Eidas { require, authorities }, place: table.place_of("require") }
}
