//! The whole gate: a permit implies every condition, checked once more by others; the same question has the same answer,
//! whatever the caches know; and what was believed on the way to a refusal is as true.
#![no_main]

use certbound::gate::{Findings, Verdict};
use certbound_fuzz::gate::{
    request::Request,
    witness::Witness,
    world::{Judged, World},
};
use libfuzzer_sys::{Corpus, fuzz_target};
use ring::digest::{SHA256, digest};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(request) = Request::read(bytes) else { return Corpus::Reject };
    let world = World::of(&request);
    for now in [request.before, request.now].map(Request::at) {
        let Some(judged) = world.judge(&request, now, false) else { return Corpus::Keep };
        // Twice: once for the memory to learn, once to be told from it.
        for _ in 0..2 {
            let again = world.judge(&request, now, true).expect("the same request");
            let (one, other) = (&judged.judgement.verdict, &again.judgement.verdict);
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "a cache changes the verdict on {request:?}");
        }
        hold(world, &request, now, &judged);
    }
    Corpus::Keep
});

fn hold(world: &World, request: &Request, now: u64, judged: &Judged) {
    let Judged { judgement, certificate, chain } = judged;
    let World { proofs, allows_unavailable, introspects, .. } = *world;
    let witness = Witness { request, now, proofs, allows_unavailable, introspects, certificate, chain };
    if let Verdict::Permit(_) = judgement.verdict {
        assert_eq!(witness.permits(), Ok(()), "permitted: {request:?} at {now}");
    }
    let Findings { certificate, shown, token, .. } = &judgement.findings;
    for (believed, minted) in [(certificate.as_deref(), witness.cleared()), (shown.as_ref(), witness.shown())] {
        let believed = believed.map(|certificate| certificate.thumbprint().as_bytes().to_vec());
        let minted = minted.map(|client| digest(&SHA256, &client.der).as_ref().to_vec());
        assert!(believed.is_none_or(|believed| minted == Ok(believed)), "believed: {request:?} at {now}");
    }
    assert!(token.is_none() || witness.token().is_ok(), "believed: {request:?} at {now}");
}
