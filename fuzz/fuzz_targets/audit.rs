//! Audit lines pass as whole only where each has the hash of the one before and the number after it.
#![no_main]

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use certbound::observe::audit::verification::Verification;
use libfuzzer_sys::fuzz_target;
use ring::digest::{SHA256, digest};
use serde_json::Value;

// Lines, in which `@` is the hash of the line before.
fuzz_target!(|input: &[u8]| {
    let (mut file, mut hash) = (Vec::new(), String::new());
    for line in input.split(|byte| *byte == b'\n') {
        let line = line.split(|byte| *byte == b'@').collect::<Vec<_>>().join(hash.as_bytes());
        hash = BASE64.encode(digest(&SHA256, &line));
        file.extend_from_slice(&[&line, b"\n".as_slice()].concat());
    }
    let mut verification = Verification::default();
    let (tally, broken) = verification.read(file.as_slice()).expect("bytes can be read");
    assert_eq!(verification.end().is_none(), tally.lines == 0);
    if broken.is_some() {
        return;
    }
    let audit = file.split(|byte| *byte == b'\n').filter(|line| is_audit(line)).collect::<Vec<_>>();
    assert_eq!(audit.len() as u64, tally.lines);
    for pair in audit.windows(2) {
        let [before, line] = [pair[0], pair[1]].map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
        let (previous, number) = (line["previous"].as_str().expect("a hash"), line["seq"].as_u64());
        let follows = number == before["seq"].as_u64().map(|number| number + 1);
        let begins = previous.is_empty() && number == Some(1);
        assert!(begins || follows && previous == BASE64.encode(digest(&SHA256, pair[0])), "{line}");
    }
});

fn is_audit(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line).is_ok_and(|line| line["log_type"] == "audit")
}
