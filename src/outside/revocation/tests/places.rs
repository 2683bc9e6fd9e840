use http::header::ACCEPT;

use super::*;

#[tokio::test]
async fn many_certificates_make_no_more_questions_at_a_time_than_there_are_places() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let authority = Authority::named("Bank CA");
    let store = store(Revocation { methods: vec![Method::Ocsp], ..rules() });
    let mut asking = JoinSet::new();
    for serial in 0..100 {
        let (store, about) = (Arc::clone(&store), Arc::new(authority.client_with(&[serial], &[], &[&address])));
        asking.spawn(async move { store.answer(&about, now(0)).await });
    }

    let mut questions = Vec::new();
    while let Ok(accepted) = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await {
        questions.push(accepted.unwrap());
    }

    assert_eq!(questions.len(), 64);
    questions.pop();
    assert!(tokio::time::timeout(LONG, listener.accept()).await.is_ok(), "a place that is free is taken again");
}

#[tokio::test]
async fn later_address_is_asked_when_the_first_is_of_no_use() {
    let bank = Responder::start().await;
    let at = |path| bank.origin.at(path).to_string();
    let (nowhere, ocsp, crl) = (at("/nowhere"), at("/ocsp"), at("/crl"));
    let points = ["ldap://a/", "ldap://b/", "ldap://c/", &nowhere, &crl];
    let about = Arc::new(bank.authority.client_with(&[5], &points, &["file:///etc/passwd", &nowhere, &ocsp]));
    bank.says(&about, GOOD, HOUR);
    assert_eq!(asked(&store(rules()), &about, 0).await, known(Status::Good, Method::Ocsp));
    bank.lists(&[&[5]], HOUR);
    let listed = Revocation { methods: vec![Method::Crl], ..rules() };
    assert_eq!(asked(&store(listed), &about, 0).await, known(gone(), Method::Crl));
    // A strict server refuses what names a type that it does not serve.
    assert_eq!(bank.origin.latest().headers()[ACCEPT], "application/pkix-crl, */*;q=0.1");
}
