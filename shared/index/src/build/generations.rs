//! Building the index anew beside the one that is in use.

use crate::Generation;

/// Is a generation that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Building {
    /// Its number.
    pub number: u8,
    /// From when on it is written, in seconds since 1970.
    pub since: u64,
}

/// Says which of a tenant's generations there are, as its meta item keeps it. Whoever reads that item
/// keeps the reading for one cache time at most.
///
/// Every writer writes all that are [`Self::written`] when its batch or block begins. All begin with
/// the next one at the same time: if one wrote it early, and another one, that did not know of it yet,
/// left the contact's next change out, an old write could still land after the build went past. So
/// a rebuild is:
///
/// 1. [`Self::begin`], and store it: after one cache time everybody knows, and writes the next
///    generation, too. What was written before is in the contacts.
/// 2. From then on read the next ordinal, and build [`Block::all`](crate::Block::all) of them by a
///    [`Writer`](crate::Writer) of the next generation.
/// 3. [`Self::switch`], and store it: readers go over within one cache time, until which the previous
///    generation is still written.
/// 4. Wait one cache time, [`Self::finish`], and store it. The previous generation's items may go.
///
/// A field that becomes indexed needs the same care: all writers begin with it at one time that was
/// made known a cache time before, and from then on it is built, into all generations.
///
/// The members of segments are not derived from the contacts alone; whoever keeps them copies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generations {
    /// The one that is read.
    pub current: u8,
    /// The one that is being built.
    pub building: Option<Building>,
    /// The one that was read before.
    pub retiring: Option<u8>,
    /// The last number that was given to any.
    pub latest: u8,
}

impl Generations {
    /// Starts to build another one, under a number of its own; none while there is another one
    /// already.
    pub fn begin(self, now: u64, cache_time: u64) -> Option<Self> {
        let is_alone = self.building.is_none() && self.retiring.is_none();
        let latest = self.latest.wrapping_add(1);
        let building = Some(Building { number: latest, since: now + cache_time });
        is_alone.then_some(Self { building, latest, ..self })
    }

    /// Takes what was built into use; none if nothing was.
    pub fn switch(self) -> Option<Self> {
        let current = self.building?.number;
        Some(Self { current, building: None, retiring: Some(self.current), ..self })
    }

    /// Goes on with the current one alone: after a switch, or instead of one.
    pub fn finish(self) -> Self {
        Self { building: None, retiring: None, ..self }
    }

    /// Gives every generation that is written by whoever begins now.
    pub fn written(self, tenant: [u8; 16], now: u64) -> impl Iterator<Item = Generation> {
        let building = self.building.filter(|building| building.since <= now);
        let numbers = [Some(self.current), building.map(|building| building.number), self.retiring];
        numbers.into_iter().flatten().map(move |number| Generation { tenant, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_written_from_before_it_is_read_until_after() {
        let numbers = |generations: Generations, now| -> Vec<u8> {
            generations.written([0; 16], now).map(|generation| generation.number).collect()
        };
        let before = Generations { current: 255, latest: 255, ..Generations::default() };
        let building = before.begin(1_000, 60).unwrap();
        assert_eq!((building.current, building.begin(1_000, 60)), (255, None));
        assert_eq!((numbers(building, 1_059), numbers(building, 1_060)), (vec![255], vec![255, 0]));
        let switched = building.switch().unwrap();
        assert_eq!((switched.current, numbers(switched, 2_000)), (0, vec![0, 255]));
        assert_eq!((switched.begin(2_000, 60), switched.switch()), (None, None));
        assert_eq!(numbers(switched.finish(), 3_000), [0]);
        // One that was given up leaves its number behind.
        let another = building.finish().begin(3_000, 60).unwrap();
        assert_eq!(another.building.map(|building| building.number), Some(1));
    }
}
