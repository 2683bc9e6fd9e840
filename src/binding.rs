//! The token belongs to whoever presents it: to the certificate (RFC 8705, section 3), to the key (RFC 9449, section 6), or
//! to both.

use crate::{
    certificate::ClientCertificate,
    denial::Denial,
    thumbprint::Thumbprint,
    token::{AccessToken, Proof, ProofRules, claims::KeyConfirmation},
};

/// Which confirmations count as a binding.
#[derive(Clone, Debug)]
pub struct BindingRules {
    /// `cnf["x5t#S256"]`. A token that has it is held to it in any case.
    pub certificate: bool,
    /// `cnf.jkt`; none: it is not looked at.
    pub proof: Option<ProofRules>,
}

/// Proof that the token is bound to the very certificate that the client showed, to the very key that it proved to hold, or
/// to both where the token names both.
///
/// Only [`BindingRules::prove`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Binding(());

impl BindingRules {
    /// The key that the token is bound to; none where proofs are not looked at.
    ///
    /// # Errors
    /// `token_malformed` for a `jkt` that is no thumbprint.
    pub fn key(&self, token: &AccessToken) -> Result<Option<(&ProofRules, Thumbprint)>, Denial> {
        let Some(rules) = &self.proof else { return Ok(None) };
        match token.key_confirmation() {
            KeyConfirmation::Absent => Ok(None),
            KeyConfirmation::Malformed => {
                Err(Denial::TokenMalformed { why: "`jkt` is not 43 characters of base64url" })
            }
            KeyConfirmation::Key(key) => Ok(Some((rules, key))),
        }
    }

    /// Compares each confirmation of the token with what the client showed, 32 bytes in constant time.
    ///
    /// None: the token has no confirmation that counts as a binding.
    ///
    /// # Errors
    /// `binding_mismatch` for another certificate; `certificate_missing`, `proof_missing`, `proof_invalid` where what is
    /// confirmed was not shown.
    pub fn prove(
        &self,
        token: &AccessToken,
        certificate: Option<&ClientCertificate>,
        proof: Option<&Proof>,
    ) -> Result<Option<Binding>, Denial> {
        for thumbprint in token.confirmations() {
            let presented =
                certificate.ok_or(Denial::CertificateMissing { why: "the token is bound to one" })?.thumbprint();
            if !presented.matches(thumbprint) {
                return Err(Denial::BindingMismatch { presented: *presented, confirmed: *thumbprint });
            }
        }
        let key = self.key(token)?;
        if let Some((_, key)) = &key {
            let proven = proof.ok_or(Denial::ProofMissing)?;
            if !proven.key().matches(key) {
                let why = "the token is bound to another key";
                return Err(Denial::ProofInvalid { why, nonce: None });
            }
        }
        let is_bound =
            (self.certificate && token.is_bound_to_certificate()) || (key.is_some() && token.is_bound_to_key());
        Ok(is_bound.then_some(Binding(())))
    }
}
