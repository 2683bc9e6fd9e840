//! Traefik.

use crate::support::{balancer::Balancer, forms::base64_der};

#[test]
fn traefik_is_believed_about_its_handshakes_alone() {
    TRAEFIK.is_believed_about_its_handshakes_alone();
}

const TRAEFIK: Balancer = Balancer {
    folder: "traefik",
    program: "traefik",
    arguments: &["--configFile=traefik.yaml"],
    files: &[
        ("traefik.yaml", &[(":8443", "127.0.0.1:@port@")]),
        ("dynamic.yaml", &[("127.0.0.1:8444", "@certbound@")]),
    ],
    header: "X-Forwarded-Tls-Client-Cert",
    form: base64_der,
    carries_chain: true,
    refuses_expired: false,
    adds: &["x-forwarded-port", "x-forwarded-server", "x-real-ip"],
};
