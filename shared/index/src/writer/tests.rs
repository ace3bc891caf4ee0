use futures::executor::block_on;
use proptest::prelude::*;

use crate::testing::{Nobody, Table};
use crate::world::{Troubles, World};
use crate::{Change, Facts, Found, Generation, IndexTable, Item, ItemKey, Kind, Nonce, Term, Writer};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_again_late_or_not_at_all_the_index_ends_as_the_contacts_are(seed: u64) {
        let world = World::new(seed, Troubles::default());
        world.run(world.stream(0));
        prop_assert_eq!(world.indexed(0), world.expected());
    }
}

/// Is a table that writes no item of one kind.
struct Failing(Table, Kind);

#[derive(Debug, thiserror::Error)]
#[error("the table is out of reach")]
struct OutOfReach;

impl IndexTable for Failing {
    type Error = OutOfReach;

    async fn get(&self, key: &ItemKey) -> Result<Option<Item>, OutOfReach> {
        Ok(self.0.get(key).await.unwrap_or_default())
    }

    async fn query(&self, _: &[u8; 22], _: &[u8], _: usize) -> Result<Vec<Found>, OutOfReach> {
        Err(OutOfReach)
    }

    async fn query_strong(
        &self,
        _: &[u8; 22],
        _: &[u8],
        _: impl Fn(&[u8]) -> bool + Send + Sync,
    ) -> Result<Vec<(Vec<u8>, Item)>, OutOfReach> {
        Err(OutOfReach)
    }

    async fn put(&self, key: &ItemKey, item: Item, seen: Option<Nonce>) -> Result<bool, OutOfReach> {
        let fails = key.partition == GENERATION.partition(self.1, 1, 0);
        if fails { Err(OutOfReach) } else { Ok(self.0.put(key, item, seen).await.unwrap_or_default()) }
    }

    async fn remove(&self, _: &[ItemKey]) -> Result<(), OutOfReach> {
        Err(OutOfReach)
    }

    async fn pause(&self, _: u32) {}
}

const GENERATION: Generation = Generation { tenant: [1; 16], number: 0 };

/// Removals are carried out after additions, so that those of changes before a failure are not
/// done either.
#[test]
fn a_failure_is_told_with_the_first_change_of_which_anything_is_left_to_do() {
    let with_term = Facts { terms: [(2, Term::value("a"))].into(), ..Facts::default() };
    let with_number = Facts { columns: [(1, 5.0)].into(), ..Facts::default() };
    let changes = [
        Change::Image { ordinal: 1, old: None, new: Facts::default() },
        Change::Image { ordinal: 2, old: Some(with_term.clone()), new: Facts::default() },
        Change::Image { ordinal: 3, old: Some(with_term.clone()), new: with_number },
    ];
    let table = Failing(Table::default(), Kind::Column);
    let failure = block_on(Writer::new(&table, &Nobody, GENERATION).apply(&changes[1..])).unwrap_err();
    assert_eq!(failure.first, 0, "the term of the second contact is not taken out yet");
    let failure = block_on(Writer::new(&table, &Nobody, GENERATION).apply(&changes[2..])).unwrap_err();
    assert_eq!(failure.first, 0);
    let done = block_on(Writer::new(&table, &Nobody, GENERATION).apply(&changes[..2]));
    assert!(done.is_ok());
}
