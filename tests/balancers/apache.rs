//! Apache httpd.

use crate::support::{balancer::Balancer, forms::percent_pem};

#[test]
fn apache_is_believed_about_its_handshakes_alone() {
    APACHE.is_believed_about_its_handshakes_alone();
}

const APACHE: Balancer = Balancer {
    folder: "apache",
    program: "apache2",
    // Whoever runs the tests as root has to name somebody else for its workers.
    arguments: &["-d", ".", "-f", "httpd.conf", "-C", "User #65534", "-C", "Group #65534", "-DFOREGROUND"],
    files: &[(
        "httpd.conf",
        &[
            (" modules/", " /usr/lib/apache2/modules/"),
            ("Listen     8443", "Listen 127.0.0.1:@port@"),
            ("*:8443", "*:@port@"),
            ("127.0.0.1:8444", "@certbound@"),
        ],
    )],
    header: "X-SSL-Client-Cert",
    form: percent_pem,
    carries_chain: false,
    refuses_expired: true,
    adds: &["x-forwarded-server"],
};
