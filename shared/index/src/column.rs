//! The numbers or dates of 512 neighbouring ordinals as one item, usually below a kilobyte.
//!
//! One read gives exact ranges, any sort and every time window at once. Each number is kept as its
//! distance from the smallest, in the largest unit that all distances are whole multiples of, in
//! as many bits as the largest needs: scores take a byte each, days eleven bits or so.
//!
//! ```text
//! code u8 | flags u8 | width u8 | base i64 | unit u64 | bitmap of those with a value, 64 bytes,
//! unless all have one | the distances, `width` bits each, the lowest bits first
//! ```

use crate::Malformed;
use crate::number::NumberCode;

/// How many neighbouring ordinals a block is of.
pub const COLUMN_VALUES: usize = 512;

pub(crate) const BITMAP_BYTES: usize = COLUMN_VALUES / 8;
/// Set where every ordinal has a value, so that no bitmap follows.
const ALL: u8 = 1;

/// Holds the values of 512 neighbouring ordinals; minutes and days are numbers, too.
#[derive(Debug, Clone)]
pub struct ColumnBlock {
    /// Not a number where there is no value: no range has it in.
    values: Vec<f64>,
}

impl ColumnBlock {
    /// Makes one without any value.
    pub fn new() -> Self {
        Self { values: vec![f64::NAN; COLUMN_VALUES] }
    }

    /// Gives the value at a place; past the block's end there is none.
    pub fn get(&self, place: usize) -> Option<f64> {
        self.values.get(place).copied().filter(|value| !value.is_nan())
    }

    /// Puts a finite value, or none, at a place; past the block's end nothing happens.
    pub fn set(&mut self, place: usize, value: Option<f64>) {
        if let Some(at) = self.values.get_mut(place) {
            // Infinity has no place among the codes, and no source gives it.
            *at = value.filter(|value| value.is_finite()).unwrap_or(f64::NAN);
        }
    }

    /// Gives the values that are there, each with its place.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.values.iter().copied().enumerate().filter(|(_, value)| !value.is_nan())
    }

    /// Gives where a test is passed, a bit for each place, the first the lowest. It is asked also
    /// where there is no value: with not a number.
    pub fn bits(&self, test: impl Fn(f64) -> bool) -> [u8; BITMAP_BYTES] {
        let mut bits = [0; BITMAP_BYTES];
        let (eights, _) = self.values.as_chunks::<8>();
        for (byte, values) in bits.iter_mut().zip(eights) {
            *byte = (0u8..).zip(values).fold(0, |byte, (at, value)| byte | u8::from(test(*value)) << at);
        }
        bits
    }

    /// Writes it; without any value that is nothing.
    pub fn encode(&self) -> Vec<u8> {
        let code = NumberCode::of(self.iter().map(|(_, value)| value));
        let integers: Vec<i64> = self.iter().filter_map(|(_, value)| code.encode(value)).collect();
        let Some(base) = integers.iter().min().copied() else { return Vec::new() };
        // From the smallest to the largest i64 there are fewer than 2^64 steps.
        let distances = integers.iter().map(|integer| integer.wrapping_sub(base) as u64);
        let unit = distances.clone().fold(0, greatest_common_divisor).max(1);
        let width = distances.clone().max().map_or(0, |largest| u64::BITS - (largest / unit).leading_zeros());
        let has_all = integers.len() == COLUMN_VALUES;
        let mut bytes = vec![code.to_byte(), if has_all { ALL } else { 0 }, width as u8];
        bytes.extend(base.to_le_bytes());
        bytes.extend(unit.to_le_bytes());
        if !has_all {
            let mut bitmap = [0u8; BITMAP_BYTES];
            for (place, _) in self.iter() {
                if let Some(byte) = bitmap.get_mut(place / 8) {
                    *byte |= 1 << (place % 8);
                }
            }
            bytes.extend(bitmap);
        }
        pack(&mut bytes, distances.map(|distance| distance / unit), width);
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Ok(Self::new());
        }
        read(bytes).ok_or(Malformed { what: "column" })
    }
}

impl PartialEq for ColumnBlock {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Default for ColumnBlock {
    fn default() -> Self {
        Self::new()
    }
}

fn read(bytes: &[u8]) -> Option<ColumnBlock> {
    let ([code, flags, width], rest) = bytes.split_first_chunk::<3>()?;
    let (base, rest) = rest.split_first_chunk::<8>()?;
    let (unit, rest) = rest.split_first_chunk::<8>()?;
    let code = NumberCode::from_byte(*code)?;
    let (base, unit, width) = (i64::from_le_bytes(*base), u64::from_le_bytes(*unit), u32::from(*width));
    let (bitmap, packed) = match *flags {
        ALL => ([u8::MAX; BITMAP_BYTES], rest),
        0 => rest.split_first_chunk::<BITMAP_BYTES>().map(|(bitmap, rest)| (*bitmap, rest))?,
        _ => return None,
    };
    let count: u32 = bitmap.iter().map(|byte| byte.count_ones()).sum();
    let bits = width.checked_mul(count).filter(|_| width <= u64::BITS)?;
    if packed.len() != bits.div_ceil(8) as usize {
        return None;
    }
    let mut unpacked = Bits { bytes: packed.iter(), held: 0, count: 0 };
    let mut block = ColumnBlock::new();
    for (place, value) in block.values.iter_mut().enumerate() {
        if bitmap.get(place / 8)? >> (place % 8) & 1 == 1 {
            let distance = unpacked.next(width)?.checked_mul(unit)?;
            let number = code.decode(base.checked_add_unsigned(distance)?);
            *value = Some(number).filter(|number| number.is_finite())?;
        }
    }
    Some(block)
}

fn pack(bytes: &mut Vec<u8>, numbers: impl Iterator<Item = u64>, width: u32) {
    let (mut held, mut count) = (0u128, 0);
    for number in numbers {
        held |= u128::from(number) << count;
        count += width;
        while count >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        bytes.push(held as u8);
    }
}

struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    held: u128,
    count: u32,
}

impl Bits<'_> {
    fn next(&mut self, width: u32) -> Option<u64> {
        while self.count < width {
            self.held |= u128::from(*self.bytes.next()?) << self.count;
            self.count += 8;
        }
        let number = self.held & ((1u128 << width) - 1);
        self.held >>= width;
        self.count -= width;
        u64::try_from(number).ok()
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(values: impl IntoIterator<Item = Option<f64>>) -> ColumnBlock {
        let mut block = ColumnBlock::new();
        values.into_iter().enumerate().for_each(|(place, value)| block.set(place, value));
        block
    }

    /// The header without and with the bitmap.
    const ALL_BYTES: usize = 19;
    const SOME_BYTES: usize = ALL_BYTES + BITMAP_BYTES;

    #[test]
    fn usual_columns_take_far_less_than_a_kilobyte() {
        let length = |value: fn(usize) -> Option<f64>| block((0..COLUMN_VALUES).map(value)).encode().len();
        // Scores below 256: a byte each.
        assert_eq!(length(|n| Some((n % 256) as f64)), ALL_BYTES + 512);
        // Days of one year: nine bits each, also when they are given in minutes.
        assert_eq!(length(|n| Some((n % 365) as f64)), ALL_BYTES + 576);
        assert_eq!(length(|n| Some((n % 365 * 1_440) as f64)), ALL_BYTES + 576);
        // Prices below 10.24 in cents: ten bits.
        assert_eq!(length(|n| Some((n * 2 + 1) as f64 / 100.0)), ALL_BYTES + 576);
        // Every second one without: the bitmap, and half.
        assert_eq!(length(|n| (n % 2 == 0).then_some((n % 256) as f64)), SOME_BYTES + 224);
        // All the same: no bits at all.
        assert_eq!(length(|_| Some(7.0)), ALL_BYTES);
        assert_eq!(length(|_| None), 0);
    }

    #[test]
    fn bytes_that_nobody_wrote_are_refused() {
        let whole = block([Some(1.0), None, Some(3.5)]).encode();
        for end in 1..whole.len() {
            assert!(ColumnBlock::decode(&whole[..end]).is_err(), "cut at {end}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(ColumnBlock::decode(&longer).is_err());
    }

    fn values() -> impl Strategy<Value = Vec<Option<f64>>> {
        let number = prop_oneof![
            (0..200i32).prop_map(f64::from),
            (-1_000_000i64..1_000_000).prop_map(|cents| cents as f64 / 100.0),
            (0..30_000_000u32).prop_map(f64::from),
            proptest::num::f64::NORMAL,
        ];
        proptest::collection::vec(proptest::option::weighted(0.8, number), 0..=COLUMN_VALUES)
    }

    proptest! {
        #[test]
        fn a_block_reads_back_as_it_was_written(values in values()) {
            let block = block(values.iter().copied());
            let decoded = ColumnBlock::decode(&block.encode()).unwrap();
            for (place, value) in values.into_iter().enumerate() {
                prop_assert_eq!(decoded.get(place), value);
            }
            prop_assert_eq!(decoded, block);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(block) = ColumnBlock::decode(&bytes) {
                prop_assert_eq!(ColumnBlock::decode(&block.encode()).unwrap(), block);
            }
        }
    }
}
