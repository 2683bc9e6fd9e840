//! A responder that refuses one question may answer another.

use super::Stage;
use crate::support::{
    der::sequence,
    ocsp::{Reply, Said},
};

#[test]
fn responder_that_refuses_a_question_is_asked_in_another_form() {
    let holds = |question: &[u8], oid: &[u8]| question.windows(oid.len()).any(|octets| octets == oid);
    let has_nonce = move |question: &[u8]| holds(question, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2]);
    let by_sha1 = move |question: &[u8]| holds(question, &[0x2b, 0x0e, 3, 2, 0x1a]);
    let error = |code| Reply::Body(sequence(&[&[0x0a, 1, code]]));
    let stage = Stage::new();
    let sidecar = stage.config().set("revocation.methods", r#"["ocsp"]"#).start();

    for (serial, status, refuses) in [
        // Microsoft's, where nonces are off, and those that take 16 octets at most.
        (1, 6, Box::new(has_nonce) as Box<dyn Fn(&[u8]) -> bool + Send + Sync>),
        (2, 1, Box::new(has_nonce)),
        (3, 6, Box::new(by_sha1)),
        (4, 1, Box::new(move |question: &[u8]| has_nonce(question) || by_sha1(question))),
    ] {
        let good = Said::good().by(&stage.authority);
        stage.responder.says("/ocsp", move |question| if refuses(question) { error(status) } else { good(question) });
        stage.assert_passed(&sidecar, &stage.client(serial));
    }
    for (serial, said) in [(5, Said::good()), (6, Said::revoked(None))] {
        let says = said.by(&stage.authority);
        stage.responder.says("/ocsp", move |question| if by_sha1(question) { Reply::Failure } else { says(question) });
        match serial {
            5 => stage.assert_passed(&sidecar, &stage.client(serial)),
            _ => stage.assert_refused(&sidecar, &stage.client(serial), "certificate_revoked"),
        }
    }
}
