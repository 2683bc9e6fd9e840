//! What one stream of HTTP/2 may take of the connection that others share.

use crate::{
    http2,
    support::{config::Config, pki::Pki},
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
