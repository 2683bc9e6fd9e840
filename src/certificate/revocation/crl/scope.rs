//! What the issuing distribution point narrows a CRL to (RFC 5280, section 5.2.5).

use x509_cert::ext::pkix::{crl::dp::IssuingDistributionPoint, name::DistributionPointName};

use crate::certificate::revocation::{Issued, NoAnswer, issued::address};

/// Which certificates are on a CRL.
#[derive(Default)]
pub(super) struct Scope {
    only_users: bool,
    only_authorities: bool,
    /// Addresses of the distribution point; empty: any.
    addresses: Vec<String>,
}

impl Scope {
    /// # Errors
    /// A CRL that is indirect, or for some reasons or attribute certificates only; a distribution point that cannot be compared.
    pub(super) fn of(point: &IssuingDistributionPoint) -> Result<Self, NoAnswer> {
        if point.indirect_crl {
            return Err("an indirect CRL");
        }
        if point.only_some_reasons.is_some() {
            return Err("a CRL for some reasons only");
        }
        if point.only_contains_attribute_certs {
            return Err("a CRL of attribute certificates");
        }
        let addresses = match &point.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => names.iter().filter_map(address).collect(),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
                return Err("a CRL whose distribution point is named relative to its issuer");
            }
        };
        if addresses.len() > MAX_ADDRESSES {
            return Err("a CRL whose distribution point has too many addresses");
        }
        if point.distribution_point.is_some() && addresses.is_empty() {
            return Err("a CRL whose distribution point has no address");
        }
        Ok(Self {
            only_users: point.only_contains_user_certs,
            only_authorities: point.only_contains_ca_certs,
            addresses,
        })
    }

    /// # Errors
    /// The certificate is of the other kind, or of another distribution point.
    pub(super) fn hold(&self, about: &Issued) -> Result<(), NoAnswer> {
        if (self.only_users && about.is_authority) || (self.only_authorities && !about.is_authority) {
            return Err("the CRL is for the other kind of certificate");
        }
        let shared = || self.addresses.iter().any(|address| about.distribution_points.contains(address));
        if !self.addresses.is_empty() && !shared() {
            return Err("the CRL is of another distribution point");
        }
        Ok(())
    }
}

/// Of a distribution point.
const MAX_ADDRESSES: usize = 64;
