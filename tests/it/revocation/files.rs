//! CRL files, and who has to ask anew when they change.

use super::*;

#[test]
fn file_of_another_authority_that_is_touched_or_changed_makes_nobody_ask_again() {
    let stage = Stage::new();
    stage.says(Said::good());
    let elsewhere = Authority::root("Elsewhere");
    let list = elsewhere.list(&[], HOUR);
    let config = stage.config().set("revocation.crl_files", r#"["elsewhere.crl"]"#);
    let sidecar = config.file("elsewhere.crl", list.clone()).start();
    let alice = stage.client(1);
    stage.assert_passed(&sidecar, &alice);
    stage.responder.says("/ocsp", |_| Reply::Failure);

    for (reloads, bytes) in [(1, list), (2, elsewhere.list(&[(1, None)], HOUR))] {
        std::fs::write(sidecar.folder().join("elsewhere.crl"), bytes).unwrap();
        sidecar.events("crls_reloaded", reloads);
        stage.assert_passed(&sidecar, &alice);
    }

    assert_eq!(stage.responder.asked("/ocsp"), 1);
}

#[test]
fn list_is_verified_once_for_all_who_wait_for_it() {
    let stage = Stage::new();
    let entries: Vec<_> = (100..5_000).map(|serial| (serial, None)).collect();
    // Each time that it is verified is told, because it does not hold.
    let namesake = Authority::root("Bank CA").list(&entries, HOUR);
    let config = stage.config().set("revocation.methods", r#"["crl"]"#);
    let sidecar = config.set("revocation.crl_files", r#"["bank.crl"]"#).file("bank.crl", namesake).start();
    stage.lists(&[]);
    let clients: Vec<_> = (1..=20).map(|serial| stage.client(serial)).collect();

    let answers: Vec<_> = thread::scope(|scope| {
        let askers: Vec<_> =
            clients.iter().map(|client| scope.spawn(|| sidecar.get("/a").by(client).send().status)).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });

    assert_eq!(answers, [200; 20]);
    sidecar.audit(20);
    assert_eq!(sidecar.events("crl_file_not_used", 1).len(), 1);
}

#[test]
fn list_that_has_ended_is_told_of_once_and_so_is_who_names_nobody_to_ask() {
    let stage = Stage::new();
    let config = stage.config().set("revocation.crl_files", r#"["bank.crl"]"#);
    let sidecar = config.file("bank.crl", stage.authority.list(&[], -60)).start();

    for serial in [1, 2] {
        stage.assert_refused(&sidecar, &stage.client_asking(serial, &[], None), "revocation_unknown");
    }

    for line in sidecar.audit(2) {
        assert!(line["detail"].as_str().unwrap().contains("names no responder and no list"), "{line}");
    }
    let told = sidecar.events("crl_file_not_used", 1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["error"].as_str().unwrap().contains("past its nextUpdate"), "{told:?}");
}
