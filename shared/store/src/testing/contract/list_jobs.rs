//! Clauses on changes of lists that go on behind the API.

use chrono::TimeDelta;
use model::ListId;
use uuid::Uuid;

use super::AnyStore;
use super::contacts::now;
use crate::testing::tenant;
use crate::{ListEdit, ListJob, ListJobCounts, ListJobFailure, ListJobPlace, ListJobProblem, NamedPart};

fn job() -> ListJob {
    ListJob {
        id: Uuid::new_v4(),
        list: ListId(Uuid::new_v4()),
        total: 3,
        parts: 2,
        meant: Some(ListEdit::Remove),
        place: ListJobPlace::Names(0),
        counts: ListJobCounts::default(),
        failures: Vec::new(),
        created_at: now(),
        finished_at: None,
        problem: None,
        revision: 0,
    }
}

fn named(edit: ListEdit, names: &[&str]) -> NamedPart {
    NamedPart { edit, first: 7, names: names.iter().map(|&name| name.to_owned()).collect() }
}

/// And each tenant has its own.
pub async fn jobs_of_lists_are_kept_with_their_names(store: &impl AnyStore) {
    let (tenant, other) = (tenant().id, tenant().id);
    let first = job();
    let second = ListJob {
        created_at: now() + TimeDelta::seconds(1),
        meant: None,
        place: ListJobPlace::Meant(Some(77)),
        ..job()
    };
    let names = [named(ListEdit::Add, &["a@example.com", "b"]), named(ListEdit::Remove, &["c@example.com"])];
    store.start_list_job(tenant, &first, &names).await.expect("start");
    store.start_list_job(tenant, &second, &[]).await.expect("start");
    assert_eq!(store.list_jobs(tenant).await.expect("read"), [second.clone(), first.clone()]);
    assert_eq!(store.list_job(tenant, first.id).await.expect("read").as_ref(), Some(&first));
    for (part, expected) in [(0, Some(&names[0])), (1, Some(&names[1])), (2, None)] {
        assert_eq!(store.named_part(tenant, first.id, part).await.expect("read").as_ref(), expected);
        assert_eq!(store.named_part(other, first.id, part).await.expect("read"), None);
    }
    assert_eq!(store.list_jobs(other).await.expect("read"), []);
    assert_eq!(store.list_job(other, first.id).await.expect("read"), None);
    for _ in 0..2 {
        store.forget_named_part(tenant, first.id, 0).await.expect("forget");
    }
    assert_eq!(store.named_part(tenant, first.id, 0).await.expect("read"), None);
    assert_eq!(store.named_part(tenant, first.id, 1).await.expect("read").as_ref(), Some(&names[1]));
}

/// Two that go on with the same job do not both count.
pub async fn a_job_of_a_list_moves_on_only_from_where_it_was_read(store: &impl AnyStore) {
    let tenant = tenant().id;
    let start = job();
    store.start_list_job(tenant, &start, &[]).await.expect("start");
    let failure =
        ListJobFailure { edit: ListEdit::Add, index: Some(4), code: "contact_not_found".to_owned() };
    let counts = ListJobCounts { done: 2, added: 1, failed: 1, ..ListJobCounts::default() };
    let next = ListJob {
        place: ListJobPlace::Meant(None),
        counts,
        failures: vec![failure],
        finished_at: Some(now()),
        problem: Some(ListJobProblem::Expired),
        revision: 1,
        ..start.clone()
    };
    assert!(store.save_list_job(tenant, &next).await.expect("save"));
    assert_eq!(store.list_job(tenant, start.id).await.expect("read"), Some(next.clone()));
    assert!(!store.save_list_job(tenant, &ListJob { total: 9, ..next.clone() }).await.expect("save"));
    assert!(!store.save_list_job(tenant, &ListJob { revision: 1, ..job() }).await.expect("save"));
    assert_eq!(store.list_jobs(tenant).await.expect("read"), [next]);
}
