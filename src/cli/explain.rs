//! `certbound explain`: the gate's judgement of one described request, check by check.

mod request;
mod text;

use std::{io::stdout, net::IpAddr, path::PathBuf, process::ExitCode, sync::Arc};

use bytes::Bytes;
use clap::Args;
use rustls_pki_types::UnixTime;
use serde_json::json;

use self::request::Described;
use crate::{
    certificate::revocation::RevocationPolicy,
    cli::{Configuration, failure, print},
    config::{
        Settings, Supplies,
        settings::{KeyLocation, KeyPlace},
    },
    denial::Denial,
    explain::{self, Check, Mistake},
    gate::{Answer, Judgement, MOST_QUESTIONS, Question, Verdict},
    observe::{Metrics, terminal},
    proxy::{answers::Outside, body::MOST_BYTES},
    token::Use,
};

/// Explain what certbound makes of one request
///
/// The same gate as in `run` judges the request that the options describe, as if a trusted load balancer had sent it.
/// Each check is shown with its verdict and what it found, the first refusal is marked, and common mistakes are named with
/// their remedy.
/// The exit code is 0 when the request would pass, 3 when it would be refused, 2 for a bad configuration, and 1 when
/// something else failed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    #[command(flatten)]
    configuration: Configuration,
    /// The method
    #[arg(long, value_name = "M")]
    method: String,
    /// The path, as the client sends it; a query is left out
    #[arg(long, value_name = "P")]
    path: String,
    /// The client's certificate, with intermediates after it where the client has some: PEM, DER, or a header's value
    #[arg(long, value_name = "FILE", conflicts_with = "header")]
    certificate: Option<PathBuf>,
    /// The value of the certificate header as it was captured, read by the configured profile
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    header: Option<String>,
    /// The access token in a file; - for standard input. It is never shown
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// The DPoP proof in a file; the token is then presented by the DPoP scheme
    #[arg(long, value_name = "FILE", requires = "token")]
    proof: Option<PathBuf>,
    /// The request's body in a file, for routes that read it; - for standard input. GET, HEAD, and DELETE have none by default
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The host that the client called, for the proof
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The time of the request, in RFC 3339 (2026-11-22T07:00:00Z); the present by default
    #[arg(long, value_name = "RFC3339", value_parser = request::time)]
    at: Option<UnixTime>,
    /// The address that the request came from, instead of a trusted load balancer
    #[arg(long, value_name = "IP")]
    peer: Option<IpAddr>,
    /// Open no connection: keys and CRLs come from files alone, and what stays open is a refusal
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What there is to say.
struct Explanation {
    denial: Option<Denial>,
    checks: Vec<Check>,
    mistakes: Vec<Mistake>,
}

impl Explain {
    pub(super) fn execute(&self) -> ExitCode {
        let (mut settings, supplies, _) = match self.configuration.load() {
            Ok(loaded) => loaded,
            Err(code) => return code,
        };
        let described = match Described::read(self, &mut settings) {
            Ok(described) => described,
            Err(why) => return failure(why),
        };
        if self.offline {
            stay_at_home(&mut settings);
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return failure(error),
        };
        match runtime.block_on(explanation(&described, settings, supplies, self.offline)) {
            Ok(explanation) => self.show(&described, &explanation),
            Err(error) => failure(error),
        }
    }

    fn show(&self, described: &Described, explanation: &Explanation) -> ExitCode {
        let Explanation { denial, checks, mistakes } = explanation;
        let shown = match self.json {
            true => print(&format!("{}\n", as_json(explanation))),
            false => {
                let colour = terminal::shows_colours(&stdout());
                print(&text::lines(described, denial.as_ref(), checks, mistakes, colour))
            }
        };
        match denial {
            Some(_) if shown == ExitCode::SUCCESS => ExitCode::from(DENIED),
            _ => shown,
        }
    }
}

fn as_json(explanation: &Explanation) -> serde_json::Value {
    let Explanation { denial, checks, mistakes } = explanation;
    let check = |check: &Check| json!({"check": check.check, "verdict": check.verdict.name(), "facts": check.facts});
    json!({
        "decision": if denial.is_some() { "deny" } else { "permit" },
        "code": denial.as_ref().map(Denial::code),
        "checks": checks.iter().map(check).collect::<Vec<_>>(),
        "mistakes": mistakes.iter().map(|m| json!({"code": m.code, "text": m.text})).collect::<Vec<_>>(),
    })
}

/// Nothing but files is asked.
fn stay_at_home(settings: &mut Settings) {
    for source in &mut settings.keys {
        if !matches!(source.location, KeyLocation::At(KeyPlace::File(_))) {
            source.location = KeyLocation::Nowhere;
        }
    }
    // CRL files answer whatever the methods.
    settings.revocation.methods.clear();
    // Nobody is asked, so nobody can be said to be silent.
    if let RevocationPolicy::Demanded { allow_unavailable, .. } = &mut settings.gate.revocation {
        *allow_unavailable = false;
    }
}

async fn explanation(
    described: &Described,
    mut settings: Settings,
    supplies: Supplies,
    offline: bool,
) -> std::io::Result<Explanation> {
    let outside = Outside::new(&settings, supplies, &Arc::new(Metrics::new()))?;
    if !offline {
        outside.keys.first_fetch().await;
    }
    let mut learned = Learned::default();
    let judgement = judge(described, &settings, &outside, offline, &mut learned).await;
    let alone = match explain::leaves_out_token(&settings.gate, &described.method, &judgement) {
        true if described.has_token() => {
            let routes = std::mem::replace(&mut settings.gate.routes, described.token_alone());
            let alone = judge(described, &settings, &outside, offline, &mut learned).await;
            settings.gate.routes = routes;
            Some(alone)
        }
        _ => None,
    };
    let denial = match &judgement.verdict {
        Verdict::Permit(_) => None,
        Verdict::Deny(denial) => Some(denial.clone()),
        Verdict::Ask(question) => Some(question.unanswered()),
    };
    let found =
        alone.as_ref().filter(|_| judgement.findings.token.is_none()).map_or(&judgement.findings, |a| &a.findings);
    let mut evidence = described.evidence(found, &learned.introspected);
    evidence.peer_trusted = judgement.findings.trusted_peer().is_some() || !described.is_from_header;
    let trust = settings.gate.certificates.truststore();
    let mut checks = explain::checks(&settings.gate, &described.method, &judgement, alone.as_ref());
    if let Some(peer) = checks.iter_mut().find(|check| check.check == "peer" && !described.taken_as_given.is_empty()) {
        peer.facts.insert("taken_as_given".to_owned(), json!(described.taken_as_given));
    }
    Ok(Explanation { checks, mistakes: explain::mistakes(&evidence, denial.as_ref(), found, trust), denial })
}

/// What was answered to the judgements of one request, so that nobody is asked twice.
#[derive(Default)]
struct Learned {
    answers: Vec<Answer>,
    /// What issuers said of the token, word for word.
    introspected: Vec<Bytes>,
}

/// As in `run`, but that nothing is used up.
async fn judge(
    described: &Described,
    settings: &Settings,
    outside: &Outside,
    offline: bool,
    learned: &mut Learned,
) -> Judgement {
    loop {
        let judgement = described.judge(&settings.gate, outside, &learned.answers);
        let question = match &judgement.verdict {
            Verdict::Ask(question) if learned.answers.len() < MOST_QUESTIONS => question.clone(),
            _ => return judgement,
        };
        let answer = match question {
            Question::Use(what) => Ok(Answer::Use(what, Use::First)),
            // The stores ask nobody then, and know the files of keys and of CRLs.
            question @ (Question::Keys { .. } | Question::Revocation(_)) => {
                outside.look_up(question, described.now()).await
            }
            Question::Body => match &described.body {
                Some(body) if body.len() as u64 > MOST_BYTES => {
                    return Judgement { verdict: Verdict::Deny(Denial::BodyTooLarge), ..judgement };
                }
                Some(body) => Ok(Answer::Body(body.clone())),
                None => return judgement,
            },
            _ if offline => return judgement,
            Question::Introspection(inquiry) => {
                let (told, answer) = outside.introspection.ask_once(&inquiry).await;
                learned.introspected.extend(answer);
                Ok(Answer::Introspection(inquiry, told))
            }
            question => outside.look_up(question, described.now()).await,
        };
        match answer {
            Ok(answer) => learned.answers.push(answer),
            Err(_) => return judgement,
        }
    }
}

const DENIED: u8 = 3;
const EXAMPLES: &str = "\
Examples:
  certbound explain --method GET --path /accounts/1 --certificate tpp.pem --token token.txt
  certbound explain --method GET --path /accounts/1 --header \"$(cat captured.txt)\" --token - --offline --json
  certbound explain --method GET --path /accounts/1 --certificate tpp.pem --token token.txt --at 2026-11-22T07:00:00Z
  certbound explain --method POST --path /register --certificate tpp.pem --body registration.jwt";
