//! Envoy.

use crate::support::{balancer::Balancer, forms::xfcc};

#[test]
fn envoy_is_believed_about_its_handshakes_alone() {
    ENVOY.is_believed_about_its_handshakes_alone();
}

const ENVOY: Balancer = Balancer {
    folder: "envoy",
    program: "envoy",
    arguments: &["-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"],
    files: &[(
        "envoy.yaml",
        &[
            ("address: 0.0.0.0, port_value: 8443", "address: 127.0.0.1, port_value: @port@"),
            // Its grammar has address and port apart.
            ("address: 127.0.0.1, port_value: 8444", "address: 127.0.0.1, port_value: @certbound-port@"),
        ],
    )],
    header: "x-forwarded-client-cert",
    form: xfcc,
    carries_chain: true,
    refuses_expired: false,
    adds: &["x-envoy-expected-rq-timeout-ms", "x-envoy-external-address", "x-request-id"],
};
