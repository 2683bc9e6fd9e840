//! Certificate and token belong together (RFC 8705, section 3).

use crate::{certificate::ClientCertificate, denial::Denial, token::AccessToken};

/// Proof that the token is bound to the very certificate that the client showed.
///
/// Only [`Binding::prove`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Binding(());

impl Binding {
    /// Compares `cnf["x5t#S256"]` with the certificate, 32 bytes in constant time.
    ///
    /// # Errors
    /// `binding_missing` for a token without `cnf["x5t#S256"]`; `binding_mismatch` for another certificate.
    pub fn prove(certificate: &ClientCertificate, token: &AccessToken) -> Result<Self, Denial> {
        let confirmed = token.claims().confirmation().ok_or(Denial::BindingMissing)?;
        let presented = certificate.thumbprint();
        if !presented.matches(confirmed) {
            return Err(Denial::BindingMismatch { presented: *presented, confirmed: *confirmed });
        }
        Ok(Self(()))
    }
}
