//! `docs/limits.md` names limits that exist, with their defaults, and the floods that meet them.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{
    named,
    page::{Page, repository},
};

#[test]
fn every_limit_has_the_default_that_is_told_and_a_test_that_meets_it() {
    let page = Page::read("docs/limits.md");
    let schema: Value = serde_json::from_slice(&fs::read(repository("docs/proxy.schema.json")).unwrap()).unwrap();

    let rows = rows(&page.section("What you can set"));

    assert!(rows.len() > 8, "{rows:?}");
    for row in &rows {
        let (table, key) = row[0].trim_matches('`').split_once('.').unwrap();
        let default = &schema["properties"][table]["properties"][key]["default"];
        assert_eq!(row[1].trim_matches('`'), default.to_string(), "{table}.{key}");
    }
    let fixed = self::rows(&page.section("What is fixed"));
    for row in rows.iter().chain(&fixed) {
        let (file, name) = named(row.last().unwrap().trim_matches('`')).unwrap_or_else(|| panic!("{row:?}"));
        let source = fs::read_to_string(repository(file)).unwrap();
        let is_there = source.contains(&format!("fn {name}(")) || source.contains(&format!("const {name}: "));
        assert!(is_there, "{file} has no {name}");
    }
}

#[test]
fn every_flood_is_told_of_and_no_other() {
    let entries = fs::read_dir(repository("tests/floods")).unwrap();
    let sources = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let floods: BTreeSet<String> = sources
        .flat_map(|source| {
            let begun = |begin: &str| {
                let rest = source.split(begin).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"'));
                rest.filter_map(|rest| Some(rest.split('"').next()?.to_owned())).collect::<Vec<_>>()
            };
            [begun("stage.under("), begun("\n    run(")].concat()
        })
        .collect();
    assert!(floods.len() > 20, "{floods:?}");

    let told = rows(&Page::read("docs/limits.md").section("What floods cost"));

    assert_eq!(told.into_iter().map(|mut row| row.remove(0)).collect::<BTreeSet<_>>(), floods);
}

/// The cells of each row of a section's table, its head aside.
fn rows(section: &Page) -> Vec<Vec<String>> {
    let lines = section.prose().into_iter().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    lines.skip(1).map(|line| line.split(" | ").map(str::to_owned).collect()).collect()
}
