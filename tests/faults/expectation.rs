//! What `docs/faults.md` promises.

use std::{fs, path::Path};

use crate::part::Fault;

/// The rows of its first table: a part, and the code for each fault, empty where requests pass.
pub(crate) fn read() -> Vec<(String, Vec<(Fault, String)>)> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md")).unwrap();
    let mut lines = page.lines().skip_while(|line| !line.starts_with("| "));
    let header = Fault::ALL.map(|fault| fault.to_string()).join(" | ");
    assert_eq!(lines.next(), Some(&*format!("| Part | {header} |")));
    lines.skip(1).take_while(|line| line.starts_with("| ")).map(row).collect()
}

fn row(line: &str) -> (String, Vec<(Fault, String)>) {
    let mut cells = line.trim_matches('|').split('|').map(str::trim);
    let part = cells.next().unwrap().to_owned();
    let codes = cells.map(|cell| match cell {
        "passes" => String::new(),
        code => code.trim_matches('`').to_owned(),
    });
    let codes: Vec<_> = Fault::ALL.into_iter().zip(codes).collect();
    assert_eq!(codes.len(), Fault::ALL.len(), "{line}");
    (part, codes)
}
