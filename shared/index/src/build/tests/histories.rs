//! Builds, audits and rebuilds in the middle of everything else.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use proptest::prelude::*;

use crate::Audit;
use crate::world::{Troubles, World};

/// A mistake may take some hundred histories to show: those of an optimised build are cheap.
const CASES: u32 = if cfg!(debug_assertions) { 60 } else { 2_000 };

/// Runs the stream with others beside it.
fn run(world: &World, others: Vec<BoxFuture<'static, ()>>) {
    world.run(world.stream(200).into_iter().chain(others).collect());
}

/// Audits and repairs all of it when nobody else writes any more.
fn doctor(world: &World) -> Vec<Audit> {
    let audits = Arc::new(Mutex::new(Vec::new()));
    world.run(vec![Box::pin(world.clone().doctor(audits.clone()))]);
    audits.lock().unwrap().clone()
}

macro_rules! tasks {
    ($world:ident: $($task:ident),*) => { vec![$(Box::pin($world.clone().$task())),*] };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn an_import_that_builds_its_block_while_its_contacts_are_changed_is_indexed_as_they_are(seed: u64) {
        let world = World::new(seed, Troubles::default());
        run(&world, tasks!(world: loader));
        prop_assert_eq!(world.indexed(0), world.expected());
    }

    #[test]
    fn a_field_of_contacts_older_than_its_index_is_indexed_while_they_are_changed(seed: u64) {
        let world = World::new(seed, Troubles::default());
        run(&world, tasks!(world: loader, fields_come));
        prop_assert_eq!(world.indexed(0), world.expected());
    }

    #[test]
    fn a_generation_that_is_built_while_contacts_are_changed_holds_what_they_are(seed: u64) {
        let world = World::new(seed, Troubles::default());
        run(&world, tasks!(world: loader, rebuild));
        prop_assert_eq!(world.current(), 1);
        prop_assert_eq!(world.indexed(1), world.expected());
    }

    #[test]
    fn repairs_in_the_middle_of_everything_do_no_harm(seed: u64) {
        let world = World::new(seed, Troubles::default());
        run(&world, tasks!(world: loader, fields_come, rebuild, auditor));
        prop_assert_eq!(world.indexed(1), world.expected());
    }

    #[test]
    fn an_audit_finds_and_repairs_whatever_a_lost_stream_and_a_dead_loader_left(seed: u64) {
        let troubles = Troubles { lost_batches: Some(4), has_dying_loaders: true };
        let world = World::new(seed, troubles);
        run(&world, tasks!(world: loader, auditor));
        let was_right = world.indexed(0) == world.expected();
        let found = doctor(&world);
        prop_assert_eq!(found.iter().all(Audit::is_clean), was_right);
        prop_assert_eq!(world.indexed(0), world.expected());
        prop_assert!(doctor(&world).iter().all(Audit::is_clean));
    }
}
