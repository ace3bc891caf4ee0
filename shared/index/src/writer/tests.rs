use proptest::prelude::*;

use crate::world::{Troubles, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_again_late_or_not_at_all_the_index_ends_as_the_contacts_are(seed: u64) {
        let world = World::new(seed, Troubles::default());
        world.run(world.stream(0));
        prop_assert_eq!(world.indexed(0), world.expected());
    }
}
