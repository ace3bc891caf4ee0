//! Numbers as integers of the same order, so that a block of them packs into few bits.

/// Past this whole numbers are no longer all distinct in a double.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Says how the numbers of one block are integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberCode {
    /// Multiplied by this power of ten each is whole: money, scores, days, minutes.
    Decimal(u8),
    /// The bits of the double, arranged so that they sort as the numbers do.
    Float,
}

impl NumberCode {
    /// More decimals than this are measurements, not prices.
    const MAX_DECIMALS: u8 = 9;
    const FLOAT_BYTE: u8 = 0xFF;

    /// Finds the code with the fewest decimals that keeps every number exactly. More decimals do not
    /// always keep what fewer do: large numbers come to their end.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let numbers: Vec<f64> = numbers.into_iter().collect();
        (0..=Self::MAX_DECIMALS)
            .map(Self::Decimal)
            .find(|code| numbers.iter().all(|number| code.encode(*number).is_some()))
            .unwrap_or(Self::Float)
    }

    /// Gives a number's integer, unless it would not come back as the same number.
    pub(crate) fn encode(self, number: f64) -> Option<i64> {
        match self {
            Self::Decimal(decimals) => {
                let scaled = (number * power_of_ten(decimals)).round();
                (scaled.abs() <= MAX_EXACT && scaled / power_of_ten(decimals) == number)
                    .then_some(scaled as i64)
            }
            // Adding nought makes one zero of both.
            Self::Float => Some(sortable((number + 0.0).to_bits() as i64)),
        }
    }

    pub(crate) fn decode(self, integer: i64) -> f64 {
        match self {
            Self::Decimal(decimals) => integer as f64 / power_of_ten(decimals),
            Self::Float => f64::from_bits(sortable(integer) as u64),
        }
    }

    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Decimal(decimals) => decimals,
            Self::Float => Self::FLOAT_BYTE,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            Self::FLOAT_BYTE => Some(Self::Float),
            decimals if decimals <= Self::MAX_DECIMALS => Some(Self::Decimal(decimals)),
            _ => None,
        }
    }
}

fn power_of_ten(decimals: u8) -> f64 {
    const POWERS: [f64; NumberCode::MAX_DECIMALS as usize + 1] =
        [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    POWERS.get(usize::from(decimals)).copied().unwrap_or(f64::NAN)
}

/// Turns the bits of a negative double round, whose order is the wrong way; it undoes itself.
fn sortable(bits: i64) -> i64 {
    bits ^ (bits >> 63 & i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prices_take_two_decimals_and_measurements_the_bits_of_the_double() {
        assert_eq!(NumberCode::of([1.0, 120_000.0, -3.0]), NumberCode::Decimal(0));
        assert_eq!(NumberCode::of([19.99, 0.1, 5.0]), NumberCode::Decimal(2));
        assert_eq!(NumberCode::of([0.1 + 0.2]), NumberCode::Float);
        assert_eq!(NumberCode::of([1e300]), NumberCode::Float);
        // Each of them has a decimal code, but none that keeps both.
        assert_eq!(NumberCode::of([-900_719_926.0, 532_577_525.618_535_5]), NumberCode::Float);
    }

    fn numbers() -> impl Strategy<Value = f64> {
        let cents = (-1_000_000_000i64..1_000_000_000).prop_map(|cents| cents as f64 / 100.0);
        prop_oneof![
            cents,
            any::<i32>().prop_map(f64::from),
            proptest::num::f64::NORMAL,
            Just(0.0),
            Just(-0.0)
        ]
    }

    proptest! {
        #[test]
        fn every_number_comes_back_and_the_order_stays(a in numbers(), b in numbers()) {
            let code = NumberCode::of([a, b]);
            let (code_a, code_b) = (code.encode(a).unwrap(), code.encode(b).unwrap());
            prop_assert_eq!((code.decode(code_a), code.decode(code_b)), (a, b));
            prop_assert_eq!(code_a.cmp(&code_b), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(NumberCode::from_byte(code.to_byte()), Some(code));
        }
    }
}
