//! Real servers behind certbound, each before a bank that tells what the server has found in what certbound sent.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
};

use crate::support::{
    balancer::{PORT, server::free_port},
    bank::Bank,
    process::Process,
};

/// A server that hands every request on.
pub(super) struct Backend {
    pub(super) program: &'static str,
    arguments: &'static [&'static str],
    file: &'static str,
    text: &'static str,
}

/// It ends with this value.
pub(super) struct Server {
    _process: Process,
    port: u16,
}

impl Server {
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

impl Backend {
    pub(super) fn start(&self, program: &Path, bank: &Bank) -> Server {
        // Nobody holds the free port that was found, so another process can be quicker: then it is tried again.
        let started = (0..ATTEMPTS).find_map(|_| {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let text = self.text.replace(PORT, &port.to_string()).replace(BANK, bank.address());
            fs::write(folder.path().join(self.file), text).unwrap();
            let mut process = Process::start(Command::new(program).args(self.arguments), folder);
            let listens = process.await_some(|_| TcpStream::connect(("127.0.0.1", port)).ok());
            listens.map(|_| Server { _process: process, port })
        });
        started.expect("the server starts")
    }
}

pub(super) const NGINX: Backend = Backend {
    program: "nginx",
    arguments: &["-p", ".", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off; master_process off; pid nginx.pid;"],
    file: "nginx.conf",
    text: "
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    server {
        listen 127.0.0.1:@port@;
        location / {
            proxy_pass http://@bank@;
            proxy_http_version 1.1;
        }
    }
}
",
};

pub(super) const HAPROXY: Backend = Backend {
    program: "haproxy",
    arguments: &["-db", "-f", "haproxy.cfg"],
    file: "haproxy.cfg",
    text: "
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend in
    bind 127.0.0.1:@port@
    default_backend bank
backend bank
    server bank @bank@
",
};

pub(super) const APACHE: Backend = Backend {
    program: "apache2",
    arguments: &["-d", ".", "-f", "httpd.conf", "-DFOREGROUND"],
    file: "httpd.conf",
    text: "
LoadModule mpm_event_module  /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module      /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User  #65534
Group #65534
ServerName bank.example
PidFile    httpd.pid
ErrorLog   error.log
Listen     127.0.0.1:@port@
ProxyPass / http://@bank@/
",
};

pub(super) const CADDY: Backend = Backend {
    program: "caddy",
    arguments: &["run", "--config", "Caddyfile", "--adapter", "caddyfile"],
    file: "Caddyfile",
    text: "
{
\tadmin off
\tauto_https off
}
http://:@port@ {
\tbind 127.0.0.1
\treverse_proxy @bank@
}
",
};

/// Stands for the bank's address.
const BANK: &str = "@bank@";
const ATTEMPTS: usize = 3;
