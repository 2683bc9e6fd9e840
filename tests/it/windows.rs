//! What one stream of HTTP/2 may take of the connection that others share.

use crate::{
    http2,
    support::{
        bank::Bank,
        config::Config,
        forms::percent_pem,
        frames::{self, Frames},
        introspector::Introspector,
        pki::Pki,
    },
};

#[test]
fn client_that_takes_nothing_of_its_answer_keeps_no_other_from_theirs() {
    let config = Config::to(&http2::bank().to_string()).set("backend.http2", "true");
    let sidecar = config.set("backend.response_timeout", r#""5s""#).start();
    let alice = &Pki::get().alice;
    let mut idle = sidecar.connect();
    idle.write(&sidecar.get("/large").by(alice).bytes());
    assert_eq!(idle.head().0, 200);

    // By the time that the connection's window would be full, some of these have been sent.
    for _ in 0..200 {
        let answer = sidecar.get("/a").by(alice).send();
        assert_eq!((answer.status, &*answer.body), (200, &b"GET /a , 1 certificate"[..]));
    }
}

#[test]
fn body_that_nobody_reads_yet_keeps_no_other_from_being_sent() {
    let bank = Bank::start();
    let introspector = Introspector::start();
    let config = Config::in_front_of(&bank).route("path = \"/open\"\nrequire = []").route("path = \"/{*rest}\"");
    let sidecar = introspector.asked_by(config, "").start();
    let certificate = percent_pem(&Pki::get().alice.der);
    let fields =
        [(&b"ssl.client.auth.cert.x509"[..], certificate.as_bytes()), (&b"authorization"[..], &b"Bearer opaque"[..])];
    let mut connection = Frames::connect(sidecar.address());
    connection.write(&frames::post(1, "/open", "the windows are told by the time that this is answered"));
    assert!(connection.answer(1).is_some());
    bank.take();
    introspector.hold();
    // All that the window of one stream takes.
    let pieces = [&[b'a'; 16_384][..], &[b'a'; 16_384], &[b'a'; 16_384], &[b'a'; 16_383], b""];

    let mut waiting = frames::request(3, &frames::with_pseudo("POST", "/wait", &fields), &pieces);
    waiting.pop();
    connection.write(&waiting);
    connection.write(&frames::post(5, "/open", "hello"));

    let answer = connection.answer(5).expect("the connection stays");
    assert!(!answer.reset);
    assert_eq!(bank.only().body, b"hello");
    introspector.go_on();
}
