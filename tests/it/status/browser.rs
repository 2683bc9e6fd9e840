//! The page in a real browser, headless Chromium: it must find nothing to complain of.

use std::process::Command;

use super::{address, served};
use crate::support::{
    bank::Bank,
    pki::{Authority, Pki},
    process,
};

#[test]
fn browser_shows_the_page_and_complains_of_nothing() {
    let Some(chromium) = process::find("chromium") else { return };
    let bank = Bank::start();
    let hostile = Authority::root("<script>document.title='taken over'</script>");
    let sidecar = served(&bank).set("mode", "\"report\"").file("trust/hostile.der", hostile.der.clone()).start();
    let alice = &Pki::get().alice;
    assert_eq!(sidecar.get("/accounts").by(alice).send().status, 200);
    assert_eq!(sidecar.get("/accounts").showing(alice).send().status, 200);
    super::await_state(&sidecar, |state| super::sum(state, "would_deny") == 1);

    let profile = tempfile::tempdir().unwrap();
    let shown = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{}/", address(&sidecar)))
        .output()
        .unwrap();

    let (page, complaints) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success(), "{complaints}");
    for words in ["<title>certbound: Report mode, Ready</title>", "Report mode: nothing is enforced", "token_missing"] {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
    assert!(page.contains("1 allowed, 1 would be refused, 0 refused"), "{page}");
    assert!(!complaints.contains("CONSOLE"), "{complaints}");
}
