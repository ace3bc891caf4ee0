//! From the items of a set to ordinals.

use roaring::RoaringBitmap;

use crate::{Found, Malformed, SetBlock, SetPlace, WholeSet};

/// Adds what items of one slab hold, in the order of their keys: of any terms, whose sets become
/// one. The item of a whole container comes before its sub-containers and says whether they count.
pub(super) fn add(ordinals: &mut RoaringBitmap, slab: u16, items: &[Found]) -> Result<(), Malformed> {
    let mut split = None;
    for (key, data) in items {
        let (term, place) = SetPlace::read(key).ok_or(Malformed { what: "key" })?;
        if place.sub.is_some() {
            if split == Some((term, place.container)) {
                let block = SetBlock::decode(data)?;
                ordinals.extend(block.iter().map(|offset| place.ordinal(slab, offset)));
            }
            continue;
        }
        split = None;
        match WholeSet::decode(data)? {
            WholeSet::Split => split = Some((term, place.container)),
            WholeSet::List(offsets) => {
                ordinals.extend(offsets.into_iter().map(|offset| place.ordinal(slab, offset)));
            }
        }
    }
    Ok(())
}
