//! Sets of ordinals as items of at most one kilobyte.
//!
//! A container is 65,536 neighbouring ordinals. While few of them are in a set they lie in one
//! item as a sorted list ([`WholeSet`]). Once they outgrow it the container is split, for good,
//! into sixteen sub-containers of 4,096 ordinals ([`SetBlock`]), whose items are at most 513 bytes
//! however many are in: so the change of one bit is one write unit at any density.

use roaring::RoaringBitmap;

use crate::Malformed;

/// How many ordinals a sub-container has.
pub const SUB_SIZE: usize = 4_096;

/// How many sub-containers a container has.
pub const SUBS: usize = 65_536 / SUB_SIZE;

const WORDS: usize = SUB_SIZE / 64;
const BITMAP_BYTES: usize = SUB_SIZE / 8;

/// The first byte says what follows: offsets that are in, or that are not, in two bytes each, or
/// all 4,096 bits.
const LIST: u8 = b'L';
const COMPLEMENT: u8 = b'C';
const BITMAP: u8 = b'B';
/// Of a whole container: look into the sub-containers.
const SPLIT: u8 = b'S';

/// Holds which of 4,096 neighbouring ordinals are in a set.
#[derive(Clone, PartialEq, Eq)]
pub struct SetBlock {
    words: [u64; WORDS],
}

impl SetBlock {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self { words: [0; WORDS] }
    }

    /// Tells whether an offset is in; none past the block's end is.
    pub fn contains(&self, offset: u16) -> bool {
        self.words.get(usize::from(offset) / 64).is_some_and(|word| word >> (offset % 64) & 1 == 1)
    }

    /// Takes an offset in or out; past the block's end nothing happens.
    pub fn set(&mut self, offset: u16, is_in: bool) {
        if let Some(word) = self.words.get_mut(usize::from(offset) / 64) {
            let bit = 1 << (offset % 64);
            if is_in { *word |= bit } else { *word &= !bit }
        }
    }

    /// Counts what is in.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Tells whether nothing is in.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Gives what is in, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..SUB_SIZE as u16).filter(|offset| self.contains(*offset))
    }

    /// Gives what is in as ordinals; `first` is the one of offset nought.
    pub fn ordinals(&self, first: u32) -> RoaringBitmap {
        let mut bytes = [0; BITMAP_BYTES];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(self.words) {
            *bytes = word.to_le_bytes();
        }
        RoaringBitmap::from_lsb0_bytes(first, &bytes)
    }

    /// Writes the shortest form.
    pub fn encode(&self) -> Vec<u8> {
        let count = self.len();
        let others = SUB_SIZE - count;
        if count.min(others) * 2 >= BITMAP_BYTES {
            let bits = self.words.iter().flat_map(|word| word.to_le_bytes());
            return std::iter::once(BITMAP).chain(bits).collect();
        }
        if count <= others {
            return list(LIST, self.iter());
        }
        list(COMPLEMENT, (0..SUB_SIZE as u16).filter(|offset| !self.contains(*offset)))
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const MALFORMED: Malformed = Malformed { what: "set" };
        let (kind, rest) = bytes.split_first().ok_or(MALFORMED)?;
        let mut block = Self::new();
        if *kind == BITMAP {
            let (words, rest) = rest.as_chunks::<8>();
            if words.len() != WORDS || !rest.is_empty() {
                return Err(MALFORMED);
            }
            for (word, bytes) in block.words.iter_mut().zip(words) {
                *word = u64::from_le_bytes(*bytes);
            }
            return Ok(block);
        }
        let offsets = offsets(rest).ok_or(MALFORMED)?;
        if offsets.iter().any(|offset| usize::from(*offset) >= SUB_SIZE) {
            return Err(MALFORMED);
        }
        let is_in = match *kind {
            LIST => true,
            COMPLEMENT => {
                block.words = [u64::MAX; WORDS];
                false
            }
            _ => return Err(MALFORMED),
        };
        offsets.into_iter().for_each(|offset| block.set(offset, is_in));
        Ok(block)
    }
}

impl Default for SetBlock {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for SetBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Holds which of 65,536 neighbouring ordinals are in a set, or that the sub-containers do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WholeSet {
    /// These offsets, sorted and each once.
    List(Vec<u16>),
    /// Look into the sub-containers. A container that was split stays split.
    Split,
}

impl WholeSet {
    /// Writes it.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::List(offsets) => list(LIST, offsets.iter().copied()),
            Self::Split => vec![SPLIT],
        }
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        const MALFORMED: Malformed = Malformed { what: "set of a whole container" };
        match bytes {
            [SPLIT] => Ok(Self::Split),
            [LIST, rest @ ..] => {
                let offsets = offsets(rest).ok_or(MALFORMED)?;
                let is_sorted = offsets.windows(2).all(|pair| pair.first() < pair.last());
                if is_sorted { Ok(Self::List(offsets)) } else { Err(MALFORMED) }
            }
            _ => Err(MALFORMED),
        }
    }

    /// Parts a list into all sixteen sub-containers.
    pub fn split(offsets: &[u16]) -> [SetBlock; SUBS] {
        let mut blocks = std::array::from_fn(|_| SetBlock::new());
        for offset in offsets {
            if let Some(block) = blocks.get_mut(usize::from(offset >> 12)) {
                block.set(offset & 0x0FFF, true);
            }
        }
        blocks
    }
}

fn list(kind: u8, offsets: impl Iterator<Item = u16>) -> Vec<u8> {
    std::iter::once(kind).chain(offsets.flat_map(u16::to_le_bytes)).collect()
}

fn offsets(bytes: &[u8]) -> Option<Vec<u16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn block(offsets: impl IntoIterator<Item = u16>) -> SetBlock {
        let mut block = SetBlock::new();
        offsets.into_iter().for_each(|offset| block.set(offset, true));
        block
    }

    #[test]
    fn a_block_is_never_longer_than_its_bitmap_and_short_where_nearly_all_or_none_are_in() {
        for (count, bytes) in [(0, 1), (1, 3), (255, 511), (256, 513), (3_840, 513), (3_841, 511), (4_096, 1)]
        {
            assert_eq!(block(0..count).encode().len(), bytes, "{count} in");
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        for bytes in [&b""[..], b"X", b"L\x00", b"L\x00\x10", b"B\x00", b"C\xff\xff", b"S"] {
            assert!(SetBlock::decode(bytes).is_err(), "{bytes:?}");
        }
        for bytes in [&b""[..], b"B", b"S1", b"L\x02\x00\x01\x00", b"L\x01\x00\x01\x00"] {
            assert!(WholeSet::decode(bytes).is_err(), "{bytes:?}");
        }
    }

    /// Sets of every density, sparse and dense ones as often as others.
    fn sets() -> impl Strategy<Value = BTreeSet<u16>> {
        let sparse = proptest::collection::btree_set(0..SUB_SIZE as u16, 0..300);
        (sparse, any::<bool>()).prop_map(|(set, inverted)| {
            if inverted { (0..SUB_SIZE as u16).filter(|offset| !set.contains(offset)).collect() } else { set }
        })
    }

    proptest! {
        #[test]
        fn a_block_reads_back_as_it_was_written(set in sets()) {
            let block = block(set.iter().copied());
            let decoded = SetBlock::decode(&block.encode()).unwrap();
            prop_assert_eq!(decoded.iter().collect::<BTreeSet<_>>(), set);
            prop_assert_eq!(decoded, block);
        }

        #[test]
        fn setting_and_clearing_is_what_a_set_does(
            changes in proptest::collection::vec((0..SUB_SIZE as u16, any::<bool>()), 0..200)
        ) {
            let (mut block, mut set) = (SetBlock::new(), BTreeSet::new());
            for (offset, is_in) in changes {
                block.set(offset, is_in);
                if is_in { set.insert(offset); } else { set.remove(&offset); }
            }
            prop_assert_eq!(block.len(), set.len());
            prop_assert_eq!(block.iter().collect::<BTreeSet<_>>(), set);
        }

        #[test]
        fn a_split_list_is_the_same_set(set in proptest::collection::btree_set(any::<u16>(), 0..600)) {
            let offsets: Vec<u16> = set.into_iter().collect();
            let whole = WholeSet::List(offsets.clone());
            prop_assert_eq!(WholeSet::decode(&whole.encode()).unwrap(), whole);
            let parts = WholeSet::split(&offsets);
            let joined: Vec<u16> = (0u16..)
                .zip(&parts)
                .flat_map(|(sub, block)| block.iter().map(move |offset| sub << 12 | offset))
                .collect();
            prop_assert_eq!(joined, offsets);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(block) = SetBlock::decode(&bytes) {
                prop_assert_eq!(SetBlock::decode(&block.encode()).unwrap(), block);
            }
        }
    }
}
