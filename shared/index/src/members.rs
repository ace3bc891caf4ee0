//! Who was told to be in a segment: not derived like the rest of the index, but the arbiter of what
//! is told next.
//!
//! Such a set is written in the same transaction as what is told, one item at a time, so it has
//! no lists that are split, only sub-containers: at most 513 bytes however many are in.

use roaring::RoaringBitmap;

use crate::{Found, Generation, Item, ItemKey, Kind, Malformed, Nonce, Place, SetBlock, SetPlace};

/// Names the item of a segment's members that an ordinal is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MembersPlace {
    segment: u16,
    slab: u16,
    container: u8,
    sub: u8,
}

impl MembersPlace {
    /// Finds the place of an ordinal.
    pub fn of(segment: u16, ordinal: u32) -> Self {
        let Place { slab, container, sub, .. } = Place::of(ordinal);
        Self { segment, slab, container, sub }
    }

    /// Gives the key of the item.
    pub fn key(&self, generation: &Generation) -> ItemKey {
        ItemKey {
            partition: generation.partition(Kind::Members, self.segment, self.slab),
            sort: SetPlace { container: self.container, sub: Some(self.sub) }.key(),
        }
    }
}

/// Holds which of 4,096 neighbouring ordinals were told to be in a segment.
#[derive(Debug, Clone)]
pub struct Members {
    block: SetBlock,
    seen: Option<Nonce>,
}

impl Members {
    /// Reads an item that may not be there.
    ///
    /// # Errors
    /// [`Malformed`] for what is no set.
    pub fn read(item: Option<Item>) -> Result<Self, Malformed> {
        Ok(match item {
            None => Self { block: SetBlock::new(), seen: None },
            Some(item) => Self { block: SetBlock::decode(&item.data)?, seen: Some(item.nonce) },
        })
    }

    /// Tells whether an ordinal was told to be in.
    pub fn has(&self, ordinal: u32) -> bool {
        self.block.contains(offset(ordinal))
    }

    /// Turns around what was told of an ordinal.
    pub fn flip(&mut self, ordinal: u32) {
        self.block.set(offset(ordinal), !self.has(ordinal));
    }

    /// Gives the write that was read, if there was one: it must still be the last.
    pub fn seen(&self) -> Option<Nonce> {
        self.seen
    }

    /// Gives the item under the nonce of a new write.
    pub fn item(&self, nonce: Nonce) -> Item {
        Item { data: self.block.encode(), nonce }
    }
}

fn offset(ordinal: u32) -> u16 {
    Place::of(ordinal).offset & 0x0FFF
}

/// Gathers the members of one slab.
pub(crate) fn gather(into: &mut RoaringBitmap, slab: u16, items: &[Found]) -> Result<(), Malformed> {
    for (key, data) in items {
        let place = SetPlace::read(key).filter(|(term, place)| term.is_empty() && place.sub.is_some());
        let (_, place) = place.ok_or(Malformed { what: "key" })?;
        *into |= SetBlock::decode(data)?.ordinals(place.ordinal(slab, 0));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_are_read_as_they_were_written(ordinals in proptest::collection::btree_set(0u32..600_000, 0..200)) {
            let generation = Generation { tenant: [7; 16], number: 0 };
            let mut items = std::collections::BTreeMap::<ItemKey, Item>::new();
            for ordinal in &ordinals {
                let key = MembersPlace::of(3, *ordinal).key(&generation);
                let mut members = Members::read(items.get(&key).cloned()).unwrap();
                prop_assert!(!members.has(*ordinal));
                members.flip(*ordinal);
                prop_assert!(members.has(*ordinal));
                items.insert(key, members.item([1; 8]));
            }
            let mut read = RoaringBitmap::new();
            for slab in 0..3 {
                let partition = generation.partition(Kind::Members, 3, slab);
                let found = items.iter().filter(|(key, _)| key.partition == partition);
                let found: Vec<Found> = found.map(|(key, item)| (key.sort.clone(), item.data.clone())).collect();
                gather(&mut read, slab, &found).unwrap();
            }
            prop_assert_eq!(read.into_iter().collect::<std::collections::BTreeSet<_>>(), ordinals);
        }
    }
}
