//! From the items of a set to ordinals.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::{Found, Malformed, SetBlock, SetPlace, WholeSet};

/// Adds what items of one slab hold, in the order of their keys: of any terms, whose sets become
/// one.
pub(super) fn add(ordinals: &mut RoaringBitmap, slab: u16, items: &[Found]) -> Result<(), Malformed> {
    each(slab, items, |_, found| *ordinals |= found)
}

/// Adds what items of one slab hold to the sets of their terms.
pub(super) fn add_each(
    terms: &mut BTreeMap<Vec<u8>, RoaringBitmap>,
    slab: u16,
    items: &[Found],
) -> Result<(), Malformed> {
    each(slab, items, |term, found| *terms.entry(term.to_vec()).or_default() |= found)
}

/// Reads items. The one of a whole container comes before its sub-containers and says whether they
/// count.
fn each(slab: u16, items: &[Found], mut found: impl FnMut(&[u8], RoaringBitmap)) -> Result<(), Malformed> {
    let mut split = None;
    for (key, data) in items {
        let (term, place) = SetPlace::read(key).ok_or(Malformed { what: "key" })?;
        if place.sub.is_some() {
            if split == Some((term, place.container)) {
                found(term, SetBlock::decode(data)?.ordinals(place.ordinal(slab, 0)));
            }
            continue;
        }
        split = None;
        match WholeSet::decode(data)? {
            WholeSet::Split => split = Some((term, place.container)),
            WholeSet::List(offsets) => {
                found(term, offsets.into_iter().map(|offset| place.ordinal(slab, offset)).collect());
            }
        }
    }
    Ok(())
}
