//! A throw-away bank behind certbound: what passes, what is refused, and what the bank saw.
//!
//! ```text
//! client ──mTLS──► balancer ──HTTP, certificate in a header──► certbound ──HTTP──► bank
//!                                                                  └── keys ──► issuer
//! ```
//!
//! Everything but certbound lives in this program; certbound is the real binary with a real `proxy.toml`.
//! It exits with 0 only if every answer is the one that certbound promises.
//! With `--serve` it stays up and prints `curl` lines to try.

mod attempts;
mod balancer;
mod serve;

#[expect(dead_code, reason = "the tests use what the quickstart does not")]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::{fs, io, process::ExitCode};

use support::{
    bank::Bank,
    issuer::Issuer,
    pki::{Pki, pem},
    sidecar::Sidecar,
};
use tempfile::TempDir;

use balancer::Balancer;

/// Everyone on the stage.
struct Stage {
    pki: &'static Pki,
    issuer: Issuer,
    bank: Bank,
    sidecar: Sidecar,
    balancer: Balancer,
}

fn main() -> io::Result<ExitCode> {
    let stage = Stage::set()?;
    let as_promised = attempts::print_all(&stage);
    if std::env::args().any(|argument| argument == "--serve") {
        serve::until_interrupted(&stage)?;
    }
    Ok(if as_promised { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Stage {
    fn set() -> io::Result<Self> {
        let (pki, issuer, bank) = (Pki::get(), Issuer::start(), Bank::start());
        let folder = TempDir::with_prefix("certbound-quickstart-")?;
        fs::create_dir(folder.path().join("trust"))?;
        fs::write(folder.path().join("trust/tpp-issuing-ca.pem"), pem(&pki.issuing.der))?;
        fs::write(folder.path().join("balancer-secret"), BALANCER_SECRET)?;
        let file = folder.path().join("proxy.toml");
        fs::write(&file, configuration(&bank, &issuer))?;

        let sidecar = Sidecar::start_with(folder, &file);
        sidecar.await_admin("/readyz", 200);
        let balancer = Balancer::start(sidecar.address(), &pki.infrastructure.server(&["localhost"]))?;
        Ok(Self { pki, issuer, bank, sidecar, balancer })
    }
}

/// What an operator would write.
fn configuration(bank: &Bank, issuer: &Issuer) -> String {
    format!(
        r#"[listen]
address = "127.0.0.1:0"        # any free port
plaintext = true

[load_balancer]                # whoever does not know the secret is not the balancer
secret_header = {{ name = "{BALANCER_HEADER}", value_file = "balancer-secret" }}

[client_certificate]
profile = "nginx"              # X-SSL-Client-Cert: percent-encoded PEM

[truststore]
paths = ["trust/"]

[revocation]
methods = []                   # the PKI of this quickstart has no OCSP responder

[[token.issuer]]
issuer = "{issuer}"
audiences = ["https://api.bank.example"]
jwks = "discovery"

[backend]
address = "{bank}"
headers = {{ "X-Client-Id" = "{{token.client_id}}" }}

[admin]
address = "127.0.0.1:0"
status_address = "off"
"#,
        issuer = issuer.url,
        bank = bank.address(),
    )
}

/// The header in which the balancer forwards the client's certificate.
const CERTIFICATE_HEADER: &str = "X-SSL-Client-Cert";
/// The header by which certbound knows the balancer.
const BALANCER_HEADER: &str = "X-LB-Auth";
const BALANCER_SECRET: &str = "made-for-this-quickstart";
