//! Identity headers, taken out of a request: there is no other way to read one.

use http::{HeaderName, HeaderValue};

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
#[derive(Clone, Debug)]
pub struct IdentityHeaders {
    // the exact names that are read, and the folded names that are stripped
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
    /// All built-in names, what is `read`, and `more` (configured `strip` names and the names of `[backend] headers`).
    pub fn new(read: ReadNames, more: impl IntoIterator<Item = HeaderName>) -> Self {
        todo!()
    }

    /// Whether `name` would be taken out, under the folding rule.
    pub fn covers(&self, name: &HeaderName) -> bool {
        todo!()
    }
}

/// What a request said about identity, taken out of it. Nothing of it is believed.
#[derive(Clone, Debug, Default)]
pub struct Asserted {
    certificate: Vec<HeaderValue>,
    chain: Vec<HeaderValue>,
    secret: Vec<HeaderValue>,
    stripped: Vec<&'static str>,
}

impl Asserted {
    /// Takes every identity header out of `fields`.
    ///
    /// Only the exact names (case aside) are kept to be read; an alias under the folding rule is removed and counted.
    pub fn take(names: &IdentityHeaders, fields: &mut impl HeaderFields) -> Self {
        todo!()
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

    /// The folded names that were removed, for the metric: a bounded set of labels.
    pub fn stripped(&self) -> &[&'static str] {
        &self.stripped
    }
}
