//! A request is judged as often as it takes to know enough.

use std::time::Instant;

use pingora::proxy::Session;
use rustls_pki_types::UnixTime;

use crate::{
    config::settings::Mode,
    denial::Denial,
    gate::{Answer, Findings, Inbound, Judgement, Known, MOST_QUESTIONS, Permit, Question, Verdict},
    headers::Asserted,
    lookup::Lookups,
    observe::{Trace, record::Decision},
    peer::Connection,
    proxy::{generation::Generation, inbound},
    route,
    token::Proof,
};

/// What a request is judged by, beside what its session holds.
pub(super) struct Judging<'a> {
    pub(super) generation: &'a Generation,
    pub(super) asserted: &'a Asserted,
    pub(super) connection: &'a Connection,
    /// What it will be refused for even if it is permitted; nothing is spent for it then.
    pub(super) futile: Option<&'a Denial>,
}

impl Judging<'_> {
    /// Judges the request, and asks outside for what the gate does not know, until it knows enough for a verdict.
    pub(super) async fn verdict(
        &self,
        session: &mut Session,
        mut trace: Option<&mut Trace>,
    ) -> (Result<Permit, Denial>, Findings) {
        let mut answered = Vec::new();
        let (mut proof, mut lookups) = (None, Lookups::default());
        loop {
            let Judgement { verdict, mut findings } = self.once(session, &answered, proof.as_ref());
            findings.lookups.follow(lookups);
            let question = match verdict {
                Verdict::Permit(permit) => return (Ok(permit), findings),
                Verdict::Deny(denial) => return (Err(denial), findings),
                Verdict::Ask(question) if answered.len() == MOST_QUESTIONS => {
                    return (Err(question.unanswered()), findings);
                }
                Verdict::Ask(question) => question,
            };
            if let (true, Some(denial)) = (question.spends(), self.futile) {
                return (Err(denial.clone()), findings);
            }
            // On the heap, here as below: what is seldom waited for would make every request's future as large as itself.
            match Box::pin(self.ask(session, question, trace.as_deref_mut())).await {
                Ok(answer) => answered.push(answer),
                Err(denial) => return (Err(denial), findings),
            }
            (proof, lookups) = (findings.proof, findings.lookups);
        }
    }

    /// Finds out what the gate asks, and how long that takes where somebody wants to know.
    async fn ask(
        &self,
        session: &mut Session,
        question: Question,
        trace: Option<&mut Trace>,
    ) -> Result<Answer, Denial> {
        let outside = &self.generation.outside;
        let max_body_bytes = self.generation.settings.backend.max_body_bytes;
        let Some(trace) = trace else { return outside.answer(question, session, max_body_bytes).await };
        let (asked, began) = (outside.asks(&question), Instant::now());
        let answer = outside.answer(question, session, max_body_bytes).await;
        if let Some(asked) = asked {
            trace.asked(asked, began);
        }
        answer
    }

    fn once(&self, session: &Session, answered: &[Answer], proof: Option<&Proof>) -> Judgement {
        let Self { generation, asserted, connection, .. } = *self;
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

    /// What becomes of a judgement in the configured mode.
    ///
    /// # Errors
    /// The refusal that is answered.
    pub(super) fn decide(
        &self,
        judged: Result<Permit, Denial>,
        findings: &mut Findings,
        session: &Session,
    ) -> Result<Decision, Denial> {
        let settings = &self.generation.settings;
        let Err(denial) = judged else { return Ok(Decision::Allow) };
        let refused_method = route::is_refused(&session.req_header().method);
        if settings.mode == Mode::Enforce || refused_method || holds_always(&denial) {
            return Err(denial);
        }
        if findings.route.is_none() {
            // Routing answers before the peer is looked at, and report mode does not relax who may speak to certbound.
            findings.peer = Some(settings.gate.peers.admit(self.connection, self.asserted, UnixTime::now())?);
        }
        Ok(Decision::WouldDeny(denial))
    }
}

/// Whether a refusal is answered in report mode too: rules of form, limits, and who may speak to certbound.
///
/// `route_unknown` and `method_not_allowed` are verdicts of routing and are relaxed, save for the methods that no route
/// takes.
fn holds_always(denial: &Denial) -> bool {
    matches!(
        denial,
        Denial::RequestMalformed { .. }
            | Denial::PathAmbiguous { .. }
            | Denial::HeaderTooLarge { .. }
            | Denial::PeerUntrusted { .. }
            | Denial::BodyTooLarge
    )
}
