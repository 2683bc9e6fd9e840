//! What the pages say is so: their commands run, and what they name exists.

mod desk;
mod limits;
mod migration;
mod page;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use self::{
    desk::Desk,
    page::{Page, repository},
};
use crate::support::{bank::Bank, pki::Pki, process, sidecar::Sidecar};

/// What is not run, by its beginning, and why.
const NOT_RUN: [(&str, &str); 4] = [
    ("make ", "it builds, measures, or runs this test; what a package takes is in tests/it/packaging.rs"),
    ("cargo build --release", "the program under test stands for it"),
    ("certbound run ", "it serves until it is told to end; one runs beside"),
    ("curl --cert ", "it needs a load balancer: tests/balancers has real ones"),
];

#[test]
fn every_command_runs() {
    let bank = Bank::start();
    let desk = Desk::new(&bank);
    let mut passed_over = BTreeSet::new();
    let mut run = 0;
    // The migration is a story, and has a test of its own.
    for page in Page::all().iter().filter(|page| page.name != "docs/migration.md") {
        for block in page.blocks("sh") {
            let (not_run, commands): (Vec<_>, Vec<_>) = block.lines().partition(|line| why_not(line).is_some());
            passed_over.extend(not_run.into_iter().filter_map(why_not));
            run += commands.len();
            desk.run(&commands.join("\n"));
        }
        let unmarked = page.blocks("").concat() + &page.blocks("bash").concat() + &page.blocks("console").concat();
        assert!(!unmarked.contains("certbound --") && !unmarked.contains("certbound check"), "{}", page.name);
    }
    assert!(run > 15, "{run}");
    assert_eq!(passed_over.len(), NOT_RUN.len(), "{passed_over:?}");
}

fn why_not(line: &str) -> Option<&'static str> {
    let line = line.trim_start_matches("./target/release/");
    NOT_RUN.iter().find(|(beginning, _)| line.starts_with(beginning)).map(|(_, why)| *why)
}

fn is_passed_over(block: &str) -> bool {
    block.lines().all(|line| why_not(line).is_some())
}

#[test]
fn every_refusal_has_its_runbook_and_no_other_has() {
    let output = Command::new(crate::support::sidecar::binary()).args(["denials", "--format", "json"]).output();
    let denials: Vec<Value> = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let codes: Vec<String> = denials.iter().map(|denial| format!("`{}`", denial["code"].as_str().unwrap())).collect();

    let runbook = Page::read("docs/operations.md").section("Runbook");

    assert_eq!(runbook.headings(3), codes);
    for heading in runbook.headings(3) {
        let section = runbook.section(heading);
        let said: Vec<&str> = section
            .prose()
            .into_iter()
            .filter_map(|line| Some(line.strip_prefix("- **")?.split_once(":** ")?.0))
            .collect();
        assert_eq!(said, ["Means", "Causes", "Find", "Tell the client", "Never"], "{heading}");
    }
}

#[test]
fn every_test_and_bound_that_the_threat_model_names_exists() {
    let page = Page::read("docs/threat-model.md");

    for (file, name) in page.code().into_iter().filter_map(named) {
        let source = fs::read_to_string(repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let is_there = source.contains(&format!("fn {name}(")) || source.contains(&format!("const {name}: "));
        assert!(is_there, "{file} has no {name}");
    }
    let attacks = page.headings(3);
    assert!(attacks.len() >= 34, "{attacks:?}");
    for attack in attacks {
        let section = page.section(attack);
        assert!(
            section.code().into_iter().any(|code| named(code).is_some()),
            "no test shows that this fails: {attack}"
        );
    }
}

/// A file of the repository, and a function or constant in it.
fn named(code: &str) -> Option<(&str, &str)> {
    code.split_once(": ").filter(|(file, _)| file.starts_with("src/") || file.starts_with("tests/"))
}

#[test]
fn every_metric_is_told_of_and_no_other() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    sidecar.get("/a").by(&Pki::get().alice).send();
    let exposed = sidecar.await_metrics(|page| page.contains("certbound_decisions_total{"));
    let types = exposed.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let exposed: BTreeSet<String> = types.map(|(name, _)| name.to_owned()).collect();
    // What was not counted yet is not exposed, so the source has to tell.
    let quoted = sources(&repository("src/observe")).into_iter().flat_map(|text| quoted(&text));
    let registered: BTreeSet<String> = quoted
        .filter(|text| ["certbound_", "http_server_", "http_client_"].iter().any(|begin| text.starts_with(begin)))
        .collect();

    let page = Page::read("docs/operations.md");

    let table = page.section("Metrics").first_cells();
    let told: BTreeSet<String> = table.code().into_iter().map(str::to_owned).collect();
    assert!(exposed.is_subset(&told) && exposed.len() > 15, "{exposed:?}");
    assert_eq!(told.iter().map(|name| name.trim_end_matches("_total").to_owned()).collect::<BTreeSet<_>>(), registered);
    let everywhere = page.code().into_iter().map(str::to_owned).chain(page.blocks("promql")).chain(page.blocks("sh"));
    let words: Vec<String> = everywhere.flat_map(|code| words(&code)).collect();
    for name in words.iter().filter(|word| word.starts_with("certbound_") || word.starts_with("http_server_")) {
        assert!(told.contains(name.trim_end_matches("_bucket")), "{name} is no metric");
    }
}

/// Every text in quotation marks that is one word.
fn quoted(source: &str) -> Vec<String> {
    let is_word = |text: &&str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    source.split('"').filter(is_word).map(str::to_owned).collect()
}

fn words(code: &str) -> Vec<String> {
    let letters = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
    code.split(letters).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_event_of_the_log_is_told_of_and_no_other() {
    let mut events = BTreeSet::new();
    for text in sources(&repository("src")) {
        events.extend(text.split("event = \"").skip(1).filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
    }
    assert!(events.len() > 20, "{events:?}");

    let table = Page::read("docs/operations.md").section("Events of certbound itself").first_cells();

    assert_eq!(table.code().into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), events);
}

/// The text of every source without its tests.
fn sources(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| match path.is_dir() {
        true if path.ends_with("tests") => Vec::new(),
        true => sources(&path),
        false if path.ends_with("tests.rs") => Vec::new(),
        false => {
            let text = fs::read_to_string(&path).unwrap();
            vec![text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()]
        }
    };
    paths.flat_map(read).collect()
}

#[test]
fn every_field_of_the_audit_line_is_told_of_and_no_other() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    sidecar.get("/a").by(&Pki::get().alice).send();
    let line = sidecar.audit(1).remove(0);
    let mut fields = BTreeSet::new();
    for (name, value) in line.as_object().unwrap() {
        fields.insert(name.clone());
        let inner = value.as_object().into_iter().flat_map(|inner| inner.keys());
        fields.extend(inner.map(|key| format!("{name}.{key}")));
    }

    let table = Page::read("docs/operations.md").section("The audit line").first_cells();

    assert_eq!(table.code().into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), fields);
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for page in Page::all() {
        let folder = Path::new(&page.name).parent().unwrap();
        for link in page.links().into_iter().filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
            let target =
                if path.is_empty() { page.name.clone() } else { folder.join(path).to_str().unwrap().to_owned() };
            assert!(repository(&target).exists(), "{}: {link}", page.name);
            if let Some(anchor) = anchor {
                let anchors = Page::read(&target).anchors();
                assert!(anchors.iter().any(|known| known == anchor), "{}: {link} is not in {anchors:?}", page.name);
            }
            followed += 1;
        }
    }
    assert!(followed > 40, "{followed}");
}

#[test]
fn every_page_is_in_the_index() {
    let index = Page::read("docs/README.md");
    for page in Page::all().iter().filter(|page| page.name != "README.md" && page.name != "docs/README.md") {
        let name = page.name.trim_start_matches("docs/");
        assert!(index.links().contains(&name), "{name}");
    }
}

#[test]
fn picture_of_the_performance_shows_the_figures_of_its_page() {
    let figures = Page::read("docs/performance.md").section("The figures");
    let picture = fs::read_to_string(repository("docs/performance.svg")).unwrap();

    let rows = figures.prose().into_iter().filter_map(|line| line.strip_prefix("| ")?.split_once('|'));
    let rows: Vec<_> = rows.skip_while(|(name, _)| !name.contains("**")).collect();

    assert!(rows.len() > 10, "{rows:?}");
    for (name, cells) in rows {
        let (name, median) = (name.trim().trim_matches('*'), cells.split('|').next().unwrap().trim());
        for text in [name, median].into_iter().filter(|text| !text.is_empty()) {
            assert!(picture.contains(&format!(">{text}</text>")), "{name}: {text}");
        }
    }
    assert!(!figures.prose().concat().contains("Not optimised"));
}

#[test]
fn every_alert_leads_to_its_heading() {
    let rules = fs::read_to_string(repository("deploy/prometheus/alerts.yaml")).unwrap();
    let anchors = Page::read("docs/operations.md").anchors();
    let named: Vec<&str> =
        rules.split("docs/operations.md#").skip(1).map(|rest| rest.split(['"', '\n']).next().unwrap()).collect();
    assert!(!named.is_empty());
    for anchor in named {
        assert!(anchors.iter().any(|known| known == anchor.trim()), "{anchor}");
    }
}

#[test]
fn every_expression_is_understood_by_prometheus() {
    let expressions = Page::read("docs/operations.md").blocks("promql").concat();
    let rules = expressions.lines().map(|line| format!("  - record: a\n    expr: {line:?}\n"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yaml");
    fs::write(&file, format!("groups:\n- name: page\n  rules:\n{}", rules.collect::<String>())).unwrap();

    let Some(promtool) = process::find("promtool") else { return };

    let mut command = Command::new(promtool);
    let checked = command.args(["check", "rules", "--lint=none"]).arg(&file).stdin(Stdio::null()).output().unwrap();

    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert!(expressions.lines().count() > 5);
}
