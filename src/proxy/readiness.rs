//! Whether the process is ready for requests, and what it waits for.

use rustls_pki_types::UnixTime;

use crate::{outside::Missing, proxy::World};

/// One condition of readiness.
pub(super) struct Check {
    pub(super) name: &'static str,
    /// None: it holds.
    pub(super) failure: Option<String>,
}

/// What readiness depends on. The backend is not among it: its own probes speak for it.
pub(super) fn checks(world: &World) -> [Check; 3] {
    let now = UnixTime::now();
    let generation = world.generation();
    let mut anchors = generation.settings.gate.certificates.truststore().anchors();
    let anchors = anchors.any(|(_, not_after)| now <= not_after);
    let missing = generation.outside.keys.missing();
    [
        Check { name: "truststore", failure: (!anchors).then(|| "no anchor is in date".to_owned()) },
        Check { name: "keys", failure: (!missing.is_empty()).then(|| none_of(&missing)) },
        Check {
            name: "serving",
            failure: world.activity.is_draining().then(|| "the process is about to end".to_owned()),
        },
    ]
}

/// The issuers, each with what the latest try to read its keys came to.
fn none_of(missing: &[Missing]) -> String {
    let told = missing.iter().map(|Missing { issuer, why }| match why {
        Some(why) => format!("{issuer} ({why})"),
        None => issuer.to_string(),
    });
    format!("none of {}", told.collect::<Vec<_>>().join(", "))
}
