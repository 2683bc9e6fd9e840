//! Each rule broken once, with its code and why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scene::{
    CN, DIRECTORY, ISSUER, OBIE, ORGANIZATION_KEYS, OU, SOFTWARE_KEYS, STRANGER, Scene, certificate, x5c,
};
use crate::{
    certificate::mint::{now, plain},
    token::Use,
};

/// A change, the code of its refusal, and why.
type Row = (fn(&mut Scene), &'static str, &'static str);

const METADATA: &str = "invalid_client_metadata";
const REDIRECT: &str = "invalid_redirect_uri";
const STATEMENT: &str = "invalid_software_statement";
const UNAPPROVED: &str = "unapproved_software_statement";

#[rustfmt::skip]
const FORM: &[Row] = &[
    (|scene| scene.body = Some(b"\xff".to_vec()), METADATA, "the request is not text"),
    (|scene| scene.body = Some(Vec::new()), METADATA, "the request is not one compact JWS"),
    (|scene| scene.body = Some([scene.body(), b"\n".to_vec()].concat()), METADATA, "the request is not one compact JWS"),
    (|scene| scene.body = Some(vec![b'a'; 65537]), "body_too_large", ""),
    (|scene| scene.request = json!([]), METADATA, "the request is not one JSON object with each claim once"),
    (|scene| scene.requests("software_statement", Value::Null), METADATA, "`software_statement` is missing"),
    (|scene| scene.requests("software_statement", json!(5)), STATEMENT, "`software_statement` is not a text"),
    (|scene| scene.raw_statement = Some(json!("a.b")), STATEMENT, "the software statement is not one compact JWS"),
    (|scene| scene.statement = json!(1), STATEMENT, "the software statement is not one JSON object with each claim once"),
];

#[rustfmt::skip]
const STATED: &[Row] = &[
    (|scene| scene.statement_header["alg"] = json!("none"), STATEMENT, "the software statement is signed with an algorithm that is not accepted"),
    (|scene| scene.statement_header["alg"] = json!("ES384"), STATEMENT, "the software statement is signed with an algorithm that is not accepted"),
    (|scene| scene.statement_header["kid"] = json!("software"), STATEMENT, "no key of the directory fits the software statement"),
    (|scene| scene.directory = &STRANGER, STATEMENT, "the software statement's signature is wrong"),
    (|scene| scene.states("iss", Value::Null), STATEMENT, "the software statement has no `iss`"),
    (|scene| scene.states("iss", json!("OpenBanking")), UNAPPROVED, "the software statement comes from another directory"),
    (|scene| scene.states("exp", json!("soon")), STATEMENT, "`exp` of the software statement is not a time"),
    (|scene| scene.states("exp", json!(now().as_secs() - 30)), STATEMENT, "the software statement has expired"),
    (|scene| scene.states("nbf", json!([])), STATEMENT, "`nbf` of the software statement is not a time"),
    (|scene| scene.states("nbf", json!(now().as_secs() + 31)), STATEMENT, "`nbf` of the software statement is in the future"),
    (|scene| scene.states("iat", json!(-1)), STATEMENT, "`iat` of the software statement is not a time"),
    (|scene| scene.states("iat", json!(now().as_secs() + 31)), STATEMENT, "`iat` of the software statement is in the future"),
    (|scene| scene.states("org_status", json!("Withdrawn")), UNAPPROVED, "`org_status` of the software statement is not active"),
    (|scene| scene.states("org_status", json!(1)), STATEMENT, "`org_status` of the software statement is not a text"),
    (|scene| scene.states("software_id", Value::Null), STATEMENT, "the software statement has no `software_id`"),
    (|scene| scene.states("org_id", json!(["org-1"])), STATEMENT, "`org_id` of the software statement is not a text"),
    (|scene| scene.states("software_redirect_uris", json!("https://tpp.example/cb")), STATEMENT, "`software_redirect_uris` of the software statement is not a list of texts"),
    (|scene| scene.states("software_roles", json!([1])), STATEMENT, "`software_roles` of the software statement is not a list of texts"),
    (|scene| scene.states("software_jwks_endpoint", Value::Null), STATEMENT, "the software statement has no `software_jwks_endpoint` that is an address"),
    (|scene| scene.states("software_jwks_endpoint", json!("/software.jwks")), STATEMENT, "the software statement has no `software_jwks_endpoint` that is an address"),
    (|scene| scene.states("software_jwks_endpoint", json!("https://keystore.example/#x")), STATEMENT, "the software statement has no `software_jwks_endpoint` that is an address"),
    (|scene| scene.states("software_jwks_endpoint", json!("https://evil.example/")), UNAPPROVED, "the host of `software_jwks_endpoint` is not among `allowed_jwks_hosts`"),
    (|scene| scene.states("software_jwks_endpoint", json!("https://x.keystore.example/")), UNAPPROVED, "the host of `software_jwks_endpoint` is not among `allowed_jwks_hosts`"),
    (|scene| scene.rules.allowed_hosts.clear(), UNAPPROVED, "the host of `software_jwks_endpoint` is not among `allowed_jwks_hosts`"),
    (|scene| scene.states("software_jwks_endpoint", json!("http://keystore.example/")), STATEMENT, "`software_jwks_endpoint` is not https"),
    (|scene| scene.states("org_jwks_endpoint", json!("org.jwks")), STATEMENT, "`org_jwks_endpoint` of the software statement is not an address"),
    (|scene| scene.states("org_jwks_endpoint", json!("https://169.254.169.254/")), UNAPPROVED, "the host of `org_jwks_endpoint` is not among `allowed_jwks_hosts`"),
    (|scene| scene.states("org_jwks_endpoint", json!("http://keystore.example/")), STATEMENT, "`org_jwks_endpoint` is not https"),
];

#[rustfmt::skip]
const REQUESTED: &[Row] = &[
    (|scene| scene.request_header["alg"] = json!("RS256"), METADATA, "the request is signed with an algorithm that is not accepted"),
    (|scene| scene.request_header["kid"] = json!("directory"), METADATA, "no key of the software fits the request"),
    (|scene| scene.software = &STRANGER, METADATA, "the request's signature is wrong"),
    (|scene| scene.requests("iss", Value::Null), METADATA, "`iss` is missing or not a text"),
    (|scene| scene.requests("iss", json!("client-1")), METADATA, "`iss` is not `software_id` of the software statement"),
    (|scene| scene.requests("aud", Value::Null), METADATA, "`aud` is missing"),
    (|scene| scene.requests("aud", json!(7)), METADATA, "`aud` is not a string or a list of strings"),
    (|scene| scene.requests("aud", json!("https://as.example/")), METADATA, "`aud` does not name this server"),
    (|scene| scene.rules.audiences.clear(), METADATA, "`aud` does not name this server"),
    (|scene| scene.requests("exp", Value::Null), METADATA, "`exp` is missing"),
    (|scene| scene.requests("exp", json!("1")), METADATA, "`exp` is not a time"),
    (|scene| scene.requests("exp", json!(now().as_secs() - 30)), METADATA, "`exp` has passed"),
    (|scene| scene.requests("exp", json!(now().as_secs() + 86_401)), METADATA, "`exp` is more than a day ahead"),
    (|scene| scene.requests("iat", Value::Null), METADATA, "`iat` is missing"),
    (|scene| scene.requests("iat", json!({})), METADATA, "`iat` is not a time"),
    (|scene| scene.requests("iat", json!(now().as_secs() + 31)), METADATA, "`iat` is in the future"),
    (|scene| scene.requests("nbf", json!(true)), METADATA, "`nbf` is not a time"),
    (|scene| scene.requests("nbf", json!(now().as_secs() + 31)), METADATA, "`nbf` is in the future"),
    (|scene| scene.requests("jti", Value::Null), METADATA, "`jti` is missing or not a text"),
    (|scene| scene.requests("jti", json!("")), METADATA, "`jti` is missing or not a text"),
    (|scene| scene.used = Some(Use::Again), METADATA, "`jti` was used before"),
];

#[rustfmt::skip]
const DESCRIBED: &[Row] = &[
    (|scene| scene.requests("software_id", json!(1)), METADATA, "`software_id` is not a text"),
    (|scene| scene.requests("software_id", json!("software-2")), METADATA, "`software_id` is not the software statement's"),
    (|scene| scene.requests("application_type", Value::Null), METADATA, "`application_type` is missing or not a text"),
    (|scene| scene.requests("application_type", json!("native")), METADATA, "`application_type` is not web"),
    (|scene| scene.requests("grant_types", Value::Null), METADATA, "`grant_types` is missing or not a list of texts"),
    (|scene| scene.requests("grant_types", json!([])), METADATA, "`grant_types` is missing or not a list of texts"),
    (|scene| scene.requests("grant_types", json!(["client_credentials", "implicit"])), METADATA, "`grant_types` has one that is not allowed"),
    (|scene| scene.requests("scope", Value::Null), METADATA, "`scope` is missing or not a text"),
    (|scene| scene.requests("scope", json!("accounts admin")), METADATA, "`scope` has one that is not allowed"),
    (|scene| scene.requests("scope", json!("accounts  payments")), METADATA, "`scope` has one that is not allowed"),
    (|scene| scene.requests("redirect_uris", Value::Null), METADATA, "`redirect_uris` is missing or not a list of texts"),
    (|scene| scene.requests("redirect_uris", json!("https://tpp.example/cb")), METADATA, "`redirect_uris` is missing or not a list of texts"),
    (|scene| redirects(scene, "com.tpp.app:/cb"), REDIRECT, "`redirect_uris` has one that is not an absolute address"),
    (|scene| redirects(scene, "http://tpp.example/cb"), REDIRECT, "`redirect_uris` has one that is not https"),
    (|scene| redirects(scene, "https://localhost/cb"), REDIRECT, "`redirect_uris` has one on the client's own machine"),
    (|scene| redirects(scene, "https://127.0.0.1/cb"), REDIRECT, "`redirect_uris` has one on the client's own machine"),
    (|scene| redirects(scene, "https://tpp.example/cb#part"), REDIRECT, "`redirect_uris` has one with a fragment"),
    (|scene| redirects(scene, "https://tpp.example/cb2"), REDIRECT, "`redirect_uris` has one that is not in the software statement"),
    (|scene| scene.states("software_redirect_uris", Value::Null), REDIRECT, "`redirect_uris` has one that is not in the software statement"),
    (|scene| scene.requests("client_uri", json!(1)), METADATA, "`client_uri` is neither on a redirection's host nor the software statement's"),
    (|scene| scene.requests("logo_uri", json!("https://cdn.example/other.png")), METADATA, "`logo_uri` is neither on a redirection's host nor the software statement's"),
    (|scene| scene.requests("policy_uri", json!("https://x.tpp.example/")), METADATA, "`policy_uri` is neither on a redirection's host nor the software statement's"),
    (|scene| scene.requests("tos_uri", json!("/tos")), METADATA, "`tos_uri` is neither on a redirection's host nor the software statement's"),
    (|scene| scene.requests("token_endpoint_auth_method", Value::Null), METADATA, "`token_endpoint_auth_method` is missing or not a text"),
    (|scene| scene.requests("token_endpoint_auth_method", json!("client_secret_basic")), METADATA, "`token_endpoint_auth_method` is not allowed"),
    (|scene| scene.requests("token_endpoint_auth_signing_alg", Value::Null), METADATA, "`token_endpoint_auth_signing_alg` is missing or not a text, and private_key_jwt demands it"),
    (|scene| scene.requests("token_endpoint_auth_method", json!("tls_client_auth")), METADATA, "`tls_client_auth_subject_dn` is missing or not a text, and tls_client_auth demands it"),
    (|scene| scene.requests("id_token_signed_response_alg", Value::Null), METADATA, "`id_token_signed_response_alg` is missing or not allowed"),
    (|scene| scene.requests("id_token_signed_response_alg", json!("RS256")), METADATA, "`id_token_signed_response_alg` is missing or not allowed"),
    (|scene| scene.requests("request_object_signing_alg", Value::Null), METADATA, "`request_object_signing_alg` is missing or not allowed"),
    (|scene| scene.requests("request_object_signing_alg", json!("none")), METADATA, "`request_object_signing_alg` is missing or not allowed"),
    (|scene| scene.requests("token_endpoint_auth_signing_alg", json!("HS256")), METADATA, "`token_endpoint_auth_signing_alg` is not allowed"),
    (|scene| scene.requests("userinfo_signed_response_alg", json!("none")), METADATA, "`userinfo_signed_response_alg` is not allowed"),
    (|scene| scene.requests("authorization_signed_response_alg", json!("RS256")), METADATA, "`authorization_signed_response_alg` is not allowed"),
    (|scene| scene.requests("introspection_signed_response_alg", json!(1)), METADATA, "`introspection_signed_response_alg` is not allowed"),
    (|scene| scene.requests("backchannel_authentication_request_signing_alg", json!("RS256")), METADATA, "`backchannel_authentication_request_signing_alg` is not allowed"),
];

#[rustfmt::skip]
const CERTIFIED: &[Row] = &[
    (|scene| scene.certificate = None, "certificate_missing", ""),
    (|scene| scene.states("org_id", Value::Null), METADATA, "the software statement has no `org_id` to compare OU of the certificate with"),
    (|scene| shows(scene, &[(OU, "org-1")]), METADATA, "the certificate's subject has not one CN"),
    (|scene| shows(scene, &[(OU, "org-1"), (CN, "software-1"), (CN, "software-1")]), METADATA, "the certificate's subject has not one CN"),
    (|scene| shows(scene, &[(CN, "software-1")]), METADATA, "the certificate's subject has not one OU"),
    (|scene| shows(scene, &[(OU, "org-1"), (CN, "software-2")]), METADATA, "CN of the certificate is not `software_id` of the software statement"),
    (|scene| shows(scene, &[(OU, "org-2"), (CN, "software-1")]), METADATA, "OU of the certificate is not `org_id` of the software statement"),
    (|scene| { scene.identifies("x"); shows(scene, OBIE); }, METADATA, "the certificate's subject has no organizationIdentifier"),
    (|scene| { scene.identifies("x"); scene.certificate = None; }, "certificate_missing", ""),
    (|scene| scene.identifies("PSDGB-FCA-1234567"), METADATA, "organizationIdentifier of the certificate is no registration in the software statement"),
    (|scene| { scene.publishes(x5c(&ISSUER.client(plain))); }, METADATA, "neither the certificate nor an authority above it is in the key set of the organisation"),
    (|scene| { scene.publishes(json!({})); scene.knows(ORGANIZATION_KEYS, None); }, "keys_unavailable", ""),
    (|scene| { scene.publishes(json!({})); scene.knows(ORGANIZATION_KEYS, Some("[]")); }, "keys_unavailable", ""),
    (|scene| { scene.publishes(json!({})); scene.certificate = None; scene.rules.subject = super::SubjectRule::Off; }, "certificate_missing", ""),
    (|scene| scene.requests("scope", json!("fundsconfirmations")), METADATA, "`scope` has one that `software_roles` of the software statement does not give"),
    (|scene| scene.states("software_roles", json!(["AISP"])), METADATA, "`scope` has one that `software_roles` of the software statement does not give"),
    (|scene| scene.states("software_roles", Value::Null), METADATA, "`scope` has one that `software_roles` of the software statement does not give"),
    (|scene| scene.certificate = Some(certificate(OBIE, Some(&[(3, "PSP_AI")]))), METADATA, "`software_roles` of the software statement has one that the certificate does not"),
    (|scene| { scene.certificate = Some(certificate(OBIE, Some(&[(2, "PSP_PI"), (3, "PSP_AI")]))); scene.states("software_roles", json!(["AISP", "PISP", "GOD"])); }, METADATA, "`software_roles` of the software statement has one that the certificate does not"),
    (|scene| scene.certificate = Some(certificate(OBIE, Some(&[]))), "certificate_not_qualified", ""),
];

#[rustfmt::skip]
const KEYS: &[Row] = &[
    (|scene| { scene.documents.insert(super::KeysAt::Directory, None); }, "keys_unavailable", ""),
    (|scene| { scene.documents.insert(super::KeysAt::Directory, Some(br#"{"keys":[]}"#.to_vec())); }, "keys_unavailable", ""),
    (|scene| scene.knows(SOFTWARE_KEYS, None), "keys_unavailable", ""),
    (|scene| scene.knows(SOFTWARE_KEYS, Some("<html>")), "keys_unavailable", ""),
    (|scene| scene.knows(SOFTWARE_KEYS, Some(&json!({"keys": [DIRECTORY.jwk()]}).to_string())), METADATA, "no key of the software fits the request"),
];

fn redirects(scene: &mut Scene, second: &str) {
    scene.requests("redirect_uris", json!(["https://tpp.example/cb", second]));
}

fn shows(scene: &mut Scene, subject: &[(&[u64], &str)]) {
    scene.certificate = Some(certificate(subject, None));
}

#[test]
fn every_rule_that_is_broken_has_its_refusal_and_spends_nothing() {
    let (mut reasons, mut wrong) = (BTreeSet::new(), Vec::new());
    for (change, code, why) in [FORM, STATED, REQUESTED, DESCRIBED, CERTIFIED, KEYS].concat() {
        let mut scene = Scene::new();
        change(&mut scene);
        let (verdict, uses) = (scene.verdict(), scene.uses.borrow().len());
        if verdict != (code, why) || uses != usize::from(why.contains("used before")) {
            wrong.push(format!("{code}, {why:?}: {verdict:?} and {uses} uses"));
        }
        reasons.insert((code, why));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(reasons.len() > 80, "{}", reasons.len());
}
