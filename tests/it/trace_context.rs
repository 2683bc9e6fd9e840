//! The caller's trace goes on at the bank.

use crate::{
    support::{bank::Bank, pki::Pki, sidecar::Sidecar},
    verdict::assert_passed,
};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn trace_of_the_caller_reaches_the_bank_and_none_is_made_up() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;
    let check = |sent: &[(&str, &str)], expected: &[(&str, &str)]| {
        let request = sidecar.get("/a").by(alice);
        let request = sent.iter().fold(request, |request, (name, value)| request.header(name, value));
        let seen = assert_passed(&request.send(), &bank);
        let fields = seen.fields.0.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()));
        let mut carried: Vec<_> = fields.filter(|(name, _)| name.starts_with("trace")).collect();
        // Between fields of different names the order means nothing.
        carried.sort_by(|one, other| one.0.cmp(&other.0));
        let carried: Vec<_> = carried.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(carried, expected, "{sent:?}");
    };
    let (parent, state) = (("traceparent", PARENT), ("tracestate", "a=1,b=2"));
    let later = format!("{}-more", PARENT.replacen("00", "01", 1));
    let later = ("traceparent", later.as_str());

    check(&[], &[]);
    check(&[parent], &[parent]);
    check(&[parent, state, ("tracestate", "c=3")], &[parent, state, ("tracestate", "c=3")]);
    check(&[later], &[later]);
    check(&[state], &[]);
    check(&[parent, parent, state], &[]);
    for malformed in [
        "nonsense".to_owned(),
        PARENT.to_uppercase(),
        PARENT.replacen("00", "ff", 1),
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        PARENT.replace("b7ad6b7169203331", &"0".repeat(16)),
        format!("{PARENT}-more"),
    ] {
        check(&[("traceparent", &malformed), state], &[]);
    }
}

#[test]
fn access_line_names_the_trace() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let alice = &Pki::get().alice;

    for parent in [PARENT, "nonsense"] {
        assert_passed(&sidecar.get("/a").by(alice).header("traceparent", parent).send(), &bank);
    }

    let lines = sidecar.log("access", 2);
    assert_eq!(lines[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert!(lines[1]["trace_id"].is_null(), "{}", lines[1]);
}
