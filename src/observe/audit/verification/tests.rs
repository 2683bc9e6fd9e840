#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests state what they need")]

use super::*;

/// Lines of one process in one file, numbered from `first`.
fn chain(first: u64, count: u64) -> Vec<String> {
    let mut chain = Chain::default();
    let line = |seq| {
        let line = format!(r#"{{"log_type":"audit","seq":{seq},"status":200,"previous":"{}"}}"#, chain.previous());
        chain.append(line.as_bytes());
        line
    };
    (first..first + count).map(line).collect()
}

fn read(files: &[Vec<String>]) -> (Tally, Option<Broken>) {
    let mut verification = Verification::default();
    let mut all = (Tally::default(), None);
    for file in files {
        let text: String = file.iter().map(|line| format!("{line}\n")).collect();
        all = verification.read(text.as_bytes()).unwrap();
    }
    all
}

/// What is wrong, and in which line, after `change`.
fn check(change: impl FnOnce(&mut Vec<String>), expected: Option<(u64, Disorder)>) {
    let mut lines = chain(1, 5);
    change(&mut lines);
    let broken = read(&[lines]).1.map(|broken| (broken.line, broken.why));
    assert_eq!(broken, expected);
}

#[test]
fn chain_that_holds_is_counted_and_its_end_is_told() {
    let mut lines = chain(1, 3);
    lines.extend(chain(1, 2));
    let mut verification = Verification::default();
    let (tally, broken) = verification.read(lines.join("\n").as_bytes()).unwrap();

    assert_eq!((tally, broken), (Tally { lines: 5, chains: 2, others: 0 }, None));
    let mut last = Chain::default();
    last.append(lines[4].as_bytes());
    assert_eq!(verification.end(), Some(End { seq: 2, hash: last.previous().to_owned() }));
}

#[test]
fn first_line_that_is_not_in_order_is_named() {
    check(|_| {}, None);
    check(|lines| lines[1] = lines[1].replace("200", "403"), Some((3, Disorder::Changed)));
    check(|lines| drop(lines.remove(2)), Some((3, Disorder::Gap { expected: 3, found: 4 })));
    check(|lines| drop(lines.remove(0)), Some((1, Disorder::Headless)));
    check(|lines| lines.swap(2, 3), Some((3, Disorder::Gap { expected: 3, found: 4 })));
    check(|lines| lines.insert(2, lines[1].clone()), Some((3, Disorder::Gap { expected: 3, found: 2 })));
    check(|lines| lines[2] = chain(3, 1).remove(0), Some((3, Disorder::Begins)));
    check(|lines| lines[4].truncate(40), Some((5, Disorder::Foreign)));
    check(|lines| lines[3].clear(), Some((4, Disorder::Foreign)));
    check(|lines| lines[3] = r#"{"seq":4}"#.to_owned(), Some((4, Disorder::Foreign)));
    check(|lines| lines[3] = r#"{"log_type":"audit","seq":"4"}"#.to_owned(), Some((4, Disorder::Unnumbered)));
    check(|lines| lines[3] = " ".repeat(2 << 20), Some((4, Disorder::TooLong)));
}

#[test]
fn lines_without_a_chain_are_no_evidence() {
    let null = r#"{"log_type":"audit","seq":1,"previous":null}"#;
    for line in [null, r#"{"log_type":"audit","seq":1}"#] {
        let broken = read(&[vec![line.to_owned()]]).1.unwrap();
        assert_eq!(broken, Broken { line: 1, why: Disorder::Unchained });
    }
}

#[test]
fn lines_of_other_logs_are_passed_over() {
    let others = [
        r#"{"log_type":"app","seq":7,"message":"a"}"#,
        r#"{"log_type":"access"}"#,
        "2026-11-22T07:00:00.123456Z ACCESS GET / 200 allow - 61us",
    ];
    let lines = chain(1, 3).into_iter().zip(others).flat_map(|(line, other)| [other.to_owned(), line]);

    assert_eq!(read(&[lines.collect()]), (Tally { lines: 3, chains: 1, others: 3 }, None));
}

#[test]
fn numbers_go_on_from_file_to_file() {
    let check = |files: &[Vec<String>], expected: Option<Disorder>| {
        assert_eq!(read(files).1.map(|broken| broken.why), expected);
    };
    check(&[chain(7, 3), chain(10, 2)], None);
    check(&[chain(7, 3), chain(1, 2)], None);
    check(&[chain(7, 3), Vec::new(), chain(10, 1)], None);
    check(&[chain(7, 3), chain(11, 2)], Some(Disorder::Gap { expected: 10, found: 11 }));
    check(&[chain(10, 2), chain(7, 3)], Some(Disorder::Gap { expected: 12, found: 7 }));
    let whole = chain(1, 5);
    check(&[whole[..3].to_vec(), whole[3..].to_vec()], Some(Disorder::Headless));
}

#[test]
fn line_that_is_no_text_is_foreign_wherever_its_bytes_stand() {
    let mut line = chain(1, 1).remove(0).into_bytes();
    line.splice(1..1, *b"\"x\":\"\xde\",");
    let (tally, broken) = Verification::default().read(line.as_slice()).unwrap();
    assert_eq!((tally.lines, broken), (0, Some(Broken { line: 1, why: Disorder::Foreign })));
}

#[test]
fn line_that_another_reader_would_not_take_is_foreign() {
    for member in [r#""n":1e444"#, r#""n":"\ud800""#, r#""seq":2"#] {
        let line = format!(r#"{{{member},"log_type":"audit","seq":1,"previous":""}}"#);
        let (tally, broken) = Verification::default().read(line.as_bytes()).unwrap();

        assert_eq!((tally.lines, broken), (0, Some(Broken { line: 1, why: Disorder::Foreign })), "{line}");
    }
}
