//! A statement or a request as a JWS, and its claims by their types.

use crate::{
    denial::{Denial, RegistrationError},
    registration::{KeysAt, RegistrationKnowledge, RegistrationStop, keys},
    token::{
        Algorithm, Jws,
        claims::{self, Read},
        json::{self, Members, Value},
        keys::KeyStop,
    },
};

/// Which of the two it is, in the words of a refusal.
pub(super) struct Kind {
    error: RegistrationError,
    not_a_jws: &'static str,
    not_an_object: &'static str,
    algorithm: &'static str,
    key: &'static str,
    signature: &'static str,
}

/// A document taken apart. Nothing in it is believed.
pub(super) struct Unverified<'a> {
    kind: &'static Kind,
    jws: Jws<'a>,
    members: Members<'a>,
}

/// The claims of a document whose signature holds. None of them is compared.
pub(super) struct Claims<'a> {
    error: RegistrationError,
    members: Members<'a>,
}

impl<'a> Unverified<'a> {
    /// Takes one compact JWS apart, whose payload is one object. The caller bounds the length, and lends the room.
    pub(super) fn read(kind: &'static Kind, text: &'a str, room: &'a mut Vec<u8>) -> Result<Self, Denial> {
        let jws = Jws::parse(text, room).map_err(|_| kind.refusal(kind.not_a_jws))?;
        let members = json::members(jws.payload).ok_or(kind.refusal(kind.not_an_object))?;
        Ok(Self { kind, jws, members })
    }

    /// A claim, to find out who has to have signed.
    pub(super) fn claim(&self, name: &str) -> Option<&Value<'a>> {
        self.members.get(name)
    }

    /// The claims, if one of the keys at `place` made the signature. They are asked for only when the algorithm is allowed,
    /// and once more when the one that the header means is not among them.
    pub(super) fn verify(
        self,
        allowed: &[Algorithm],
        place: &KeysAt,
        known: &dyn RegistrationKnowledge,
    ) -> Result<Claims<'a>, RegistrationStop> {
        let Self { kind, jws, members } = self;
        let algorithm = Algorithm::named(&jws.header.algorithm)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(kind.refusal(kind.algorithm))?;
        let kid = jws.header.kid.as_deref();
        keys::at(place, known)?.verify(algorithm, kid, jws.signed, jws.signature).map_err(|stop| match stop {
            KeyStop::Unknown => keys::missing(place, known, kind.refusal(kind.key)),
            KeyStop::Unfit | KeyStop::Ambiguous => kind.refusal(kind.key).into(),
            KeyStop::SignatureInvalid => kind.refusal(kind.signature).into(),
        })?;
        Ok(Claims { error: kind.error, members })
    }
}

impl<'a> Claims<'a> {
    /// A text that has to be there.
    pub(super) fn text(&self, name: &str, why: &'static str) -> Result<&str, Denial> {
        self.optional_text(name, why)?.ok_or(self.refusal(why))
    }

    /// A text that may be absent; where it is there it is not empty.
    pub(super) fn optional_text(&self, name: &str, why: &'static str) -> Result<Option<&str>, Denial> {
        match self.members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().filter(|text| !text.is_empty()).map(Some).ok_or(self.refusal(why)),
        }
    }

    /// A list of texts that has to be there, and not to be empty.
    pub(super) fn texts(&self, name: &str, why: &'static str) -> Result<Vec<&str>, Denial> {
        self.optional_texts(name, why)?.filter(|list| !list.is_empty()).ok_or(self.refusal(why))
    }

    /// A list of texts that may be absent.
    pub(super) fn optional_texts(&self, name: &str, why: &'static str) -> Result<Option<Vec<&str>>, Denial> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let list = value.as_list().ok_or(self.refusal(why))?;
        list.iter().map(|text| text.as_str().ok_or(self.refusal(why))).collect::<Result<_, _>>().map(Some)
    }

    /// A time that may be absent, in seconds.
    pub(super) fn time(&self, name: &str, why: &'static str) -> Result<Option<u64>, Denial> {
        self.read(claims::time(&self.members, name, why)).map(|time| time.map(|time| time.as_secs()))
    }

    /// `aud`.
    pub(super) fn audiences(&self) -> Result<Box<[Box<str>]>, Denial> {
        self.read(claims::audiences(&self.members))
    }

    /// A claim of any type.
    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.get(name)
    }

    /// The refusal of the document.
    pub(super) fn refusal(&self, why: &'static str) -> Denial {
        self.error.refusal(why)
    }

    /// A refusal unless it holds.
    pub(super) fn hold(&self, holds: bool, why: &'static str) -> Result<(), Denial> {
        holds.then_some(()).ok_or(self.refusal(why))
    }

    fn read<T>(&self, read: Read<T>) -> Result<T, Denial> {
        read.map_err(|why| self.refusal(why))
    }
}

impl Kind {
    /// The refusal of the document.
    pub(super) fn refusal(&self, why: &'static str) -> Denial {
        self.error.refusal(why)
    }
}

/// What the directory signed (RFC 7591, section 2.3).
pub(super) static STATEMENT: Kind = Kind {
    error: RegistrationError::InvalidSoftwareStatement,
    not_a_jws: "the software statement is not one compact JWS",
    not_an_object: "the software statement is not one JSON object with each claim once",
    algorithm: "the software statement is signed with an algorithm that is not accepted",
    key: "no key of the directory fits the software statement",
    signature: "the software statement's signature is wrong",
};

/// What the software signed.
pub(super) static REQUEST: Kind = Kind {
    error: RegistrationError::InvalidClientMetadata,
    not_a_jws: "the request is not one compact JWS",
    not_an_object: "the request is not one JSON object with each claim once",
    algorithm: "the request is signed with an algorithm that is not accepted",
    key: "no key of the software fits the request",
    signature: "the request's signature is wrong",
};
