//! A chain that everyone accepts, before something is made wrong with it.

use crate::{
    certificate::{Identifier, Template, name, time},
    keys::{Key, Keys},
    random::Random,
    support::der::{oid, sequence, tlv},
};

/// Certificates from a root to a leaf, and what of them is shown.
pub(crate) struct Chain {
    /// The root first, the leaf last; each is issued by the one before.
    pub(crate) certificates: Vec<Template>,
    /// Other certificates, with the place of the one that issued them; none: themselves.
    pub(crate) others: Vec<(Template, Option<usize>)>,
    /// What is shown, the leaf first.
    pub(crate) shown: Vec<Shown>,
    /// What is trusted.
    pub(crate) anchors: Vec<Shown>,
}

/// Which certificate.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Shown {
    Of(usize),
    Other(usize),
}

/// What is verified: DER.
pub(crate) struct Case {
    pub(crate) anchors: Vec<Vec<u8>>,
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Where in a chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Anchor,
    Intermediate,
    Leaf,
}

impl Chain {
    /// With up to three intermediates, and keys of the kinds that everyone accepts.
    pub(crate) fn good(random: &mut Random) -> Self {
        let intermediates = random.below(4);
        let leaf = intermediates + 1;
        let mut certificates: Vec<_> = (0..=leaf).map(|place| template(place, place == leaf)).collect();
        if random.below(4) == 0 {
            let place = random.below(certificates.len());
            certificates[place].key = random.one(&[Key::P384, Key::Rsa2048]);
        }
        let shown = (1..=leaf).rev().map(Shown::Of).collect();
        Self { certificates, others: Vec::new(), shown, anchors: vec![Shown::Of(0)] }
    }

    pub(crate) fn leaf(&self) -> usize {
        self.certificates.len() - 1
    }

    pub(crate) fn place(&self, place: usize) -> Place {
        match place {
            0 => Place::Anchor,
            _ if place == self.leaf() => Place::Leaf,
            _ => Place::Intermediate,
        }
    }

    pub(crate) fn encode(&self, keys: &Keys) -> Case {
        let above = |place: usize| place.checked_sub(1).map(|above| &self.certificates[above]);
        let chain: Vec<_> =
            self.certificates.iter().enumerate().map(|(place, own)| own.encode(keys, above(place))).collect();
        let others =
            self.others.iter().map(|(own, above)| own.encode(keys, above.map(|place| &self.certificates[place])));
        let others: Vec<_> = others.collect();
        let pick = |shown: &[Shown]| {
            let der = |which: &Shown| match which {
                Shown::Of(place) => chain[*place].clone(),
                Shown::Other(place) => others[*place].clone(),
            };
            shown.iter().map(der).collect()
        };
        Case { anchors: pick(&self.anchors), chain: pick(&self.shown) }
    }
}

fn template(place: usize, leaf: bool) -> Template {
    let mut own = Template {
        version: Some(2),
        serial: vec![1 + u8::try_from(place).unwrap(), 2, 3],
        issuer: None,
        subject: name(&[(6, 0x13, "DE"), (10, 0x0c, "Bank"), (3, 0x0c, &format!("Place {place}"))]),
        not_before: time(NOW - 1000),
        not_after: time(NOW + 1000),
        key: Key::P256(place),
        signer: None,
        sha1: false,
        outer_algorithm: None,
        unique_id: Vec::new(),
        authority_key: Identifier::Right,
        subject_key: Identifier::Right,
        extensions: Vec::new(),
        before: None,
        after: None,
    };
    if leaf {
        own.with(15, true, bits(&[0]));
        own.with(37, false, sequence(&[&oid(CLIENT_AUTH)]));
        own.with(17, false, names(&[(0x82, b"a.tpp.example"), (0x81, b"ops@tpp.example")]));
    } else {
        own.with(19, true, sequence(&[TRUE]));
        own.with(15, true, bits(&[5, 6]));
    }
    own
}

/// subjectAltName.
pub(crate) fn names(list: &[(u8, &[u8])]) -> Vec<u8> {
    sequence(&[&list.iter().map(|(kind, value)| tlv(*kind, &[value])).collect::<Vec<_>>().concat()])
}

/// keyUsage with these bits, DER.
pub(crate) fn bits(set: &[u8]) -> Vec<u8> {
    let octet = set.iter().fold(0_u8, |octet, bit| octet | 0x80 >> bit);
    tlv(3, &[&[octet.trailing_zeros().min(7).try_into().unwrap(), octet]])
}

pub(crate) const TRUE: &[u8] = &[1, 1, 0xff];

/// When everything is judged.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
pub(crate) const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
