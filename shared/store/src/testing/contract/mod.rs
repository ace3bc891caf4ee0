//! What every store does alike. One suite, run on the memory double and on each real engine, so
//! that the double cannot drift from the real thing.
#![expect(clippy::indexing_slicing, reason = "a clause that finds too little is to panic")]

pub mod contacts;
pub mod erasure;
pub mod frozen;
pub mod ground;
pub mod index;
pub mod ledger;
pub mod list_jobs;
pub mod lists;
pub mod moves;
pub mod records;
pub mod rules;
pub mod timers;
pub mod transitions;

use ::index::IndexTable;

use crate::{
    ContactStore, FieldStore, FrozenStore, IdempotencyStore, JobStore, LedgerStore, ListJobStore, ListStore,
    LoaderStore, ParkedStore, QuotaStore, RulesStore, StoreError, TenantStore, TimerStore, TransitionStore,
    UsageStore,
};

/// Is everything that keeps the contract.
pub trait AnyStore:
    ContactStore
    + TenantStore
    + FieldStore
    + FrozenStore
    + ListJobStore
    + ListStore
    + JobStore
    + LoaderStore
    + IdempotencyStore
    + UsageStore
    + QuotaStore
    + IndexTable<Error = StoreError>
    + LedgerStore
    + ParkedStore
    + RulesStore
    + TimerStore
    + TransitionStore
{
}

impl<S> AnyStore for S where
    S: ContactStore
        + TenantStore
        + FieldStore
        + FrozenStore
        + ListJobStore
        + ListStore
        + JobStore
        + LoaderStore
        + IdempotencyStore
        + UsageStore
        + QuotaStore
        + IndexTable<Error = StoreError>
        + LedgerStore
        + ParkedStore
        + RulesStore
        + TimerStore
        + TransitionStore
{
}

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
            contacts::reserved_ordinals_are_those_of_whoever_is_created_with_them,
            contacts::contacts_are_found_by_their_ordinals,
            contacts::every_address_is_shown_with_its_ordinal,
            contacts::a_contact_past_400_kb_is_refused_and_its_neighbours_are_not,
            contacts::consent_is_logged_once,
            erasure::an_erased_contact_leaves_only_that_it_was_erased,
            erasure::an_erasure_of_what_changed_since_changes_nothing,
            erasure::an_erasure_takes_a_long_log_along,
            list_jobs::jobs_of_lists_are_kept_with_their_names,
            list_jobs::a_job_of_a_list_moves_on_only_from_where_it_was_read,
            frozen::a_frozen_set_is_walked_from_its_top_each_ordinal_once,
            frozen::a_frozen_set_belongs_to_one_tenant_and_ends_with_its_time,
            ground::settings_belong_to_one_tenant,
            ground::builds_of_an_index_go_on_only_from_where_they_were_read,
            ground::a_revoked_key_is_gone_and_the_others_are_listed,
            ground::a_field_changes_only_from_where_it_stands,
            ground::a_renamed_field_keeps_its_id_and_never_takes_a_name,
            ground::usage_told_twice_counts_once,
            ground::a_quota_is_shared_and_never_exceeded,
            ground::a_tenant_has_so_many_loaders_at_once,
            ground::an_address_is_suppressed_where_no_contact_is,
            ground::the_reason_of_a_suppression_outlives_its_contact,
            ground::an_erased_address_is_known_again,
            ground::suppressions_are_listed_each_once,
            ground::contacts_are_counted_where_they_lie,
            index::an_item_is_written_only_over_what_was_read,
            index::a_partition_is_read_in_order_and_by_its_starts,
            index::a_partition_of_many_pages_is_read_whole,
            index::removed_items_are_gone_and_the_others_stay,
            ledger::a_fact_and_its_contact_are_written_together_or_not_at_all,
            ledger::a_fact_is_recorded_once,
            ledger::facts_come_back_in_their_order_and_from_any_of_them_on,
            ledger::a_walk_through_a_ledger_gives_each_fact_once_and_the_newest_first,
            ledger::of_many_writers_of_one_contact_none_loses_a_fact,
            ledger::an_update_keeps_where_the_fold_stands,
            ledger::a_fact_waits_for_the_contact_of_its_address,
            ledger::an_erasure_leaves_no_fact,
            lists::a_list_changes_only_from_where_all_of_them_stand,
            lists::a_contact_keeps_its_lists_wherever_it_goes,
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
            rules::a_refold_keeps_its_plan_and_each_range_once,
            rules::rules_are_published_only_over_those_that_were_read,
            timers::a_timer_is_due_at_the_earliest_time_it_was_set_to,
            timers::a_timer_is_moved_only_from_where_it_was_read,
            transitions::the_clock_of_segments_never_goes_back,
            transitions::members_and_what_they_tell_are_written_together_or_not_at_all,
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
