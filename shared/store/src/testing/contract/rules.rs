//! Clauses on scoring rules, and on how far contacts are folded under them.

use model::Tenant;
use model::scoring::{Published, RefoldPlan, RefoldRange, ScoringRules, Tiers};
use serde_json::json;

use super::AnyStore;
use super::contacts::now;
use crate::testing::{stored_tenant, tenant};

fn rules(points: i32, version: u64) -> ScoringRules {
    let json = json!({"rules": [{"id": "a", "event": "email.opened", "points": points, "condition": "company:Acme"}]});
    ScoringRules::from_json(&json, version).expect("rules")
}

async fn read(store: &impl AnyStore, tenant: &Tenant) -> Tenant {
    store.tenant(tenant.id).await.expect("read").expect("a tenant")
}

/// And every version stays as it was published.
pub async fn rules_are_published_only_over_those_that_were_read(store: &impl AnyStore) {
    let (before, other) = (stored_tenant(store).await, stored_tenant(store).await);
    assert_eq!(before.scoring, Published::default());
    assert_eq!(*store.rules(before.id, 0).await.expect("read"), ScoringRules::default());
    let first = Published { revision: 1, version: 1, tiers: Tiers { warm: -5, hot: 7 } };
    assert!(store.publish_rules(&before, first, &rules(3, 1)).await.expect("publish"));
    assert!(!store.publish_rules(&before, first, &rules(9, 1)).await.expect("publish"));
    let mine = read(store, &before).await;
    assert_eq!(mine, Tenant { scoring: first, ..before.clone() });
    // Settings are another matter.
    assert!(store.save_settings(mine.id, &mine.settings).await.expect("save"));
    let second = Published { revision: 2, version: 2, ..first };
    assert!(store.publish_rules(&mine, second, &rules(4, 2)).await.expect("publish"));
    assert!(!store.publish_rules(&mine, second, &rules(9, 2)).await.expect("publish"));
    assert_eq!(read(store, &before).await.scoring, second);
    // Other tiers alone leave the rules.
    let third = Published { revision: 3, tiers: Tiers::default(), ..second };
    let mine = Tenant { scoring: second, ..mine };
    assert!(store.publish_rules(&mine, third, &rules(4, 2)).await.expect("publish"));
    for (version, points) in [(1, 3), (2, 4)] {
        assert_eq!(*store.rules(before.id, version).await.expect("read"), rules(points, version));
    }
    assert!(store.rules(before.id, 3).await.is_err());
    assert!(store.rules(other.id, 1).await.is_err());
    assert_eq!(read(store, &other).await.scoring, Published::default());
    assert!(!store.publish_rules(&tenant(), first, &rules(3, 1)).await.expect("publish"));
}

/// Whoever notes it again.
pub async fn a_refold_keeps_its_plan_and_each_range_once(store: &impl AnyStore) {
    let (tenant, other) = (tenant(), tenant());
    assert_eq!(store.refold(tenant.id, 1).await.expect("read"), None);
    let plan = RefoldPlan { ordinals: 30, started_at: now() };
    let later = RefoldPlan { ordinals: 50, ..plan };
    assert_eq!(store.plan_refold(tenant.id, 1, &plan).await.expect("plan"), plan);
    assert_eq!(store.plan_refold(tenant.id, 1, &later).await.expect("plan"), plan);
    let range = |from, to| RefoldRange { from, to, contacts: 2, done_at: now() };
    for range in [range(10, 30), range(0, 10), range(0, 20)] {
        store.finish_refold_range(tenant.id, 1, &range).await.expect("finish");
    }
    assert_eq!(store.refold_range(tenant.id, 1, 0).await.expect("read"), Some(range(0, 10)));
    assert_eq!(store.refold_range(tenant.id, 1, 20).await.expect("read"), None);
    assert_eq!(store.refold_range(tenant.id, 2, 0).await.expect("read"), None);
    let refold = store.refold(tenant.id, 1).await.expect("read").expect("a refold");
    assert_eq!((refold.plan, refold.ranges), (plan, vec![range(0, 10), range(10, 30)]));
    assert_eq!(store.refold(other.id, 1).await.expect("read"), None);
}
