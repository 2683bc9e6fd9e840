//! A registration that holds, to be changed in one place.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, DistinguishedName, DnType};
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::{
    certificate::{
        Certificates, ClientCertificate, ForwardedCert, PathRules,
        mint::{Authority, now, plain, tagged, trusting, with},
    },
    denial::Denial,
    registration::{KeysAt, Registration, RegistrationKnowledge, RegistrationRules, RegistrationStop, SubjectRule},
    token::{Algorithm, SingleUse, Use, mint::Mint},
};

pub(super) const SOFTWARE_KEYS: &str = "https://keystore.example/org/software.jwks";
pub(super) const ORGANIZATION_KEYS: &str = "https://keystore.example/org/org.jwks";

pub(super) static DIRECTORY: LazyLock<Mint> = LazyLock::new(|| Mint::new(Algorithm::ES256, "directory"));
pub(super) static SOFTWARE: LazyLock<Mint> = LazyLock::new(|| Mint::new(Algorithm::ES256, "software"));
pub(super) static STRANGER: LazyLock<Mint> = LazyLock::new(|| Mint::new(Algorithm::ES256, "software"));
pub(super) static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::root("Root", plain));
pub(super) static ISSUER: LazyLock<Authority> = LazyLock::new(|| ROOT.intermediate("Issuer", plain));
static CERTIFICATE: LazyLock<ClientCertificate> = LazyLock::new(|| certificate(OBIE, None));

/// The subject that the rule `obie` asks for.
pub(super) const OBIE: &[(&[u64], &str)] = &[(OU, "org-1"), (CN, "software-1")];
pub(super) const CN: &[u64] = &[2, 5, 4, 3];
pub(super) const OU: &[u64] = &[2, 5, 4, 11];
pub(super) const ORGANIZATION_IDENTIFIER: &[u64] = &[2, 5, 4, 97];

/// Everything that the verdict depends on.
pub(super) struct Scene {
    pub(super) rules: RegistrationRules,
    pub(super) statement: Value,
    pub(super) statement_header: Value,
    pub(super) directory: &'static Mint,
    pub(super) request: Value,
    pub(super) request_header: Value,
    pub(super) software: &'static Mint,
    /// In place of the body that these make.
    pub(super) body: Option<Vec<u8>>,
    /// In place of the statement that these make.
    pub(super) raw_statement: Option<Value>,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) documents: HashMap<KeysAt, Option<Vec<u8>>>,
    /// Whether every document was asked for anew.
    pub(super) anew: bool,
    pub(super) used: Option<Use>,
    /// What was asked for, in order.
    pub(super) asked: RefCell<Vec<KeysAt>>,
    pub(super) uses: RefCell<Vec<SingleUse>>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let header = |mint| json!({"alg": "ES256", "kid": mint, "typ": "JWT"});
        let set = |mint: &Mint| Some(json!({"keys": [mint.jwk()]}).to_string().into_bytes());
        let documents = [(KeysAt::Directory, set(&DIRECTORY)), (KeysAt::Named(SOFTWARE_KEYS.into()), set(&SOFTWARE))];
        Self {
            rules: rules(),
            statement: statement(),
            statement_header: header("directory"),
            directory: &DIRECTORY,
            request: request(),
            request_header: header("software"),
            software: &SOFTWARE,
            body: None,
            raw_statement: None,
            certificate: Some(CERTIFICATE.clone()),
            documents: documents.into(),
            anew: true,
            used: Some(Use::First),
            asked: RefCell::default(),
            uses: RefCell::default(),
        }
    }

    /// A claim of the statement; `null` takes it away.
    pub(super) fn states(&mut self, name: &str, value: Value) {
        change(&mut self.statement, name, value);
    }

    /// A claim of the request; `null` takes it away.
    pub(super) fn requests(&mut self, name: &str, value: Value) {
        change(&mut self.request, name, value);
    }

    /// The statement names the organisation's key set, and this is in it.
    pub(super) fn publishes(&mut self, jwk: Value) {
        self.states("org_jwks_endpoint", json!(ORGANIZATION_KEYS));
        self.knows(ORGANIZATION_KEYS, Some(&json!({"keys": [SOFTWARE.jwk(), jwk]}).to_string()));
    }

    pub(super) fn knows(&mut self, address: &str, document: Option<&str>) {
        self.documents.insert(KeysAt::Named(address.into()), document.map(|text| text.as_bytes().to_vec()));
    }

    /// The certificate has this organizationIdentifier, and that is what counts.
    pub(super) fn identifies(&mut self, identifier: &str) {
        self.rules.subject = SubjectRule::OrganizationIdentifier;
        self.certificate = Some(certificate(&[(ORGANIZATION_IDENTIFIER, identifier)], None));
    }

    pub(super) fn body(&self) -> Vec<u8> {
        if let Some(body) = &self.body {
            return body.clone();
        }
        let statement = self.directory.sign(&self.statement_header.to_string(), &self.statement.to_string());
        let mut request = self.request.clone();
        if request.get("software_statement") == Some(&json!("")) {
            request["software_statement"] = self.raw_statement.clone().unwrap_or(json!(statement));
        }
        self.software.sign(&self.request_header.to_string(), &request.to_string()).into_bytes()
    }

    pub(super) fn verify(&self) -> Result<Registration, RegistrationStop> {
        self.rules.verify(&self.body(), self.certificate.as_ref(), self, now())
    }

    /// The code of the refusal and why; `ok` for none, `a question` where something has to be known.
    pub(super) fn verdict(&self) -> (&'static str, &'static str) {
        match self.verify() {
            Ok(_) => ("ok", ""),
            Err(RegistrationStop::Deny(Denial::RegistrationInvalid { error, why })) => (error.code(), why),
            Err(RegistrationStop::Deny(denial)) => (denial.code(), ""),
            Err(RegistrationStop::Keys(_) | RegistrationStop::NewerKeys(_) | RegistrationStop::Use(_)) => {
                ("a question", "")
            }
        }
    }
}

impl RegistrationKnowledge for Scene {
    fn keys(&self, at: &KeysAt) -> Option<Option<Arc<[u8]>>> {
        self.asked.borrow_mut().push(at.clone());
        self.documents.get(at).map(|document| document.as_deref().map(Arc::from))
    }

    fn asked_anew(&self, _: &KeysAt) -> bool {
        self.anew
    }

    fn used(&self, what: &SingleUse) -> Option<Use> {
        self.uses.borrow_mut().push(*what);
        self.used
    }
}

pub(super) fn rules() -> RegistrationRules {
    RegistrationRules {
        directory_issuer: "OpenBanking Ltd".to_owned(),
        audiences: vec!["https://as.example".to_owned(), "https://as2.example".to_owned()],
        allowed_hosts: vec!["keystore.example".to_owned(), "127.0.0.1".to_owned()],
        subject: SubjectRule::Obie,
        algorithms: vec![Algorithm::PS256, Algorithm::ES256],
        clock_skew: 30,
    }
}

/// As the directory of Open Banking (UK) states it.
fn statement() -> Value {
    json!({
        "iss": "OpenBanking Ltd",
        "iat": now().as_secs() - 86400,
        "jti": "statement-1",
        "software_id": "software-1",
        "software_client_id": "client-1",
        "software_redirect_uris": ["https://tpp.example/cb", "https://app.tpp.example/cb", "http://tpp.example/cb",
            "https://localhost/cb", "https://127.0.0.1/cb", "https://tpp.example/cb#part", "com.tpp.app:/cb"],
        "software_roles": ["AISP", "PISP"],
        "software_jwks_endpoint": SOFTWARE_KEYS,
        "software_logo_uri": "https://cdn.example/logo.png",
        "org_id": "org-1",
        "org_status": "Active",
        "organisation_competent_authority_claims":
            {"authority_id": "FCAGBR", "registration_id": "123456", "status": "Active"},
    })
}

fn request() -> Value {
    json!({
        "iss": "software-1",
        "aud": "https://as.example",
        "iat": now().as_secs(),
        "exp": now().as_secs() + 300,
        "jti": "request-1",
        "software_statement": "",
        "software_id": "software-1",
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code id_token"],
        "scope": "openid accounts payments",
        "redirect_uris": ["https://tpp.example/cb", "https://app.tpp.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "id_token_signed_response_alg": "ES256",
        "request_object_signing_alg": "PS256",
    })
}

/// A verified certificate of [`ISSUER`] with this subject and, where given, these roles in a PSD2 statement.
pub(super) fn certificate(subject: &[(&[u64], &str)], roles: Option<&[(u8, &str)]>) -> ClientCertificate {
    believed(&ISSUER.client(|params| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            // A name of rcgen's holds each type once; the same type by its number is another to it.
            let custom = DnType::CustomDnType(kind.to_vec());
            let named = if *kind == CN { DnType::CommonName } else { custom.clone() };
            let repeated = params.distinguished_name.get(&named).is_some();
            params.distinguished_name.push(if repeated { custom } else { named }, *value);
        }
        if let Some(roles) = roles {
            psd2(roles)(params);
        }
    }))
}

pub(super) fn believed(der: &[u8]) -> ClientCertificate {
    let certificates = Certificates::new(trusting(&[&ROOT.der]), PathRules::default(), None, None, 0);
    let shown = [CertificateDer::from(der.to_vec()), CertificateDer::from(ISSUER.der.clone())];
    certificates.verify(&ForwardedCert::Connection(&shown), now()).1.unwrap()
}

/// Roles by their number and name (ETSI TS 119 495, annex A).
fn psd2(roles: &[(u8, &str)]) -> impl FnOnce(&mut CertificateParams) {
    let sequence = |parts: &[Vec<u8>]| tagged(0x30, &parts.concat());
    let role = |(number, name): &(u8, &str)| {
        sequence(&[tagged(0x06, &[4, 0, 0x81, 0x98, 0x27, 1, *number]), tagged(0x0c, name.as_bytes())])
    };
    let roles: Vec<_> = roles.iter().map(role).collect();
    let info = sequence(&[sequence(&roles), tagged(0x0c, b"FCA"), tagged(0x0c, b"GB-FCA")]);
    let statement = sequence(&[tagged(0x06, &[4, 0, 0x81, 0x98, 0x27, 2]), info]);
    let statements = sequence(&[statement]);
    move |params| with(&[1, 3, 6, 1, 5, 5, 7, 1, 3], false, &statements)(params)
}

pub(super) fn x5c(der: &[u8]) -> Value {
    let mut jwk = STRANGER.jwk();
    change(&mut jwk, "use", json!("tls"));
    change(&mut jwk, "x5c", json!([BASE64_STANDARD.encode(der)]));
    jwk
}

pub(super) fn change(claims: &mut Value, name: &str, value: Value) {
    let members = claims.as_object_mut().unwrap();
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
}
