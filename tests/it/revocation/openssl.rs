//! OpenSSL as the certification authority: its responder, and its lists.

use std::fs;

use super::{Stage, assert_recorded, demanding, record};
use crate::{
    support::{
        bank::Bank,
        office::{Office, Responder},
        pki::{Authority, pem},
    },
    verdict::{assert_passed, assert_refused},
};

/// Serial numbers in hex: 0x11 is good, 0x12 revoked, 0x13 on hold; any other is not known.
const INDEX: &str = "V\t491231235959Z\t\t11\tunknown\t/CN=tpp\n\
    R\t491231235959Z\t260101000000Z,keyCompromise\t12\tunknown\t/CN=tpp\n\
    R\t491231235959Z\t260101000000Z,certificateHold\t13\tunknown\t/CN=tpp\n";

/// What becomes of the good one, of those that were withdrawn, and of one that is not known.
fn assert_judged(office: &Office, responder: &Responder) {
    let bank = Bank::start();
    let sidecar = demanding(&bank, &office.authority).start();
    let [good, gone, held, unknown] = [0x11, 0x12, 0x13, 0x14].map(|serial| office.client(serial, &responder.url()));

    for _ in 0..2 {
        assert_passed(&sidecar.get("/a").by(&good).send(), &bank);
    }
    assert_refused(&sidecar.get("/a").by(&gone).send(), "certificate_revoked", &bank);
    assert_refused(&sidecar.get("/a").by(&held).send(), "certificate_revoked", &bank);
    assert_refused(&sidecar.get("/a").by(&unknown).send(), "revocation_unknown", &bank);

    let revoked = record("ocsp", "revoked", false);
    let known = [record("ocsp", "good", false), record("ocsp", "good", true), revoked.clone(), revoked];
    assert_recorded(&sidecar, &[&known[..], &[super::no_record("unknown")]].concat());
    assert_eq!(sidecar.audit(5)[4]["detail"], "the responder does not know the certificate");
}

#[test]
fn responder_that_signs_with_the_issuers_key_is_believed() {
    let Some(office) = Office::open(INDEX) else { return };

    assert_judged(&office, &office.respond("ca"));
}

#[test]
fn responder_that_signs_with_a_delegates_key_is_believed() {
    let Some(office) = Office::open(INDEX) else { return };
    let delegate = office.authority.issue("responder", |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::OcspSigning];
    });
    fs::write(office.path().join("delegate.pem"), delegate.pem()).unwrap();
    fs::write(office.path().join("delegate.key"), delegate.key_pem()).unwrap();

    assert_judged(&office, &office.respond("delegate"));
}

#[test]
fn responder_that_signs_with_a_strangers_key_is_not_believed() {
    let Some(office) = Office::open(INDEX) else { return };
    let stranger = Authority::root("Bank CA");
    fs::write(office.path().join("stranger.pem"), pem(&stranger.der)).unwrap();
    fs::write(office.path().join("stranger.key"), stranger.key_pem()).unwrap();
    let responder = office.respond("stranger");
    let bank = Bank::start();
    let sidecar = demanding(&bank, &office.authority).start();

    let answer = sidecar.get("/a").by(&office.client(0x11, &responder.url())).send();

    assert_refused(&answer, "revocation_unknown", &bank);
    assert_eq!(sidecar.audit(1)[0]["detail"], "no usable answer came in time");
}

#[test]
fn list_on_disk_is_judged_by_without_asking_anyone() {
    let Some(office) = Office::open(INDEX) else { return };
    let folder = office.path().join("lists");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("crl.pem"), office.list()).unwrap();
    fs::write(folder.join("namesake.der"), Authority::root("Bank CA").list(&[], 60)).unwrap();
    let stage = Stage { authority: office.authority, ..Stage::new() };
    let config = stage.config().set("revocation.methods", r#"["crl", "ocsp"]"#);
    let sidecar = config.set("revocation.crl_files", &format!("[{:?}]", folder.display().to_string())).start();

    stage.assert_passed(&sidecar, &stage.client(0x11));
    stage.assert_refused(&sidecar, &stage.client(0x12), "certificate_revoked");
    stage.assert_refused(&sidecar, &stage.client(0x13), "certificate_revoked");

    assert_recorded(
        &sidecar,
        &[record("crl", "good", false), record("crl", "revoked", false), record("crl", "revoked", false)],
    );
    assert_eq!(stage.responder.connections(), 0);
}
