//! Tokens that the authorization server behind a token endpoint issued.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::Outcome;
use crate::token::IssuedToken;

/// Counts issued tokens, where they are looked at, by whether they are bound to who asked for them.
pub(super) struct IssuedTokens(Vec<(IssuedToken, Counter)>);

impl IssuedTokens {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::<Outcome, Counter>::default();
        let help = "Tokens issued to clients, by whether they are bound to the client's certificate";
        registry.register("certbound_issued_tokens", help, family.clone());
        let all = [IssuedToken::Bound, IssuedToken::Unbound, IssuedToken::Mismatched, IssuedToken::Opaque];
        Self(all.map(|issued| (issued, family.get_or_create_owned(&Outcome { result: issued.name() }))).into())
    }

    pub(super) fn count(&self, issued: IssuedToken) {
        if let Some((_, counter)) = self.0.iter().find(|(counted, _)| *counted == issued) {
            counter.inc();
        }
    }
}
