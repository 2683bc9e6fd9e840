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
    row("constraints: directory name permitted", Accepted("cryptography", "unsupported directoryName"), "directory names are compared, where they are permitted"),
    row("constraints: other directory name excluded", Accepted("cryptography", "unsupported directoryName"), "directory names are compared, also for what is excluded"),
    row("no keyUsage", Accepted("cryptography", "missing required extension"), "RFC 5280, section 6.1.4 (n) asks for keyCertSign only where keyUsage is present"),
    row("purposes: client, critical", Accepted("cryptography", "incorrect criticality"), "RFC 5280, section 4.2.1.12 leaves it to the issuer"),
    row("serial number negative", Accepted("cryptography", "cannot be negative"), "an issuer's serial number is not used; the leaf's is refused"),
    row("cA false, written out", Accepted("cryptography", "DEFAULT value was explicitly encoded"), "many authorities write it, and it says the same"),
    row("leaf: no authorityKeyIdentifier", Accepted("cryptography", "missing required extension"), "a rule for those who issue"),
    row("leaf: no subjectAltName", Accepted("cryptography", "missing required extension"), "the names of a client are not matched against anything"),
    row("leaf: subjectAltName critical", Accepted("cryptography", "MUST NOT be critical"), "RFC 5280, section 4.2.1.6 says SHOULD"),
    row("wrong authorityKeyIdentifier", Accepted("OpenSSL", "unable to get local issuer"), "key identifiers are hints; the signature decides"),
    row("wrong subjectKeyIdentifier", Accepted("OpenSSL", "unable to get local issuer"), "key identifiers are hints, also the issuer's own"),
    row("a twin of an intermediate by a stranger first", Accepted("OpenSSL", "unable to get local issuer"), "the other path is tried; OpenSSL follows the first issuer that fits"),
    row("a leaf that signed itself, trusted", Refused(""), "no shortcut for a certificate in the truststore that is no authority's"),
    row("leaf trusted", Refused(""), "the same, with the leaf of an authority"),
    row("leaf trusted beside a stranger", Refused(""), "the same, where another anchor is left"),
    row("issuerUniqueID", Refused(""), "webpki does not read it"),
    row("subjectUniqueID", Refused(""), "webpki does not read that either"),
    row("pathLen 256", Refused(""), "a path is never that long"),
    row("policyConstraints, not critical", Refused("certificate_untrusted"), "policies are not evaluated, so nothing that constrains them can be obeyed"),
    row("intermediates twice", Refused("certificate_malformed"), "only where there are then more than `max_intermediates`"),
    row("leaf: RSA of 1024 bits", Refused("certificate_weak"), "the others hold only the keys of issuers to a length"),
    row("leaf: authorityInfoAccess is empty", Refused("certificate_malformed"), "RFC 5280, section 4.2.2.1 wants one description"),
    row("leaf: no purposes", Refused("certificate_wrong_purpose"), "the default of `require_client_auth`"),
];

/// Seen where two things meet, or by chance.
#[rustfmt::skip]
pub(crate) const RARE_PATHS: &[Difference] = &[
    row("constraints: directory name excluded", Accepted("cryptography", "unsupported directoryName"), "the same, where the leaf has no subject"),
    row("leaf: subject is empty, critical subjectAltName", Accepted("cryptography", "MUST NOT be critical"), "the same as `leaf: subjectAltName critical`, with a subject"),
    row("leaf trusted beside the root", Refused(""), "the path is judged, and the leaf counts for nothing"),
    row("an anchor of the same name with another key first", Accepted("OpenSSL", "certificate signature failure"), "every anchor of the name is tried"),
    row("an anchor of the same name with another key", Accepted("OpenSSL", "unable to get local issuer"), "where that key did sign, and only the identifiers differ"),
    row("a self-issued intermediate", Accepted("OpenSSL", "certificate signature failure"), "OpenSSL takes the first of two with one name, where no identifier tells them apart"),
    row("a self-issued intermediate under pathLen", Accepted("OpenSSL", "certificate signature failure"), "the same, with a length"),
    row("a self-issued intermediate", Accepted("OpenSSL", "self-signed certificate in certificate chain"), "without key identifiers, OpenSSL takes it for a root that signed itself"),
    row("a bit flipped", Accepted("OpenSSL", "unable to get local issuer"), "it was in a key identifier"),
    row("a bit flipped, then signed", Accepted("OpenSSL", "unable to get local issuer"), "it was in a key identifier that is signed"),
    row("an octet changed, then signed", Accepted("OpenSSL", "unable to get local issuer"), "it was in a key identifier too"),
    row("a bit flipped, then signed", Accepted("OpenSSL", "unspecified certificate verification error"), "the leaf's key is no point of its curve: nobody can have shown that certificate"),
    row("an octet changed, then signed", Accepted("OpenSSL", "unspecified certificate verification error"), "the leaf's key is no point of its curve here either"),
    row("a bit flipped, then signed", Accepted("OpenSSL", "nested asn1 error"), "a name has a string of a type that OpenSSL does not read; it is compared as octets"),
    row("an octet changed, then signed", Accepted("OpenSSL", "nested asn1 error"), "a name has a string of such a type"),
    row("a bit flipped, then signed", Accepted("cryptography", ""), "what cryptography demands above: another extension is now missing, critical, or not of its form"),
    row("an octet changed, then signed", Accepted("cryptography", ""), "the same for an octet"),
    row("a bit flipped", Accepted("cryptography", ""), "the same in an anchor, whose signature nobody checks"),
    row("a self-issued intermediate under pathLen", Accepted("cryptography", "signature does not match"), "where basicConstraints are not critical besides: cryptography names the last issuer that it tried"),
    row("a bit flipped, then signed", Refused("certificate_malformed"), "an object identifier from 2.40 on is not read; no extension has one"),
    row("an octet changed, then signed", Refused("certificate_malformed"), "an object identifier from 2.40 on is not read here either"),
    row("version 2", Accepted("cryptography", "InvalidVersion"), "where that certificate is shown and no part of the path"),
    row("issuer is empty", Accepted("cryptography", "non-empty Issuer"), "of an intermediate that is an anchor, whose issuer nobody looks for"),
    row("anchor: no extensions", Accepted("cryptography", "missing required extension"), "the same as `no keyUsage`, where basicConstraints are there again"),
    row("anchor: constraints: with a minimum", Refused("certificate_untrusted"), "where the leaf has no name that the others would hold against them"),
    row("a self-issued intermediate", Accepted("cryptography", "signature does not match"), "the same as under pathLen: cryptography names the last issuer that it tried"),
    row("leaf: no extensions", Accepted("cryptography", "missing required extension"), "the same as `leaf: no authorityKeyIdentifier`, where the purposes are there again"),
    row("a bit flipped, then signed", Refused("certificate_wrong_purpose"), "the purposes are an extension of another name now: the same as `leaf: no purposes`"),
    row("an octet changed, then signed", Refused("certificate_wrong_purpose"), "the same for an octet"),
    row("a bit flipped", Refused("no truststore"), "the anchor is not strict DER any more, in a part that the others do not look at"),
    row("an octet changed, then signed", Refused("no truststore"), "the same for an octet"),
    row("outer algorithm is another", Refused("certificate_malformed"), "of a certificate that is an anchor and was sent too: what is sent has to be well formed"),
    row("pathLen negative", Refused("certificate_malformed"), "the same, of an anchor that was sent too"),
    row("an unknown extension twice", Refused("certificate_malformed"), "the same, of an anchor that was sent too"),
    row("intermediate: constraints: with a minimum", Refused("certificate_untrusted"), "the same as of an anchor"),
    row("a bit flipped, then signed", Refused("certificate_untrusted"), "the purposes are policyConstraints now: the same as `policyConstraints, not critical`"),
    row("an octet changed, then signed", Refused("certificate_untrusted"), "the purposes are policyConstraints here too"),
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
