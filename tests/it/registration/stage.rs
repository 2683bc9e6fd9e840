//! A directory, a software with its keys, and certbound between it and the bank.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::DnType;
use serde_json::json;

use crate::support::{
    bank::Bank,
    config::Config,
    connection::{Answer, Request},
    issuer::{Issuer, Mood},
    pki::{Client, Pki},
    sidecar::Sidecar,
    token::{ISSUER, SigningKey, Token, now},
};

/// Everyone who takes part in a registration.
pub(super) struct Stage {
    pub(super) bank: Bank,
    /// Serves the directory's keys.
    pub(super) directory: Issuer,
    /// Serves the software's keys.
    pub(super) software: Issuer,
    pub(super) sidecar: Sidecar,
    /// The software's certificate.
    pub(super) tpp: Client,
    pub(super) directory_key: SigningKey,
    pub(super) software_key: SigningKey,
}

impl Stage {
    pub(super) fn set() -> Self {
        Self::set_with(|config| config)
    }

    /// After `change` of the configuration.
    pub(super) fn set_with(change: impl FnOnce(Config) -> Config) -> Self {
        Self::set_over(Issuer::feeling, change)
    }

    /// With the software's keys served as `serve` says.
    pub(super) fn set_over(serve: impl FnOnce(Mood) -> Issuer, change: impl FnOnce(Config) -> Config) -> Self {
        let (directory_key, software_key) = (SigningKey::new("directory"), SigningKey::new("software"));
        let directory = Issuer::feeling(Mood::Keys(SigningKey::set(&[&directory_key])));
        let software = serve(Mood::Keys(SigningKey::set(&[&software_key])));
        let bank = Bank::start();
        let config = Config::in_front_of(&bank)
            .set("registration.directory_jwks", &format!("{:?}", directory.jwks()))
            .set("registration.allowed_jwks_hosts", r#"["localhost"]"#)
            .route("path = \"/register\"\nkind = \"registration\"\nmethods = [\"POST\"]")
            .route(
                "path = \"/register/{ClientId}\"\nkind = \"registration\"\nmethods = [\"GET\", \"PUT\", \"PATCH\", \"DELETE\"]",
            );
        let sidecar = change(config).start();
        let tpp = Pki::get().issuing.issue(SOFTWARE, |params| {
            params.distinguished_name.push(DnType::OrganizationalUnitName, ORGANIZATION);
        });
        Self { bank, directory, software, sidecar, tpp, directory_key, software_key }
    }

    /// What the directory says of the software, unless a test changes it.
    pub(super) fn statement(&self) -> Token {
        let claims = json!({
            "iss": "OpenBanking Ltd", "iat": now(), "jti": "statement-1", "software_id": SOFTWARE,
            "org_id": ORGANIZATION, "org_status": "Active", "software_jwks_endpoint": self.software.jwks(),
            "software_redirect_uris": [REDIRECTION], "software_roles": ["AISP"],
        });
        Token::saying(&self.directory_key, claims)
    }

    /// A request that names the software's statement.
    pub(super) fn request(&self) -> Token {
        self.request_with(&self.statement().sign_with(&self.directory_key))
    }

    /// A request that names this statement. Each is another one.
    pub(super) fn request_with(&self, statement: &str) -> Token {
        static REQUESTS: AtomicUsize = AtomicUsize::new(0);
        let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
        let claims = json!({
            "iss": SOFTWARE, "iat": now(), "exp": now() + 300, "jti": format!("request-{number}"), "aud": ISSUER,
            "scope": "openid accounts", "redirect_uris": [REDIRECTION], "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256",
            "id_token_signed_response_alg": "PS256", "request_object_signing_alg": "PS256",
            "software_statement": statement,
        });
        Token::saying(&self.software_key, claims)
    }

    /// A request that passes.
    pub(super) fn good(&self) -> String {
        self.request().sign_with(&self.software_key)
    }

    /// `body` on its way to be registered, with the software's certificate.
    pub(super) fn registering(&self, body: &str) -> Request<'_> {
        self.sending("POST", "/register").body(body)
    }

    /// A request with the software's certificate.
    pub(super) fn sending(&self, method: &str, target: &str) -> Request<'_> {
        self.sidecar.request(method, target).showing(&self.tpp).header("Content-Type", "application/jwt")
    }

    /// An access token of the registered client with this identifier, bound to the software's certificate.
    pub(super) fn token_of(&self, client_id: &str) -> String {
        Token::of(&self.tpp).claim("client_id", client_id).sign()
    }

    /// Refused in OAuth's own form, and the bank saw nothing.
    #[track_caller]
    pub(super) fn assert_refused(&self, answer: &Answer, status: u16, error: &str) {
        let body = String::from_utf8_lossy(&answer.body);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(self.bank.requests(), 0, "refused with {error}, and yet the bank saw it");
    }
}

/// `software_id`.
pub(super) const SOFTWARE: &str = "software-1";
/// `org_id`.
const ORGANIZATION: &str = "org-1";
pub(super) const REDIRECTION: &str = "https://tpp.example/callback";
