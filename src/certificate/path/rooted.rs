//! Of the intermediates that came along, those that an authority certified: found from the anchors down, so that no
//! signature is verified with a key that a stranger chose.

use std::cell::Cell;

use crate::certificate::{Truststore, examined::Examined};

/// The intermediates that came along, each once, told apart by whether an authority certified them.
pub(super) struct Rooted<'a> {
    trust: &'a Truststore,
    /// Signed by the key of an anchor, or of an authority that stands here, too. Nothing else is looked at.
    pub(super) certified: Vec<&'a Examined>,
    others: Vec<&'a Examined>,
}

impl<'a> Rooted<'a> {
    /// None where telling them apart takes too many signatures.
    pub(super) fn among(sent: &'a [Examined], trust: &'a Truststore) -> Option<Self> {
        let tried = Cell::new(0_usize);
        let signed = |issuer: &Examined, below: &Examined| {
            if !below.names(issuer) {
                return false;
            }
            tried.set(tried.get().saturating_add(1));
            tried.get() <= MAX_SIGNATURES && below.is_issued_by(issuer)
        };
        let (mut certified, mut others): (Vec<_>, Vec<_>) = distinct(sent)
            .partition(|below| trust.issuers_of(below.certificate()).any(|anchor| signed(&anchor.examined, below)));
        extend(&mut certified, &mut others, signed);
        (tried.get() <= MAX_SIGNATURES).then_some(Self { trust, certified, others })
    }

    /// Those of the others that lead to an anchor, were it not for a signature that is too weak to be verified. Under such a
    /// one names are all that is compared: nobody vouches for the key.
    pub(super) fn weak(&self) -> Vec<&'a Examined> {
        let (mut weak, mut others): (Vec<_>, Vec<_>) =
            self.others.iter().partition(|below| self.above(below).any(|issuer| issuer.signs_weakly(below)));
        extend(&mut weak, &mut others, |issuer, below| below.names(issuer));
        weak
    }

    /// Whether one of the others names an authority that did not sign it.
    pub(super) fn has_forged(&self) -> bool {
        self.others.iter().any(|below| self.above(below).next().is_some())
    }

    /// The authorities with keys to be believed that bear the name of its issuer.
    fn above<'b>(&'b self, below: &'b Examined) -> impl Iterator<Item = &'b Examined> {
        let anchors = self.trust.issuers_of(below.certificate()).map(|anchor| &anchor.examined);
        let certified = self.certified.iter().copied();
        anchors.chain(certified.filter(|issuer| issuer.is_authority() && below.names(issuer)))
    }
}

/// Goes on from the `rooted` to those of the `others` that they issued, until none is added. Each pair is asked about once.
fn extend<'a>(
    rooted: &mut Vec<&'a Examined>,
    others: &mut Vec<&'a Examined>,
    issued: impl Fn(&Examined, &Examined) -> bool,
) {
    let mut place = 0;
    while let Some(issuer) = rooted.get(place).copied() {
        let (more, rest) =
            others.drain(..).partition::<Vec<_>, _>(|below| issuer.is_authority() && issued(issuer, below));
        rooted.extend(more);
        *others = rest;
        place += 1;
    }
}

/// A copy would only be verified again.
fn distinct(sent: &[Examined]) -> impl Iterator<Item = &Examined> {
    let before = |place: usize| sent.iter().take(place);
    let is_new = move |(place, this): &(usize, &Examined)| !before(*place).any(|other| other.decoded == this.decoded);
    sent.iter().enumerate().filter(is_new).map(|(_, this)| this)
}

/// As many as webpki verifies. A certificate that nobody certified takes one for each authority of the name that it gives.
const MAX_SIGNATURES: usize = 100;

#[cfg(test)]
mod tests;
