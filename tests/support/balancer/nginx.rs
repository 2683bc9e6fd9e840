//! nginx.

use super::{super::forms::percent_pem, Balancer};

pub(crate) const NGINX: Balancer = Balancer {
    folder: "nginx",
    program: "nginx",
    arguments: &["-p", ".", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off; master_process off; pid nginx.pid;"],
    files: &[(
        "nginx.conf",
        &[
            ("http {\n", "http {\naccess_log off;\nclient_body_temp_path body;\nproxy_temp_path proxy;\n"),
            ("listen 8443 ssl;", "listen 127.0.0.1:@port@ ssl;"),
            ("127.0.0.1:8444", "@certbound@"),
        ],
    )],
    header: "X-SSL-Client-Cert",
    form: percent_pem,
    carries_chain: false,
    refuses_expired: true,
    adds: &[],
};
