//! Clauses on frozen sets.

use chrono::TimeDelta;
use model::{Ordinal, Tenant};
use roaring::RoaringBitmap;
use uuid::Uuid;

use super::AnyStore;
use crate::FrozenPage;
use crate::testing::tenant;

const HOUR: TimeDelta = TimeDelta::hours(1);

async fn page(
    store: &impl AnyStore,
    tenant: &Tenant,
    id: Uuid,
    below: Option<Ordinal>,
    limit: usize,
) -> Option<FrozenPage> {
    store.frozen(tenant.id, id, below, limit).await.expect("read")
}

/// Also where it takes several items, and where a page needs more than one of them.
pub async fn a_frozen_set_is_walked_from_its_top_each_ordinal_once(store: &impl AnyStore) {
    let tenant = tenant();
    let dense = (0..200_000).filter(|n| n % 3 != 0);
    let sparse = (0..300).map(|n| 1_000_000 + n * 500_009);
    let set: RoaringBitmap = dense.chain(sparse).chain([u32::MAX]).collect();
    let id = Uuid::new_v4();
    store.freeze(tenant.id, id, &set, HOUR).await.expect("freeze");
    let mut walked = Vec::new();
    let mut below = None;
    loop {
        let limit = if walked.len() < 400 { 77 } else { 20_000 };
        let page = page(store, &tenant, id, below, limit).await.expect("a page");
        walked.extend(page.ordinals.iter().map(|ordinal| ordinal.0));
        assert_eq!(page.remaining, set.len() - walked.len() as u64);
        assert!(page.ordinals.len() == limit || page.remaining == 0, "a page ended early");
        below = page.ordinals.last().copied();
        if page.remaining == 0 {
            break;
        }
    }
    assert!(walked.iter().rev().copied().eq(set.iter()), "{} walked", walked.len());
    assert_eq!(page(store, &tenant, id, below, 10).await, None);
}

/// Nobody takes what expired for the end of a walk.
pub async fn a_frozen_set_belongs_to_one_tenant_and_ends_with_its_time(store: &impl AnyStore) {
    let (tenant, id) = (tenant(), Uuid::new_v4());
    let set = RoaringBitmap::from([1, 2, 3]);
    assert_eq!(page(store, &tenant, id, None, 10).await, None);
    store.freeze(tenant.id, id, &set, HOUR).await.expect("freeze");
    assert_eq!(page(store, &super::super::tenant(), id, None, 10).await, None);
    let expected = FrozenPage { ordinals: vec![Ordinal(3), Ordinal(2)], remaining: 1 };
    assert_eq!(page(store, &tenant, id, None, 2).await, Some(expected));
    let gone = Uuid::new_v4();
    store.freeze(tenant.id, gone, &set, TimeDelta::zero()).await.expect("freeze");
    assert_eq!(page(store, &tenant, gone, None, 2).await, None);
}
