//! Whether something was remembered or found anew.

/// How a verified thing was found. No verdict depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// Remembered.
    Hit,
    /// Verified anew.
    Miss,
}

/// How the certificate and the token of one request were found; none where it was not looked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lookups {
    /// The certificate, by its bytes.
    pub certificate: Option<Lookup>,
    /// The token, by its bytes.
    pub token: Option<Lookup>,
}

impl Lookups {
    /// Lets `earlier` count, of the same request: what is found again was verified by it.
    pub fn follow(&mut self, earlier: Self) {
        self.certificate = earlier.certificate.or(self.certificate);
        self.token = earlier.token.or(self.token);
    }
}
