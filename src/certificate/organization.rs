//! `organizationIdentifier` (X.520): where an organisation is registered, and under which number
//! (ETSI EN 319 412-1, section 5.1.4; ETSI TS 119 495, section 5.2.1).

use std::fmt;

/// What an `organizationIdentifier` means by its grammar. Nobody is asked whether such a registration exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Organization<'a> {
    /// `PSDDE-BAFIN-104114`: a payment service provider, registered by a national competent authority.
    PaymentServiceProvider {
        /// ISO 3166-1, or `EU`.
        country: &'a str,
        /// Its abbreviation.
        authority: &'a str,
        /// Its number there, which may hold hyphens.
        id: &'a str,
    },
    /// `PSDGB-OB-…`: the directory of Open Banking (UK), which stands where an authority should.
    OpenBankingDirectory {
        /// Its number there.
        id: &'a str,
    },
    /// `OFBBR-…`: the directory of Open Finance Brasil.
    OpenFinanceBrasil {
        /// Its number there, a UUID.
        id: &'a str,
    },
    /// `VATGR-099028220`: a number for value added tax.
    ValueAddedTax {
        /// Of the tax office.
        country: &'a str,
        /// The number.
        id: &'a str,
    },
    /// `NTRDE-HRB74346`: a national trade register.
    TradeRegister {
        /// Of the register.
        country: &'a str,
        /// Its number there.
        id: &'a str,
    },
    /// `LEIXG-…`: a legal entity identifier (ISO 17442).
    LegalEntity {
        /// Twenty letters and digits. Its check digits are not looked at.
        id: &'a str,
    },
    /// `XX:DE-…`: a scheme that a country has made for itself.
    National {
        /// Two letters.
        scheme: &'a str,
        /// Whose scheme.
        country: &'a str,
        /// The number.
        id: &'a str,
    },
}

impl<'a> Organization<'a> {
    /// Reads it; none for anything that is not of one of these forms, which directories issue, too.
    pub fn read(text: &'a str) -> Option<Self> {
        let (head, id) = text.split_once('-').filter(|(_, id)| is_id(id))?;
        let (scheme, country) = head.split_at_checked(3).filter(|(_, country)| is_country(country))?;
        match (scheme, country) {
            ("PSD", _) => payment_service_provider(country, id),
            ("VAT", _) => Some(Self::ValueAddedTax { country, id }),
            ("NTR", _) => Some(Self::TradeRegister { country, id }),
            ("LEI", "XG") => is_lei(id).then_some(Self::LegalEntity { id }),
            ("OFB", "BR") => Some(Self::OpenFinanceBrasil { id }),
            _ => {
                let scheme = scheme.strip_suffix(':').filter(|scheme| is_country(scheme))?;
                Some(Self::National { scheme, country, id })
            }
        }
    }
}

impl fmt::Display for Organization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PaymentServiceProvider { country, authority, id } => {
                write!(f, "payment service provider {id}, registered by {country}-{authority}")
            }
            Self::OpenBankingDirectory { id } => {
                write!(f, "participant {id} of the directory of Open Banking (UK), not an authority's number")
            }
            Self::OpenFinanceBrasil { id } => write!(f, "participant {id} of the directory of Open Finance Brasil"),
            Self::ValueAddedTax { country, id } => write!(f, "VAT number {id} of {country}"),
            Self::TradeRegister { country, id } => write!(f, "number {id} of the trade register of {country}"),
            Self::LegalEntity { id } => write!(f, "legal entity identifier {id}"),
            Self::National { scheme, country, id } => write!(f, "number {id} of the scheme {scheme} of {country}"),
        }
    }
}

/// Split at the first two hyphens only: the number may hold more.
fn payment_service_provider<'a>(country: &'a str, rest: &'a str) -> Option<Organization<'a>> {
    let (authority, id) = rest.split_once('-').filter(|(_, id)| is_id(id))?;
    match (country, authority) {
        _ if !is_authority(country, authority) => None,
        ("GB", "OB") => Some(Organization::OpenBankingDirectory { id }),
        _ => Some(Organization::PaymentServiceProvider { country, authority, id }),
    }
}

/// Whether this may be a country and the abbreviation of an authority in it (TS 119 495, GEN-5.2.3-2).
pub(super) fn is_authority(country: &str, abbreviation: &str) -> bool {
    let is_short = (2..=8).contains(&abbreviation.len());
    is_country(country) && is_short && abbreviation.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fn is_lei(text: &str) -> bool {
    text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Organization::read(text).map(|read| read.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn every_form_of_the_standards_is_read() {
        check("PSDDE-BAFIN-104114", Some("payment service provider 104114, registered by DE-BAFIN"));
        check("PSDCZ-CNB-63492555", Some("payment service provider 63492555, registered by CZ-CNB"));
        check("PSDEU-NCA-1DF-D21", Some("payment service provider 1DF-D21, registered by EU-NCA"));
        check("VATGR-099028220", Some("VAT number 099028220 of GR"));
        check("NTRDE-HRB74346", Some("number HRB74346 of the trade register of DE"));
        check("LEIXG-529900T8BM49AURSDO55", Some("legal entity identifier 529900T8BM49AURSDO55"));
        check("EI:SE-5567971433", Some("number 5567971433 of the scheme EI of SE"));
    }

    #[test]
    fn forms_of_directories_are_told_from_an_authoritys() {
        check(
            "PSDGB-OB-Unknown0015800001HQQrZAAX",
            Some(
                "participant Unknown0015800001HQQrZAAX of the directory of Open Banking (UK), not an authority's number",
            ),
        );
        check("PSDGB-FCA-123456", Some("payment service provider 123456, registered by GB-FCA"));
        check("OFBBR-74e929d9", Some("participant 74e929d9 of the directory of Open Finance Brasil"));
    }

    #[test]
    fn anything_else_has_no_reading() {
        for text in [
            "",
            "-",
            "12345987",
            "PSDDE",
            "PSDDE-",
            "PSDDE-BAFIN",
            "PSDDE-BAFIN-",
            "PSDDE--104114",
            "PSDDE-B-104114",
            "PSDDE-BAFINBAFI-104114",
            "PSDDE-BaFin-104114",
            "psdde-BAFIN-104114",
            "PSDD-BAFIN-104114",
            "PSDDEU-BAFIN-104114",
            "PSDDE-BAFIN-1\n2",
            "LEIXG-529900T8BM49AURSDO5",
            "LEIDE-529900T8BM49AURSDO55",
            "OFBPT-74e929d9",
            "XYZDE-1",
            "€-1",
            "VA€-1",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn real_identifiers_have_a_reading() {
        let vectors = include_str!("../../tests/vectors/psd2/expected.json");
        let vectors: serde_json::Map<String, serde_json::Value> = serde_json::from_str(vectors).unwrap();
        let identifiers: Vec<_> =
            vectors.values().filter_map(|vector| vector["organizationIdentifier"].as_str()).collect();
        assert_eq!(identifiers.len(), 12);
        for identifier in identifiers {
            assert!(Organization::read(identifier).is_some(), "{identifier}");
        }
    }
}
