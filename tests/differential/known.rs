//! Every disagreement with its reason; `docs/path-validation.md` and `docs/token-validation.md` tell the same.

use crate::difference::{
    Difference,
    Kind::{self, Accepted, Refused},
};

const fn row(fault: &'static str, kind: Kind, reason: &'static str) -> Difference {
    Difference { fault, kind, reason }
}

#[rustfmt::skip]
pub(crate) const PATHS: &[Difference] = &[
    row("Ed25519", Accepted("cryptography", "Forbidden public key algorithm"), "RFC 8410 keys are accepted; the CA/Browser Forum forbids them"),
    row("anchor: GeneralizedTime before 2050", Accepted("cryptography", "must be UtcTime"), "the date is read, whichever of the two types it has"),
    row("basicConstraints not critical", Accepted("cryptography", "incorrect criticality"), "what it says is obeyed either way"),
    row("anchor: certificatePolicies, critical", Accepted("cryptography", "unaccounted-for critical"), "the operator put this anchor there, and its policies ask nothing of a path"),
    row("constraints: directory name permitted", Accepted("cryptography", "unsupported directoryName"), "directory names are compared"),
    row("constraints: other directory name excluded", Accepted("cryptography", "unsupported directoryName"), "directory names are compared, also for what is excluded"),
    row("no keyUsage", Accepted("cryptography", "missing required extension"), "RFC 5280, section 6.1.4 (n) asks for keyCertSign only where keyUsage is present"),
    row("purposes: client, critical", Accepted("cryptography", "incorrect criticality"), "RFC 5280, section 4.2.1.12 leaves it to the issuer"),
    row("serial number negative", Accepted("cryptography", "cannot be negative"), "an issuer's serial number is not used; the leaf's is refused"),
    row("cA false, written out", Accepted("cryptography", "DEFAULT value was explicitly encoded"), "many authorities write it, and it says the same"),
    row("leaf: no authorityKeyIdentifier", Accepted("cryptography", "missing required extension"), "a rule for those who issue"),
    row("leaf: no subjectAltName", Accepted("cryptography", "missing required extension"), "the names of a client are not matched against anything"),
    row("leaf: subjectAltName critical", Accepted("cryptography", "MUST NOT be critical"), "RFC 5280, section 4.2.1.6 says SHOULD"),
    row("leaf: subject is not UTF-8", Accepted("OpenSSL", "nested asn1 error"), "names are compared as octets and written with escapes"),
    row("wrong authorityKeyIdentifier", Accepted("OpenSSL", "unable to get local issuer"), "key identifiers are hints; the signature decides"),
    row("wrong subjectKeyIdentifier", Accepted("OpenSSL", "unable to get local issuer"), "key identifiers are hints, also the issuer's own"),
    row("a twin of an intermediate by a stranger first", Accepted("OpenSSL", "unable to get local issuer"), "the other path is tried; OpenSSL follows the first issuer that fits"),
    row("a leaf that signed itself, trusted", Refused("no truststore"), "no shortcut for a certificate in the truststore that is no authority's"),
    row("leaf trusted", Refused("no truststore"), "the same, with the leaf of an authority"),
    row("leaf trusted beside a stranger", Refused("certificate_untrusted"), "the same, where another anchor is left"),
    row("anchor: issuerUniqueID", Refused("no truststore"), "webpki does not read it"),
    row("anchor: subjectUniqueID", Refused("no truststore"), "webpki does not read that either"),
    row("intermediate: issuerUniqueID", Refused("certificate_untrusted"), "webpki does not read it in an intermediate"),
    row("intermediate: subjectUniqueID", Refused("certificate_untrusted"), "webpki does not read that in an intermediate either"),
    row("leaf: issuerUniqueID", Refused("certificate_malformed"), "webpki does not read it in a leaf"),
    row("leaf: subjectUniqueID", Refused("certificate_malformed"), "webpki does not read that in a leaf either"),
    row("anchor: pathLen 256", Refused("no truststore"), "a path is never that long"),
    row("intermediate: pathLen 256", Refused("certificate_malformed"), "a path below an intermediate is never that long"),
    row("policyConstraints, not critical", Refused("certificate_untrusted"), "policies are not evaluated, so nothing that constrains them can be obeyed"),
    row("intermediates twice", Refused("certificate_malformed"), "only where there are then more than `max_intermediates`"),
    row("leaf: RSA of 1024 bits", Refused("certificate_weak"), "the others hold only the keys of issuers to a length"),
    row("leaf: authorityInfoAccess is empty", Refused("certificate_malformed"), "RFC 5280, section 4.2.2.1 wants one description"),
    row("leaf: no purposes", Refused("certificate_wrong_purpose"), "the default of `require_client_auth`"),
];

#[rustfmt::skip]
pub(crate) const TOKENS: &[Difference] = &[
    row("alg twice, the right one last", Refused("token_malformed"), "a name that stands there twice says nothing; the others take the last"),
    row("iss twice", Refused("token_malformed"), "a name twice, though with one value"),
    row("iss twice, under an escaped name", Refused("token_malformed"), "a name twice, in two spellings"),
    row("aud twice", Refused("token_malformed"), "a name twice: which audience counts?"),
    row("exp twice", Refused("token_malformed"), "a name twice: which end counts?"),
    row("cnf twice", Refused("token_malformed"), "a name twice: which certificate counts?"),
    row("an unknown claim twice", Refused("token_malformed"), "a name twice, whichever it is (RFC 7519, section 4)"),
    row("b64 true, critical", Refused("token_malformed"), "no extension is known here, not even one that changes nothing"),
    row("b64 true, not critical", Refused("token_malformed"), "RFC 7797, section 6 demands that it is critical"),
    row("cnf is text", Refused("token_malformed"), "certbound is held to `cnf`, so it has to be one; the others do not look at it"),
    row("cnf with a thumbprint in hex", Refused("token_malformed"), "exactly 43 characters of base64url are a thumbprint"),
    row("exp in milliseconds", Refused("token_malformed"), "it would never end"),
    row("exp beyond 64 bits", Refused("token_malformed"), "no time after the year 9999 is one"),
    row("exp of a thousand digits", Refused("token_malformed"), "it is beyond every number that is read"),
    row("nbf negative", Refused("token_malformed"), "no token is from before 1970"),
    row("scope is a number", Refused("token_malformed"), "the policy compares it; the others do not look at it"),
    row("half a surrogate pair", Refused("token_malformed"), "it is no text (RFC 8259, section 8.2)"),
    row("payload with a byte order mark", Refused("token_malformed"), "RFC 8259, section 8.1 forbids it"),
    row("padding behind the signature", Refused("token_malformed"), "base64url of a JWS has no padding (RFC 7515, section 2), so one token has one spelling"),
    row("no typ", Refused("token_type_wrong"), "`token.types`; the others are not told which types there are"),
    row("typ is a number", Refused("token_malformed"), "a type is text"),
    row("typ of an ID token's logout", Refused("token_type_wrong"), "a token for another purpose is none for this"),
];
