//! From the items of a column to values.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::predicate::{Closed, NumberTest};
use crate::column::BITMAP_BYTES;
use crate::key::CONTAINER_SIZE;
use crate::{COLUMN_VALUES, ColumnBlock, Found, Malformed};

const BLOCKS_A_CONTAINER: u32 = CONTAINER_SIZE / COLUMN_VALUES as u32;
const CONTAINER_BYTES: usize = BITMAP_BYTES * BLOCKS_A_CONTAINER as usize;

/// Holds the numbers or dates of one field, by ordinal.
#[derive(Debug, Default)]
pub struct Column {
    blocks: BTreeMap<u32, ColumnBlock>,
}

impl Column {
    pub(super) fn add(&mut self, slab: u16, items: &[Found]) -> Result<(), Malformed> {
        for (key, data) in items {
            let chunk = <[u8; 2]>::try_from(key.as_slice()).map_err(|_| Malformed { what: "key" })?;
            let block = u32::from(slab) << 9 | u32::from(u16::from_be_bytes(chunk));
            self.blocks.insert(block, ColumnBlock::decode(data)?);
        }
        Ok(())
    }

    /// Gives the value of an ordinal.
    pub fn get(&self, ordinal: u32) -> Option<f64> {
        self.blocks.get(&(ordinal >> 9))?.get((ordinal & 0x1FF) as usize)
    }

    /// Gives the ordinals with a value.
    pub(super) fn present(&self) -> RoaringBitmap {
        self.matching(|value| !value.is_nan())
    }

    /// Gives the ordinals whose value passes.
    pub(super) fn passing(&self, test: &NumberTest) -> RoaringBitmap {
        match test {
            NumberTest::Within(ranges) => {
                ranges.iter().map(Closed::of).fold(RoaringBitmap::new(), |passing, Closed { least, most }| {
                    // Both are compared, so that the loop has no branch.
                    passing | self.matching(|value| (value >= least) & (value <= most))
                })
            }
            NumberTest::Passes(test) => self.matching(|value: f64| !value.is_nan() && test.holds(&value)),
        }
    }

    /// Copied, the test is worked into the loop over a block's values.
    fn matching(&self, test: impl Fn(f64) -> bool + Copy) -> RoaringBitmap {
        let mut ordinals = RoaringBitmap::new();
        // By the container: to make one set of 128 blocks is much cheaper than to join 128 sets.
        let mut bits = Vec::with_capacity(CONTAINER_BYTES);
        let mut blocks = self.blocks.iter().peekable();
        while let Some((block, values)) = blocks.next() {
            let container = block / BLOCKS_A_CONTAINER;
            bits.resize((block % BLOCKS_A_CONTAINER) as usize * BITMAP_BYTES, 0);
            bits.extend(values.bits(test));
            if blocks.peek().is_none_or(|(next, _)| *next / BLOCKS_A_CONTAINER != container) {
                ordinals |= RoaringBitmap::from_lsb0_bytes(container * CONTAINER_SIZE, &bits);
                bits.clear();
            }
        }
        ordinals
    }
}
