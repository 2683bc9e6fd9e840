//! The way in through report mode, step by step as its page has it.

use std::fs;

use super::{
    desk::{self, Desk},
    page::Page,
};
use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Request,
        forms::{base64_der, one_line_pem, percent_pem},
        pki::{Client, Pki},
        sidecar::Sidecar,
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn live_api_gets_certbound_in_report_mode_first() {
    let (page, bank) = (Page::read("docs/migration.md"), Bank::start());
    let steps: Vec<Page> = page.headings(2).into_iter().map(|heading| page.section(heading)).collect();
    let [see, configure, put_in, watch, fix, enforce, roll_back, _wso2] = steps.as_slice() else {
        panic!("{:?}", page.headings(2))
    };
    let [text] = configure.blocks("toml").try_into().unwrap();
    let desk = Desk { sidecar: begin(text, &bank) };
    let (sidecar, Pki { alice, mallory, .. }) = (&desk.sidecar, Pki::get());
    let thief = || showing(sidecar, mallory).bearing(alice.token());

    run(&desk, see, &["nginx", &alice.thumbprint()]);
    run(&desk, configure, &["valid", "permit"]);
    run(&desk, put_in, &["truststore: ok"]);

    assert_passed(&showing(sidecar, alice).bearing(alice.token()).send(), &bank);
    assert_passed(&thief().send(), &bank);
    assert_passed(&sidecar.get("/health").send(), &bank);
    desk.write_log(3);
    sidecar.await_metrics(|page| page.matches("decision=\"would_deny\"").count() == 2);
    run(&desk, watch, &["binding_mismatch", "certificate_missing", "PSDDE-BAFIN-123456"]);

    let file = sidecar.folder().join("proxy.toml");
    let routes = fix.blocks("toml").concat();
    fs::write(&file, fs::read_to_string(&file).unwrap() + &routes).unwrap();
    run(&desk, fix, &["valid"]);
    sidecar.events("config_reloaded", 1);

    let [switch, look] = enforce.blocks("sh").try_into().unwrap();
    desk.run(&switch);
    sidecar.events("config_reloaded", 2);
    desk.run(&look);
    assert_refused(&thief().send(), "binding_mismatch", &bank);
    assert_passed(&sidecar.get("/health").send(), &bank);
    assert_passed(&showing(sidecar, alice).bearing(alice.token()).send(), &bank);

    run(&desk, roll_back, &["valid"]);
    sidecar.events("config_reloaded", 3);
    assert_passed(&thief().send(), &bank);
}

#[test]
fn gateway_of_wso2_gets_the_header_that_its_page_names() {
    let (page, bank) = (Page::read("docs/migration.md"), Bank::start());
    let [text] = page.section("2. The smallest configuration, in report mode").blocks("toml").try_into().unwrap();
    let [theirs] = page.section("From WSO2").blocks("toml").try_into().unwrap();
    let (before, rest) = text.split_once("[client_certificate]\n").unwrap();
    let (_, after) = rest.split_once("[truststore]\n").unwrap();
    let sidecar = begin(format!("{before}[truststore]\n{after}{theirs}").replace("\"report\"", "\"enforce\""), &bank);
    let (alice, header) = (&Pki::get().alice, "x-wso2-client-certificate");

    for form in [percent_pem(&alice.der), one_line_pem(&alice.der), base64_der(&alice.der)] {
        let answer = sidecar.get("/accounts").header(header, &form).bearing(alice.token()).send();
        let told = assert_passed(&answer, &bank).identity();
        assert_eq!(told, [(header.to_owned(), percent_pem(&alice.der))]);
    }

    let refused = sidecar.get("/accounts").header(header, &percent_pem(&alice.der)).send();
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &"token_missing".into()));
    assert_eq!(bank.requests(), 0);
}

/// Certbound with the configuration of the page, at the addresses of this test.
fn begin(mut text: String, bank: &Bank) -> Sidecar {
    let folder = tempfile::tempdir().unwrap();
    let file = Config::in_front_of(bank).write(folder.path());
    for (theirs, ours) in [
        ("0.0.0.0:8443", "127.0.0.1:0"),
        ("10.0.0.0/8", "127.0.0.0/8"),
        ("https://as.bank.example/jwks", "keys.json"),
        ("127.0.0.1:8080", bank.address()),
    ] {
        assert!(text.contains(theirs), "{theirs}");
        text = text.replace(theirs, ours);
    }
    // The PKI of the tests has no responder.
    text += "[admin]\naddress = \"127.0.0.1:0\"\nstatus_address = \"off\"\n[revocation]\nmethods = []\n";
    fs::write(&file, text).unwrap();
    for (name, contents) in desk::files() {
        fs::write(folder.path().join(name), contents).unwrap();
    }
    Sidecar::start_with(folder, &file)
}

/// Runs the blocks of a step, which say all of this.
#[track_caller]
fn run(desk: &Desk, step: &Page, expected: &[&str]) {
    let blocks = step.blocks("sh").into_iter().filter(|block| !super::is_passed_over(block));
    let said: String = blocks.map(|block| desk.run(&block)).collect();
    for words in expected {
        assert!(said.contains(words), "{}: no {words} in {said}", step.name);
    }
}

fn showing<'a>(sidecar: &'a Sidecar, client: &Client) -> Request<'a> {
    sidecar.get("/accounts").header("X-SSL-Client-Cert", &percent_pem(&client.der))
}
