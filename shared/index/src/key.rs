//! Where things lie: the keys of the index's table.
//!
//! | kind | partition | sort key |
//! |---|---|---|
//! | members of a segment | tenant, 0, `M`, segment, slab | container, sub |
//! | live contacts | tenant, generation, `A`, 0, slab | container, sub |
//! | postings | tenant, generation, `T`, field, slab | term, 0, container, sub |
//! | column | tenant, generation, `C`, field, slab | chunk (two bytes) |
//!
//! A slab is 262,144 ordinals: with it in the partition one predicate is one fan-out of queries
//! that rarely need a second page. Numbers are big-endian, so that keys sort as they do.

use crate::term::Term;

/// How many ordinals a container has.
pub(crate) const CONTAINER_SIZE: u32 = 65_536;

/// In the place of a sub-container: the whole container. It sorts before its sub-containers, so
/// that a query that reads "split" there has all of them still before it.
const WHOLE: u8 = 0;

/// Names what a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Who is in a segment that asks for enter and exit events.
    Members,
    /// Which ordinals are contacts.
    Live,
    /// Which ordinals have a term.
    Terms,
    /// The numbers or dates of a field.
    Column,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Members => b'M',
            Self::Live => b'A',
            Self::Terms => b'T',
            Self::Column => b'C',
        }
    }
}

/// Is one build of a tenant's index; a rebuild writes the next one beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation {
    /// The tenant's id.
    pub tenant: [u8; 16],
    /// Which build.
    pub number: u8,
}

impl Generation {
    /// Gives the key of a partition; `field` is the field's or the segment's number.
    pub fn partition(&self, kind: Kind, field: u16, slab: u16) -> [u8; 22] {
        let mut key = [0; 22];
        // Who was told to be in a segment no rebuild finds out: that is of all generations.
        let number = if kind == Kind::Members { 0 } else { self.number };
        let parts = [&self.tenant[..], &[number, kind.byte()], &field.to_be_bytes(), &slab.to_be_bytes()];
        key.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        key
    }
}

/// Says where the bit and the value of one ordinal are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub slab: u16,
    /// The container, within its slab.
    pub container: u8,
    /// The sub-container, within its container.
    pub sub: u8,
    /// The bit, within the container.
    pub offset: u16,
    /// The column's item, within its slab.
    pub chunk: u16,
    /// The value, within the column's item.
    pub value: usize,
}

impl Place {
    /// Finds the place of an ordinal.
    pub fn of(ordinal: u32) -> Self {
        Self {
            slab: (ordinal >> 18) as u16,
            container: (ordinal >> 16 & 0b11) as u8,
            sub: (ordinal >> 12 & 0b1111) as u8,
            offset: ordinal as u16,
            chunk: (ordinal >> 9 & 0x1FF) as u16,
            value: (ordinal & 0x1FF) as usize,
        }
    }
}

/// Names a set's item within its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetPlace {
    /// The container, within its slab.
    pub container: u8,
    /// The sub-container; none for the item of the whole container.
    pub sub: Option<u8>,
}

impl SetPlace {
    fn bytes(self) -> [u8; 2] {
        [self.container, self.sub.map_or(WHOLE, |sub| sub + 1)]
    }

    /// Gives the sort key among members or live contacts.
    pub fn key(self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    /// Gives the sort key among postings.
    pub fn key_of(self, term: &Term) -> Vec<u8> {
        [term.prefix(), self.bytes().to_vec()].concat()
    }

    /// Reads the end of a sort key, and gives what stands before it: a term's bytes, or nothing.
    pub fn read(key: &[u8]) -> Option<(&[u8], Self)> {
        let (before, [container, sub]) = key.split_last_chunk::<2>()?;
        let term = match before {
            [] => before,
            [term @ .., 0] => term,
            _ => return None,
        };
        Some((term, Self { container: *container, sub: sub.checked_sub(1) }))
    }

    /// Gives the ordinal of a bit of this item. In the item of a whole container the offset counts
    /// from the container's start, in another one from the sub-container's.
    pub fn ordinal(self, slab: u16, offset: u16) -> u32 {
        let container = u32::from(slab) << 18 | u32::from(self.container) << 16;
        container | u32::from(self.sub.unwrap_or(0)) << 12 | u32::from(offset)
    }
}

/// Gives the sort key of a column's item.
pub fn column_key(chunk: u16) -> [u8; 2] {
    chunk.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn partitions_of_tenants_generations_kinds_fields_and_slabs_differ() {
        let generation = Generation { tenant: [7; 16], number: 1 };
        let key = generation.partition(Kind::Terms, 0x0102, 0x0304);
        assert_eq!(key, [[7; 16].as_slice(), &[1, b'T', 1, 2, 3, 4]].concat()[..]);
        let key = generation.partition(Kind::Members, 0x0102, 0x0304);
        assert_eq!(key, [[7; 16].as_slice(), &[0, b'M', 1, 2, 3, 4]].concat()[..]);
    }

    proptest! {
        #[test]
        fn an_ordinal_is_found_again_by_either_of_its_items(ordinal: u32) {
            let place = Place::of(ordinal);
            let whole = SetPlace { container: place.container, sub: None };
            prop_assert_eq!(whole.ordinal(place.slab, place.offset), ordinal);
            let sub = SetPlace { sub: Some(place.sub), ..whole };
            prop_assert_eq!(sub.ordinal(place.slab, place.offset & 0x0FFF), ordinal);
            let chunk = u32::from(place.slab) << 18 | u32::from(place.chunk) << 9;
            prop_assert_eq!(chunk + place.value as u32, ordinal);
        }

        #[test]
        fn a_posting_tells_its_term_and_its_place(text in "[a-z ]{0,200}", container in 0u8..4, sub in proptest::option::of(0u8..16)) {
            let (term, place) = (Term::value(&text), SetPlace { container, sub });
            let (posting, member) = (place.key_of(&term), place.key());
            prop_assert_eq!(SetPlace::read(&posting).unwrap(), (term.as_bytes(), place));
            prop_assert_eq!(SetPlace::read(&member).unwrap(), (&b""[..], place));
        }
    }
}
