//! What every store does alike. One suite, run on the memory double and on each real engine, so
//! that the double cannot drift from the real thing.
#![expect(clippy::indexing_slicing, reason = "a clause that finds too little is to panic")]

pub mod contacts;
pub mod moves;
pub mod records;

use crate::{ContactStore, FieldStore, IdempotencyStore, JobStore, TenantStore};

/// Is everything that keeps the contract.
pub trait AnyStore: ContactStore + TenantStore + FieldStore + JobStore + IdempotencyStore {}

impl<S: ContactStore + TenantStore + FieldStore + JobStore + IdempotencyStore> AnyStore for S {}

/// Makes one test of each clause of the contract, on the store that an `async` expression gives.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
        $crate::contract_tests!(@each $store;
            contacts::create_never_overwrites,
            contacts::one_batch_creates_one_contact_an_address,
            contacts::sixty_four_writers_of_one_email_create_one_contact,
            contacts::a_contact_is_found_by_address_and_by_id,
            contacts::no_tenant_sees_another,
            contacts::an_update_needs_the_version_that_was_read,
            contacts::an_update_after_a_delete_makes_no_ghost,
            contacts::a_plain_delete_frees_the_address,
            contacts::a_deleted_unsubscribe_stays_at_the_address,
            contacts::a_walk_gives_each_contact_once_and_the_newest_first,
            contacts::a_walk_crosses_holes,
            contacts::a_contact_past_400_kb_is_refused_and_its_neighbours_are_not,
            contacts::consent_is_logged_once,
            moves::an_email_change_keeps_the_id,
            moves::an_email_change_to_a_taken_address_changes_nothing,
            moves::an_email_change_of_what_changed_since_changes_nothing,
            moves::an_email_change_leaves_an_unsubscribe_behind,
            records::a_slug_belongs_to_one_tenant,
            records::a_key_is_found_by_its_hash_alone,
            records::of_two_types_at_first_sighting_one_wins,
            records::a_job_moves_on_only_from_where_it_stands,
            records::a_checkpoint_moves_on_only_from_where_it_stands,
            records::jobs_are_listed_newest_first,
            records::a_request_key_works_once,
        );
    };
    (@each $store:expr; $($module:ident :: $clause:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $clause() {
                $crate::testing::contract::$module::$clause(&$store.await).await;
            }
        )*
    };
}
