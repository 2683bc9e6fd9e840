//! HAProxy.

use crate::support::{balancer::Balancer, forms::base64_der};

#[test]
fn haproxy_is_believed_about_its_handshakes_alone() {
    HAPROXY.is_believed_about_its_handshakes_alone();
}

const HAPROXY: Balancer = Balancer {
    folder: "haproxy",
    program: "haproxy",
    arguments: &["-db", "-f", "haproxy.cfg"],
    files: &[("haproxy.cfg", &[("bind :8443", "bind 127.0.0.1:@port@"), ("127.0.0.1:8444", "@certbound@")])],
    header: "X-SSL-Client-Cert",
    form: base64_der,
    carries_chain: true,
    refuses_expired: false,
    adds: &[],
};
