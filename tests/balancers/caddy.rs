//! Caddy.

use crate::support::{balancer::Balancer, forms::byte_sequence};

#[test]
fn caddy_is_believed_about_its_handshakes_alone() {
    CADDY.is_believed_about_its_handshakes_alone();
}

const CADDY: Balancer = Balancer {
    folder: "caddy",
    program: "caddy",
    arguments: &["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
    files: &[(
        "Caddyfile",
        &[
            ("https://localhost:8443 {\n", "https://localhost:@port@ {\n\tbind 127.0.0.1\n"),
            ("127.0.0.1:8444", "@certbound@"),
        ],
    )],
    header: "Client-Cert",
    form: byte_sequence,
    carries_chain: false,
    refuses_expired: false,
    adds: &["via"],
};
