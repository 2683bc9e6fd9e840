//! A request is judged as often as it takes to know enough.

use std::time::Instant;

use pingora::proxy::Session;
use rustls_pki_types::UnixTime;

use crate::{
    denial::Denial,
    gate::{Answer, Findings, Inbound, Judgement, Known, MOST_QUESTIONS, Permit, Question, Verdict},
    headers::Asserted,
    lookup::Lookups,
    observe::Trace,
    peer::Connection,
    proxy::{generation::Generation, inbound, service::Sidecar},
    token::Proof,
};

impl Sidecar {
    /// Judges a request, and asks outside for what the gate does not know, until it knows enough for a verdict.
    ///
    /// `futile`: what it will be refused for even if it is permitted; nothing is spent for it then.
    pub(super) async fn judge(
        generation: &Generation,
        session: &mut Session,
        asserted: &Asserted,
        connection: &Connection,
        futile: Option<&Denial>,
        mut trace: Option<&mut Trace>,
    ) -> (Result<Permit, Denial>, Findings) {
        let mut answered = Vec::new();
        let (mut proof, mut lookups) = (None, Lookups::default());
        loop {
            let Judgement { verdict, mut findings } =
                Self::judge_once(generation, session, asserted, connection, &answered, proof.as_ref());
            findings.lookups.follow(lookups);
            let question = match verdict {
                Verdict::Permit(permit) => return (Ok(permit), findings),
                Verdict::Deny(denial) => return (Err(denial), findings),
                Verdict::Ask(question) if answered.len() == MOST_QUESTIONS => {
                    return (Err(question.unanswered()), findings);
                }
                Verdict::Ask(question) => question,
            };
            if let (true, Some(denial)) = (question.spends(), futile) {
                return (Err(denial.clone()), findings);
            }
            // On the heap, here as below: what is seldom waited for would make every request's future as large as itself.
            match Box::pin(Self::ask(generation, session, question, trace.as_deref_mut())).await {
                Ok(answer) => answered.push(answer),
                Err(denial) => return (Err(denial), findings),
            }
            (proof, lookups) = (findings.proof, findings.lookups);
        }
    }

    /// Finds out what the gate asks, and how long that takes where somebody wants to know.
    async fn ask(
        generation: &Generation,
        session: &mut Session,
        question: Question,
        trace: Option<&mut Trace>,
    ) -> Result<Answer, Denial> {
        let outside = &generation.outside;
        let max_body_bytes = generation.settings.backend.max_body_bytes;
        let Some(trace) = trace else { return outside.answer(question, session, max_body_bytes).await };
        let (asked, began) = (outside.asks(&question), Instant::now());
        let answer = outside.answer(question, session, max_body_bytes).await;
        if let Some(asked) = asked {
            trace.asked(asked, began);
        }
        answer
    }

    fn judge_once(
        generation: &Generation,
        session: &Session,
        asserted: &Asserted,
        connection: &Connection,
        answered: &[Answer],
        proof: Option<&Proof>,
    ) -> Judgement {
        let request = session.req_header();
        let path = match inbound::path(request) {
            Ok(path) => path,
            Err(denial) => return Judgement { verdict: Verdict::Deny(denial), findings: Findings::default() },
        };
        let authority = inbound::authority(request);
        let (headers, method) = (&request.headers, &request.method);
        let inbound = Inbound { connection, asserted, headers, method, authority, path };
        let outside = &generation.outside;
        let keys = outside.keys.ring();
        let (revocations, introspections) = (&outside.revocation, &*outside.introspection);
        let known = Known { keys: &keys, revocations, introspections, answered, proof };
        generation.settings.gate.judge(&inbound, &known, UnixTime::now())
    }
}
