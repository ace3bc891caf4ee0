use futures::future::BoxFuture;
use proptest::prelude::*;

use crate::world::{Troubles, World};

/// Runs the stream with others beside it.
fn with(world: &World, others: impl IntoIterator<Item = BoxFuture<'static, ()>>) {
    world.run(world.stream().into_iter().chain(others).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_import_that_builds_its_block_while_its_contacts_are_changed_is_indexed_as_they_are(seed: u64) {
        let world = World::new(seed, Troubles::default());
        with(&world, [Box::pin(world.clone().loader()) as BoxFuture<'static, ()>]);
        prop_assert_eq!(world.indexed(0), world.expected());
    }
}
