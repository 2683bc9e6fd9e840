//! What is read beside the settings, for those who keep it alone.

use crate::{
    certificate::revocation::crl::UnverifiedCrl,
    config::{
        fingerprint::Fingerprint,
        settings::{ConsentService, Uses},
    },
};

/// What is large or secret: nothing else in this process has it.
pub struct Supplies {
    /// What the files of `[revocation]` held.
    pub crls: Crls,
    /// How it is remembered that a proof or a registration was used.
    pub uses: Uses,
    /// The consent service.
    pub consent: Option<ConsentService>,
}

/// What the files and folders of CRLs held when they were read.
pub struct Crls {
    /// Nobody's signature was looked at.
    pub lists: Vec<UnverifiedCrl>,
    /// What the files looked like before they were read.
    pub looks: Fingerprint,
}
