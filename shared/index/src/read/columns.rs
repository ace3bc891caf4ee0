//! From the items of a column to values.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::predicate::{Closed, NumberTest};
use crate::{ColumnBlock, Found, Malformed};

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
            NumberTest::Passes(test) => self.matching(|value| !value.is_nan() && test.holds(&value)),
        }
    }

    fn matching(&self, test: impl Fn(f64) -> bool) -> RoaringBitmap {
        let mut ordinals = RoaringBitmap::new();
        for (block, values) in &self.blocks {
            ordinals |= RoaringBitmap::from_lsb0_bytes(block << 9, &values.bits(&test));
        }
        ordinals
    }
}
