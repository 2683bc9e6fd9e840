//! JWS compact serialization (RFC 7515, section 7.1), read strictly and not believed.

use std::{borrow::Cow, ops::Range};

use base64::Engine;

use crate::{
    encoding::BASE64URL,
    token::json::{self, Members, Value},
};

/// A token taken apart. Nothing in it is believed: the signature is not verified here.
pub(crate) struct Jws<'a> {
    pub(crate) header: Header<'a>,
    pub(crate) payload: &'a [u8],
    /// What is signed: the first two parts as they were sent.
    pub(crate) signed: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// The members of the JOSE header that are read. Keys that a token brings along (`jku`, `x5u`, `x5c`) are not.
pub(crate) struct Header<'a> {
    pub(crate) algorithm: Cow<'a, str>,
    pub(crate) kid: Option<Cow<'a, str>>,
    /// Lower case, without `application/` (RFC 7515, section 4.1.9).
    pub(crate) typ: Option<Box<str>>,
    /// The sender's own key: of a proof alone is it ever looked at, because anyone can bring one.
    pub(crate) jwk: Option<Value<'a>>,
}

impl<'a> Jws<'a> {
    /// Whether this has to be read as a JWT: an object stands before the first dot, and it is no JWE (RFC 7516, section 3.1),
    /// which has five parts and names an encryption. Everything else is opaque.
    ///
    /// How many parts there are does not decide: no signature covers what comes behind it, some servers pass over that, and a
    /// client could make a JWT opaque by a dot.
    pub(super) fn is_one(token: &str) -> bool {
        let Some((header, rest)) = token.split_once('.') else { return false };
        let Ok(header) = BASE64URL.decode(header) else { return false };
        let is_encrypted = || json::members(&header).is_some_and(|header| header.has("enc"));
        header.trim_ascii_start().starts_with(b"{") && !(rest.split('.').count() == 4 && is_encrypted())
    }

    /// Takes the three parts apart. The caller bounds the length, and lends the room for what they are decoded to.
    ///
    /// # Errors
    /// Why it is `token_malformed`.
    pub(crate) fn parse(token: &'a str, room: &'a mut Vec<u8>) -> Result<Self, &'static str> {
        let (signed, signature) = token.rsplit_once('.').ok_or("not three parts")?;
        let (header, payload) = signed.split_once('.').ok_or("not three parts")?;
        room.reserve(token.len());
        // A fourth part leaves a dot in the payload, which base64url does not have.
        let [header, payload, signature] = [header, payload, signature].map(|part| decode(part, room));
        let room: &'a [u8] = room;
        let octets = |part: Option<Range<usize>>| room.get(part?);
        let header = octets(header).ok_or("the header is not base64url")?;
        let header = json::members(header).ok_or("the header is not one JSON object with each member once")?;
        Ok(Self {
            header: Header::read(header)?,
            payload: octets(payload).ok_or("the payload is not base64url")?,
            signed: signed.as_bytes(),
            signature: octets(signature).ok_or("the signature is not base64url")?,
        })
    }
}

impl<'a> Header<'a> {
    fn read(mut header: Members<'a>) -> Result<Self, &'static str> {
        // No extension is known here, so a critical one is refused (RFC 7515, section 4.1.11);
        // `b64` changes what is signed (RFC 7797) and has to be critical, so alone it is a contradiction.
        if header.has("crit") || header.has("b64") {
            return Err("the header has a critical extension");
        }
        Ok(Self {
            algorithm: text(&mut header, "alg", "`alg` is not a string")?.ok_or("the header has no `alg`")?,
            kid: text(&mut header, "kid", "`kid` is not a string")?,
            typ: text(&mut header, "typ", "`typ` is not a string")?.map(|typ| media_type(&typ)),
            jwk: header.remove("jwk"),
        })
    }
}

fn text<'a>(header: &mut Members<'a>, name: &str, wrong: &'static str) -> Result<Option<Cow<'a, str>>, &'static str> {
    match header.remove(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(wrong),
    }
}

/// Lower case, without `application/` (RFC 7515, section 4.1.9).
pub(crate) fn media_type(typ: &str) -> Box<str> {
    let rest = typ.split_at_checked("application/".len());
    let rest = rest.filter(|(kind, _)| kind.eq_ignore_ascii_case("application/"));
    rest.map_or(typ, |(_, rest)| rest).to_ascii_lowercase().into()
}

/// Appends what unpadded base64url says, whose unused bits have to be zero, so that one token has one spelling.
fn decode(part: &str, room: &mut Vec<u8>) -> Option<Range<usize>> {
    let begin = room.len();
    BASE64URL.decode_vec(part, room).ok()?;
    Some(begin..room.len())
}

#[cfg(test)]
mod tests;
