//! The key sets that documents are verified with.

use std::sync::Arc;

use crate::{
    denial::Denial,
    registration::{KeysAt, RegistrationKnowledge, RegistrationStop},
    token::KeySet,
};

/// The keys at this place. A document that is no key set, or is one without a usable key, is as good as none, and is asked
/// for anew: every key is missing in it.
pub(super) fn at(place: &KeysAt, known: &dyn RegistrationKnowledge) -> Result<KeySet, RegistrationStop> {
    let document = document(place, known)?;
    let keys = KeySet::parse(&document).ok().filter(KeySet::is_usable);
    keys.ok_or_else(|| missing(place, known, Denial::KeysUnavailable))
}

/// What follows where a key is missing: a newer set is asked for, once a request, and then `denial` stands.
pub(super) fn missing(place: &KeysAt, known: &dyn RegistrationKnowledge, denial: Denial) -> RegistrationStop {
    match known.asked_anew(place) {
        true => denial.into(),
        false => RegistrationStop::NewerKeys(place.clone()),
    }
}

/// The document at this place, not read.
pub(super) fn document(place: &KeysAt, known: &dyn RegistrationKnowledge) -> Result<Arc<[u8]>, RegistrationStop> {
    match known.keys(place) {
        None => Err(RegistrationStop::Keys(place.clone())),
        Some(None) => Err(Denial::KeysUnavailable.into()),
        Some(Some(document)) => Ok(document),
    }
}
