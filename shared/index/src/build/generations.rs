//! Building the index anew beside the one that is in use.

use crate::Generation;

/// Says which of a tenant's generations there are, as its meta item keeps it.
///
/// Every writer writes all of them, each batch or block by a reading of the meta item that is not
/// older than one cache time when it begins. So a rebuild is:
///
/// 1. [`Self::begin`], store it, and wait one cache time. Whatever is written from then on goes into
///    the next generation, too; whatever was written before is in the contacts.
/// 2. Read the next ordinal, and build [`Block::all`](crate::Block::all) of them by a
///    [`Writer`](crate::Writer) of the next generation. What is found there is put right as well, so
///    that this may be run again, and a number be used again.
/// 3. [`Self::switch`], and store it: readers go over within one cache time, until which the previous
///    generation is still written.
/// 4. Wait one cache time, [`Self::finish`], and store it. The previous generation's items may go.
///
/// A field that becomes indexed, and an import, are built into all of them.
///
/// The members of segments are not derived from the contacts alone; whoever keeps them copies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generations {
    /// The one that is read.
    pub current: u8,
    /// The one that is being built.
    pub building: Option<u8>,
    /// The one that was read before.
    pub retiring: Option<u8>,
}

impl Generations {
    /// Starts to build another one; none while there is another one already.
    pub fn begin(self) -> Option<Self> {
        let is_alone = self.building.is_none() && self.retiring.is_none();
        is_alone.then(|| Self { building: Some(self.current.wrapping_add(1)), ..self })
    }

    /// Takes what was built into use; none if nothing was.
    pub fn switch(self) -> Option<Self> {
        let current = self.building?;
        Some(Self { current, building: None, retiring: Some(self.current) })
    }

    /// Goes on with the current one alone: after a switch, or instead of one.
    pub fn finish(self) -> Self {
        Self { current: self.current, ..Self::default() }
    }

    /// Gives every generation that is written.
    pub fn written(self, tenant: [u8; 16]) -> impl Iterator<Item = Generation> {
        let numbers = [Some(self.current), self.building, self.retiring];
        numbers.into_iter().flatten().map(move |number| Generation { tenant, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_written_from_before_it_is_read_until_after() {
        let numbers = |generations: Generations| -> Vec<u8> {
            generations.written([0; 16]).map(|generation| generation.number).collect()
        };
        let before = Generations { current: 255, ..Generations::default() };
        let building = before.begin().unwrap();
        assert_eq!((building.current, numbers(building)), (255, vec![255, 0]));
        assert_eq!(building.begin(), None);
        let switched = building.switch().unwrap();
        assert_eq!((switched.current, numbers(switched)), (0, vec![0, 255]));
        assert_eq!((switched.begin(), switched.switch()), (None, None));
        assert_eq!(numbers(switched.finish()), [0]);
        assert_eq!(building.finish(), before);
    }
}
