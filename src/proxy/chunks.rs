//! On HTTP/1.0 nobody reads chunks (RFC 9112, section 6.1): a body of unknown length ends with the connection.

use std::any::Any;

use async_trait::async_trait;
use http::{
    Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use pingora::{
    http::ResponseHeader,
    modules::http::{HttpModule, HttpModuleBuilder, HttpModules, Module},
    proxy::Session,
};

/// Has the answer to a client of HTTP/1.0 end with its connection where its length is not known.
pub(super) fn without_chunks(session: &mut Session, response: &mut ResponseHeader) {
    if session.req_header().version != Version::HTTP_10 {
        return;
    }
    if response.remove_header(&TRANSFER_ENCODING).is_some() {
        response.remove_header(&CONTENT_LENGTH);
    }
    if !response.headers.contains_key(CONTENT_LENGTH) {
        session.set_keepalive(None);
        // To an answer that came by HTTP/2 Pingora adds chunks later than here.
        let mut modules = HttpModules::new();
        modules.add_module(Box::new(Unchunked));
        session.downstream_modules_ctx = modules.build_ctx();
    }
}

/// Takes chunks out of a header section that is about to be written.
struct Unchunked;

#[async_trait]
impl HttpModule for Unchunked {
    async fn response_header_filter(&mut self, response: &mut ResponseHeader, _: bool) -> pingora::Result<()> {
        response.remove_header(&TRANSFER_ENCODING);
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl HttpModuleBuilder for Unchunked {
    fn init(&self) -> Module {
        Box::new(Self)
    }
}
