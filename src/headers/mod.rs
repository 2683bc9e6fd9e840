//! Identity headers, taken out of a request: there is no other way to read one.

mod names;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};

/// Headers that can be taken out one name at a time.
///
/// The shell implements it for its own request type, so that the gate knows no server.
pub trait HeaderFields {
    /// The names present, each once, as sent in lower case.
    fn names(&self) -> impl Iterator<Item = &HeaderName>;
    /// Removes every value of `name` and hands them out in the order they came.
    fn remove(&mut self, name: &HeaderName) -> Vec<HeaderValue>;
}

/// Which names are identity headers: every name of every profile, plus those that the configuration adds.
///
/// Two names are the same when they agree after lower-casing and mapping `.` and `_` to `-`. Backends written for CGI
/// or WSGI read `X_Client_Cert` and `X-Client-Cert` as one name, so a stranger's twin must go too.
#[derive(Clone)]
pub struct IdentityHeaders {
    read: ReadNames,
    /// Folded names, found by their length: most headers of a request are told apart by length and first byte.
    exact: Vec<Vec<Arc<str>>>,
    /// Beginnings of names, each with the label that stands for the whole family.
    families: Vec<(&'static str, Arc<str>)>,
}

/// The exact names that certbound reads; all of them are identity headers too.
#[derive(Clone, Debug, Default)]
pub struct ReadNames {
    /// Carries the certificate; none when clients do mTLS with certbound itself.
    pub certificate: Option<HeaderName>,
    /// Carries the chain, where the profile has a header for it.
    pub chain: Option<HeaderName>,
    /// Carries the load balancer's shared secret.
    pub secret: Option<HeaderName>,
}

impl IdentityHeaders {
    /// All built-in names, what is `read` with the companions of its certificate, and `more` (configured `strip` names and
    /// the names of `[backend] headers`).
    pub fn new(read: ReadNames, more: impl IntoIterator<Item = HeaderName>) -> Self {
        let families = names::FAMILIES.iter().map(|prefix| (*prefix, Arc::from(format!("{prefix}*")))).collect();
        let mut all = Self { read, exact: Vec::new(), families };
        for name in names::exact() {
            all.add(&name);
        }
        let ReadNames { certificate, chain, secret } = all.read.clone();
        for companion in certificate.iter().flat_map(names::companions) {
            all.add(&companion);
        }
        for name in [certificate, chain, secret].into_iter().flatten().chain(more) {
            all.add(name.as_str());
        }
        all
    }

    /// Whether `name` would be taken out, under the folding rule. Allocates nothing: every header of every request is
    /// asked about.
    pub fn covers(&self, name: &HeaderName) -> bool {
        self.label(name).is_some()
    }

    /// The name whose value is read as the certificate.
    pub fn certificate(&self) -> Option<&HeaderName> {
        self.read.certificate.as_ref()
    }

    /// Every label that [`Asserted::stripped`] can hold, each once.
    pub fn labels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.exact.iter().flatten().chain(self.families.iter().map(|(_, label)| label))
    }

    fn label(&self, name: &HeaderName) -> Option<&Arc<str>> {
        let name = name.as_str().as_bytes();
        let exact = || self.exact.get(name.len()).and_then(|known| known.iter().find(|known| same(name, known)));
        let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| same(start, prefix));
        exact().or_else(|| self.families.iter().find(|(prefix, _)| begins(prefix)).map(|(_, label)| label))
    }

    fn add(&mut self, name: &str) {
        let folded: String = name.bytes().map(|byte| char::from(fold(byte))).collect();
        if self.exact.len() <= folded.len() {
            self.exact.resize(folded.len() + 1, Vec::new());
        }
        if let Some(of_length) = self.exact.get_mut(folded.len()).filter(|known| !known.iter().any(|k| **k == *folded))
        {
            of_length.push(folded.into());
        }
    }
}

impl fmt::Debug for IdentityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityHeaders").field("read", &self.read).finish_non_exhaustive()
    }
}

/// What a request said about identity, taken out of it. Nothing of it is believed.
#[derive(Clone, Default)]
pub struct Asserted {
    certificate: Vec<HeaderValue>,
    chain: Vec<HeaderValue>,
    secret: Vec<HeaderValue>,
    stripped: Vec<Arc<str>>,
}

impl Asserted {
    /// Takes every identity header out of `fields`.
    ///
    /// Only the exact names (case aside) are kept to be read; an alias under the folding rule is removed and counted,
    /// because load balancers pass aliases on.
    pub fn take(names: &IdentityHeaders, fields: &mut impl HeaderFields) -> Self {
        let mut asserted = Self::default();
        let mut found = Vec::new();
        for name in fields.names() {
            if let Some(label) = names.label(name) {
                found.push(name.clone());
                asserted.stripped.push(Arc::clone(label));
            }
        }
        for name in found {
            let values = fields.remove(&name);
            asserted.keep(&names.read, &name, values);
        }
        asserted
    }

    fn keep(&mut self, read: &ReadNames, name: &HeaderName, values: Vec<HeaderValue>) {
        let name = Some(name);
        if name == read.certificate.as_ref() {
            self.certificate = values;
        } else if name == read.chain.as_ref() {
            self.chain = values;
        } else if name == read.secret.as_ref() {
            self.secret = values;
        }
    }

    /// The values of the certificate header, in order.
    pub fn certificate(&self) -> &[HeaderValue] {
        &self.certificate
    }

    /// The values of the chain header, in order.
    pub fn chain(&self) -> &[HeaderValue] {
        &self.chain
    }

    /// The values of the secret header, in order.
    pub fn secret(&self) -> &[HeaderValue] {
        &self.secret
    }

    /// The folded names that were removed, for the metric: a bounded set of labels, see [`IdentityHeaders::labels`].
    pub fn stripped(&self) -> &[Arc<str>] {
        &self.stripped
    }
}

/// Says how much there is and what was stripped: the values hold the secret and whole certificates.
impl fmt::Debug for Asserted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asserted")
            .field("certificate", &self.certificate.len())
            .field("chain", &self.chain.len())
            .field("secret", &self.secret.len())
            .field("stripped", &self.stripped)
            .finish()
    }
}

impl HeaderFields for HeaderMap {
    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.keys()
    }

    fn remove(&mut self, name: &HeaderName) -> Vec<HeaderValue> {
        match self.entry(name) {
            Entry::Occupied(values) => values.remove_entry_mult().1.collect(),
            Entry::Vacant(_) => Vec::new(),
        }
    }
}

/// Whether a backend may read `name` as `known`, which has no capitals and no separators but hyphens: the folding rule.
pub fn is_spelling(name: &HeaderName, known: &HeaderName) -> bool {
    same(name.as_str().as_bytes(), known.as_str())
}

/// Whether `name`, folded, is `folded`. From its end, because names of one length mostly begin alike.
fn same(name: &[u8], folded: &str) -> bool {
    name.len() == folded.len() && name.iter().rev().zip(folded.bytes().rev()).all(|(a, b)| fold(*a) == b)
}

fn fold(byte: u8) -> u8 {
    match byte {
        b'.' | b'_' => b'-',
        _ => byte.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
