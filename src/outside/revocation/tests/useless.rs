//! What is of no use to one is of no consequence for others.

use rcgen::KeyUsagePurpose;

use super::*;

#[tokio::test]
async fn useless_list_is_not_fetched_for_every_certificate() {
    let bank = Responder::start().await;
    let namesake = Authority::named("Bank CA");
    *bank.crl.lock() = ok(namesake.list(&[], HOUR));
    let store = store(Revocation { methods: vec![Method::Crl], ..rules() });
    for serial in 1..10 {
        assert_eq!(asked(&store, &bank.client(serial), 0).await, Standing::Unavailable);
    }
    assert_eq!(bank.origin.asked("/crl"), 1);
}

/// Two authorities of one name may have one address, and one of them no list there.
#[tokio::test]
async fn list_that_is_of_no_use_to_one_issuer_serves_another_at_the_same_address() {
    let (bank, other) = (Responder::start().await, Authority::named("Bank CA"));
    bank.lists(&[&[5]], HOUR);
    let store = store(Revocation { methods: vec![Method::Crl], ..rules() });
    let stranger = Arc::new(other.client(&[1], &[&bank.origin.at("/crl").to_string()]));
    assert_eq!(asked(&store, &stranger, 0).await, Standing::Unavailable);

    assert_eq!(asked(&store, &bank.client(5), 0).await, known(gone(), Method::Crl));
}

/// Clients choose which certificate of their issuer they send.
#[tokio::test]
async fn certificate_of_an_issuer_that_signs_no_lists_decides_for_nobody_else() {
    let bank = Responder::start().await;
    let unfit = bank.authority.anew("Bank CA", &[KeyUsagePurpose::KeyCertSign]);
    let at = bank.origin.at("/crl").to_string();
    bank.lists(&[&[5]], HOUR);
    let on_disk = CrlFiles::new(crl::read(bank.authority.list(&[&[5]], HOUR)).unwrap());
    for files in [CrlFiles::new(Vec::new()), on_disk] {
        let store = store_with(Revocation { methods: vec![Method::Crl], ..rules() }, files);
        let first = Arc::new(Issued::read(&bank.authority.client_der(&[1], &[&at], &[]), &unfit).unwrap());
        assert_eq!(asked(&store, &first, 0).await, Standing::Unavailable);

        assert_eq!(asked(&store, &bank.client(5), 0).await, known(gone(), Method::Crl));
        assert_eq!(asked(&store, &bank.client(6), 0).await, known(Status::Good, Method::Crl));
    }
}
