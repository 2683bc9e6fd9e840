//! The same Pingora with nothing in it.

use std::net::SocketAddr;

use async_trait::async_trait;
use pingora::{prelude::*, server::configuration::ServerConf};

/// Forwards everything to `backend`, with one thread, until it is killed.
pub(crate) fn serve(listen: SocketAddr, backend: SocketAddr) {
    let conf = ServerConf { threads: 1, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Bare(backend));
    service.add_tcp(&listen.to_string());
    server.add_service(service);
    server.run_forever()
}

struct Bare(SocketAddr);

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.0, false, String::new())))
    }
}
