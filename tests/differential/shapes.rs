//! What can be wrong with a chain though each certificate in it is right.

use crate::{
    certificate::{name, time},
    chain::{CLIENT_AUTH, Chain, NOW, Shown, bits},
    keys::Key,
    random::Random,
    support::der::{oid, sequence},
};

/// A chain shown, or trusted, in another way.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&mut Chain, &mut Random),
}

const fn shape(name: &'static str, make: fn(&mut Chain, &mut Random)) -> Shape {
    Shape { name, make }
}

#[rustfmt::skip]
pub(crate) const SHAPES: &[Shape] = &[
    shape("nothing wrong", |_, _| {}),
    shape("an intermediate missing", |chain, random| { if chain.shown.len() > 1 { let place = 1 + random.below(chain.shown.len() - 1); chain.shown.remove(place); } }),
    shape("intermediates the other way round", |chain, _| chain.shown[1..].reverse()),
    shape("everything the other way round", |chain, _| chain.shown.reverse()),
    shape("intermediates twice", |chain, _| { let again = chain.shown[1..].to_vec(); chain.shown.extend(again); }),
    shape("leaf twice", |chain, _| chain.shown.insert(0, Shown::Of(chain.leaf()))),
    shape("leaf at the end again", |chain, _| chain.shown.push(Shown::Of(chain.leaf()))),
    shape("root shown", |chain, _| chain.shown.push(Shown::Of(0))),
    shape("root shown and not trusted", |chain, _| { chain.shown.push(Shown::Of(0)); trust_a_stranger(chain); }),
    shape("root not trusted", |chain, _| trust_a_stranger(chain)),
    shape("two anchors", |chain, _| { chain.anchors = vec![other_root(chain), Shown::Of(0)]; }),
    shape("an anchor of the same name with another key first", |chain, _| { let twin = twin_root(chain); chain.anchors.insert(0, twin); }),
    shape("an anchor of the same name with another key", |chain, _| { let twin = twin_root(chain); chain.anchors = vec![twin]; }),
    shape("every intermediate trusted, root not", |chain, _| { let anchors: Vec<_> = (1..chain.leaf()).map(Shown::Of).collect(); if !anchors.is_empty() { chain.anchors = anchors; } }),
    shape("issuing authority trusted, nothing else shown", |chain, _| { let issuing = chain.leaf() - 1; chain.anchors = vec![Shown::Of(issuing)]; chain.shown.truncate(1); }),
    shape("leaf trusted", |chain, _| chain.anchors = vec![Shown::Of(chain.leaf())]),
    shape("leaf trusted beside the root", |chain, _| chain.anchors.push(Shown::Of(chain.leaf()))),
    shape("leaf trusted beside a stranger", |chain, _| { let stranger = other_root(chain); chain.anchors = vec![stranger, Shown::Of(chain.leaf())]; }),
    shape("an authority shown as the leaf", |chain, _| { if chain.shown.len() > 1 { chain.shown.remove(0); } else { chain.shown = vec![Shown::Of(0)]; } }),
    shape("root shown as the leaf", |chain, _| chain.shown = vec![Shown::Of(0)]),
    shape("a leaf that signed itself", |chain, _| { let leaf = chain.leaf(); let own = chain.certificates[leaf].clone(); chain.others.push((own, None)); chain.shown[0] = Shown::Other(chain.others.len() - 1); }),
    shape("a leaf that signed itself, trusted", |chain, _| { let leaf = chain.leaf(); let own = chain.certificates[leaf].clone(); chain.others.push((own, None)); let own = Shown::Other(chain.others.len() - 1); chain.shown = vec![own]; chain.anchors = vec![own]; }),
    shape("a leaf issued by a leaf", |chain, _| issue_below_the_leaf(chain)),
    shape("a stranger among the intermediates", |chain, random| { let stranger = other_root(chain); let place = 1 + random.below(chain.shown.len()); chain.shown.insert(place, stranger); }),
    shape("an expired twin of an intermediate first", |chain, _| twin_of_the_issuing(chain, true)),
    shape("a twin of an intermediate by a stranger first", |chain, _| twin_of_the_issuing(chain, false)),
    shape("root signed by another root, which is trusted", |chain, _| cross_sign_the_root(chain)),
    shape("a self-issued intermediate", |chain, _| roll_over_the_root(chain)),
    shape("a self-issued intermediate under pathLen", |chain, _| { roll_over_the_root(chain); let length = u8::try_from(chain.leaf() - 1).unwrap(); chain.certificates[0].with(19, true, sequence(&[&[1, 1, 0xff], &[2, 1, length]])); }),
    shape("a loop of two authorities", |chain, _| close_a_loop(chain)),
];

/// Another root, with a key that nothing else has.
fn other_root(chain: &mut Chain) -> Shown {
    let mut root = chain.certificates[0].clone();
    root.subject = name(&[(3, 0x0c, "Stranger")]);
    root.key = Key::P256(7);
    chain.others.push((root, None));
    Shown::Other(chain.others.len() - 1)
}

fn trust_a_stranger(chain: &mut Chain) {
    chain.anchors = vec![other_root(chain)];
}

fn twin_root(chain: &mut Chain) -> Shown {
    let mut root = chain.certificates[0].clone();
    root.key = Key::P256(7);
    chain.others.push((root, None));
    Shown::Other(chain.others.len() - 1)
}

/// The own leaf issues another one.
fn issue_below_the_leaf(chain: &mut Chain) {
    let leaf = chain.leaf();
    let mut below = chain.certificates[leaf].clone();
    below.subject = name(&[(3, 0x0c, "Below")]);
    below.key = Key::P256(6);
    below.with(15, true, bits(&[0]));
    below.with(37, false, sequence(&[&oid(CLIENT_AUTH)]));
    chain.others.push((below, Some(leaf)));
    chain.shown.insert(0, Shown::Other(chain.others.len() - 1));
}

/// A second certificate for the name and key of the issuing authority stands before the right one.
fn twin_of_the_issuing(chain: &mut Chain, expired: bool) {
    if chain.shown.len() < 2 {
        return;
    }
    let issuing = chain.leaf() - 1;
    let mut twin = chain.certificates[issuing].clone();
    if expired {
        twin.not_after = time(NOW - 1);
        chain.others.push((twin, Some(issuing - 1)));
    } else {
        twin.signer = Some(Key::P256(7));
        twin.issuer = Some(name(&[(3, 0x0c, "Stranger")]));
        chain.others.push((twin, Some(issuing - 1)));
    }
    chain.shown.insert(1, Shown::Other(chain.others.len() - 1));
}

fn cross_sign_the_root(chain: &mut Chain) {
    let stranger = other_root(chain);
    let mut crossed = chain.certificates[0].clone();
    crossed.signer = Some(Key::P256(7));
    crossed.issuer = Some(name(&[(3, 0x0c, "Stranger")]));
    crossed.authority_key = crate::certificate::Identifier::Absent;
    chain.others.push((crossed, None));
    chain.shown.push(Shown::Other(chain.others.len() - 1));
    chain.anchors = vec![stranger];
}

/// The first authority below the root has the root's name and another key.
fn roll_over_the_root(chain: &mut Chain) {
    if chain.leaf() > 1 {
        chain.certificates[1].subject = chain.certificates[0].subject.clone();
    }
}

/// Two authorities that certify one another, and nobody else certifies them.
fn close_a_loop(chain: &mut Chain) {
    let leaf = chain.leaf();
    if leaf < 3 {
        return;
    }
    let (first, second) = (leaf - 2, leaf - 1);
    let mut looped = chain.certificates[first].clone();
    looped.issuer = Some(chain.certificates[second].subject.clone());
    looped.signer = Some(chain.certificates[second].key);
    chain.others.push((looped, Some(first - 1)));
    let looped = Shown::Other(chain.others.len() - 1);
    chain.shown = vec![Shown::Of(leaf), Shown::Of(second), looped];
}
