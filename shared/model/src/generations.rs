//! Building a search index anew beside the one that is in use.

use serde::{Deserialize, Serialize};

/// Is a generation that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    /// Its number.
    pub number: u8,
    /// From when on it is written, in seconds since 1970.
    pub since: u64,
    /// The first ordinal that is not built yet.
    pub next: u32,
}

/// Is a generation that was in use before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retiring {
    /// Its number.
    pub number: u8,
    /// Until when it is written, in seconds since 1970: nobody begins to read it after that.
    pub until: u64,
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
/// 2. From then on build all blocks up to the next ordinal by a writer of the next generation, and
///    store how far that is: [`Self::built`].
/// 3. [`Self::switch`], and store it: readers go over within one cache time, until which the previous
///    generation is still written.
/// 4. When nobody reads the previous generation any more, remove its items, [`Self::finish`], and
///    store it. What a writer of before still writes there is in nobody's way: whoever builds under
///    this number again compares all that lies there.
///
/// The members of segments are of no generation: no contact tells what was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Generations {
    /// The one that is read.
    pub current: u8,
    /// The one that is being built.
    pub building: Option<Building>,
    /// The one that was read before.
    pub retiring: Option<Retiring>,
    /// The last number that was given to any.
    pub latest: u8,
}

impl Generations {
    /// Starts to build another one, under a number of its own; none while there is another one
    /// already.
    pub fn begin(self, now: u64, cache_time: u64) -> Option<Self> {
        let is_alone = self.building.is_none() && self.retiring.is_none();
        let latest = self.latest.wrapping_add(1);
        let building = Some(Building { number: latest, since: now + cache_time, next: 0 });
        is_alone.then_some(Self { building, latest, ..self })
    }

    /// Notes how far the next one is built; none if nothing is being built.
    pub fn built(self, next: u32) -> Option<Self> {
        let building = Some(Building { next, ..self.building? });
        Some(Self { building, ..self })
    }

    /// Takes what was built into use; none if nothing was.
    pub fn switch(self, now: u64, cache_time: u64) -> Option<Self> {
        let current = self.building?.number;
        let retiring = Some(Retiring { number: self.current, until: now + cache_time });
        Some(Self { current, building: None, retiring, ..self })
    }

    /// Goes on with the current one alone: after a switch, or instead of one.
    pub fn finish(self) -> Self {
        Self { building: None, retiring: None, ..self }
    }

    /// Gives the number of every generation that is written by whoever begins now.
    pub fn written(self, now: u64) -> impl Iterator<Item = u8> {
        let building = self.building.filter(|building| building.since <= now);
        let retiring = self.retiring.filter(|retiring| now < retiring.until);
        let building = building.map(|building| building.number);
        [Some(self.current), building, retiring.map(|retiring| retiring.number)].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_written_from_before_it_is_read_until_after() {
        let numbers = |generations: Generations, now| generations.written(now).collect::<Vec<u8>>();
        let before = Generations { current: 255, latest: 255, ..Generations::default() };
        let building = before.begin(1_000, 60).unwrap();
        assert_eq!((building.current, building.begin(1_000, 60)), (255, None));
        assert_eq!((numbers(building, 1_059), numbers(building, 1_060)), (vec![255], vec![255, 0]));
        let switched = building.built(65_536).unwrap().switch(2_000, 60).unwrap();
        assert_eq!((switched.current, numbers(switched, 2_059)), (0, vec![0, 255]));
        assert_eq!(numbers(switched, 2_060), [0]);
        assert_eq!(
            (switched.begin(2_000, 60), switched.switch(2_000, 60), switched.built(1)),
            (None, None, None)
        );
        // One that was given up leaves its number behind.
        let another = building.finish().begin(3_000, 60).unwrap();
        assert_eq!(another.building.map(|building| (building.number, building.next)), Some((1, 0)));
    }
}
