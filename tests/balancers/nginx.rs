//! nginx.

use crate::support::balancer::nginx::NGINX;

#[test]
fn nginx_is_believed_about_its_handshakes_alone() {
    NGINX.is_believed_about_its_handshakes_alone();
}
