use std::collections::BTreeSet;

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use model::ListNumber;
use serde_json::{Value, json};
use store::testing::{CallFaults, Moment};
use store::{ContactStore, ListWork, TimedTask, TimerStore};

use super::{Ground, NOW, ground};

impl Ground {
    /// Asks for a change in the background, and gives where to follow it.
    async fn asked(&self, path: &str, mut body: Value) -> String {
        body["background"] = json!(true);
        let reply = self.post(path, body).await;
        assert_eq!((reply.status, &reply.json["status"]), (202, &json!("running")), "{}", reply.json);
        let location = reply.headers["location"].to_str().unwrap();
        location.strip_prefix("/api/v1/lists").unwrap().to_owned()
    }

    /// Works on all jobs, as the clock does.
    async fn work(&self) {
        let work = ListWork { store: &self.store, tenant: &self.tenant };
        while work.go_on(NOW.parse().unwrap()).await.unwrap() {}
    }

    async fn members(&self) -> BTreeSet<String> {
        let on = self.contacts().await.into_iter().filter(|contact| !contact.profile.lists.is_empty());
        on.map(|contact| contact.profile.email.to_string()).collect()
    }
}

fn soon(minutes: i64) -> DateTime<Utc> {
    NOW.parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn counts(job: &Value) -> [u64; 5] {
    ["total", "added", "removed", "unchanged", "failed"].map(|name| job[name].as_u64().unwrap())
}

#[tokio::test]
async fn any_number_of_contacts_comes_onto_a_list_and_goes_off_it_in_the_background() {
    let ground = ground(2_345).await;
    let list = ground.made("All", None).await;
    let path = format!("/{list}/contacts");
    let mut names: Vec<String> = (0..1_500).map(|n| format!("c{n}@example.com")).collect();
    names[1_200] = "nobody@example.com".to_owned();
    names[1_201] = "c7@example.com".to_owned();
    names[3] = ground.contact("c3@example.com").await.id.to_string();
    let job =
        ground.asked(&path, json!({"add": names, "remove": ["c4@example.com", "c2000@example.com"]})).await;
    assert_eq!(ground.store.due_timers(soon(1)).await.unwrap()[0].task, TimedTask::Lists);
    assert_eq!(ground.get(&job).await.json["progress"], 0.0);
    ground.work().await;
    let done = ground.get(&job).await.json;
    assert_eq!(
        (&done["status"], &done["progress"], &done["problem"]),
        (&json!("done"), &json!(1.0), &json!(null))
    );
    assert_eq!(counts(&done), [1_502, 1_498, 1, 2, 1], "{done}");
    assert_eq!(done["failures"], json!([{"op": "add", "index": 1_200, "code": "contact_not_found"}]));
    assert_eq!(ground.members().await.len(), 1_497);
    ground.index().await;

    let job = ground.asked(&path, json!({"remove_query": "list:All AND industry:odd"})).await;
    // Whom the rule means is settled: who comes now is left alone.
    ground.post(&path, json!({"add": ["c2001@example.com"]})).await;
    let gone = ground.contact("c5@example.com").await;
    ground.store.delete(&ground.tenant, &gone, NOW.parse().unwrap()).await.unwrap();
    ground.work().await;
    let done = ground.get(&job).await.json;
    assert_eq!(
        (counts(&done)[1..].to_vec(), &done["progress"]),
        (vec![0, counts(&done)[0] - 1, 0, 0], &json!(1.0))
    );
    let left = ground.members().await;
    assert!(
        left.contains("c2001@example.com")
            && left.contains("c6@example.com")
            && !left.contains("c7@example.com")
    );
    let items = ground.get("/All/jobs").await.json["items"].clone();
    assert_eq!(items.as_array().unwrap().iter().filter(|job| job["status"] == "done").count(), 2);
}

#[tokio::test]
async fn a_change_that_dies_anywhere_is_done_and_counted_once() {
    for at in 0.. {
        let mut ended = false;
        for moment in [Moment::Before, Moment::After] {
            let ground = ground(30).await;
            ground.made("All", None).await;
            let names: Vec<String> = (0..10).map(|n| format!("c{n}@example.com")).collect();
            let job =
                ground.asked("/All/contacts", json!({"add": names, "add_query": "industry:even"})).await;
            let faults = CallFaults::crash(at, moment);
            let failing = ground.store.failing(faults.clone());
            let work = ListWork { store: &failing, tenant: &ground.tenant };
            while let Ok(true) = work.go_on(NOW.parse().unwrap()).await {}
            ground.work().await;
            let done = ground.get(&job).await.json;
            assert_eq!(
                (&done["status"], counts(&done)),
                (&json!("done"), [25, 20, 0, 5, 0]),
                "call {at}, {moment:?}"
            );
            assert_eq!(ground.members().await.len(), 20);
            ended |= faults.calls() <= at;
        }
        if ended {
            assert!(at > 10, "{at} calls");
            return;
        }
    }
}

#[tokio::test]
async fn a_request_that_dies_anywhere_leaves_no_change_that_is_never_begun() {
    for at in 0.. {
        let ground = ground(4).await;
        ground.made("All", None).await;
        let faults = CallFaults::crash(at, Moment::After);
        let app = api::App::new(
            ground.store.failing(faults.clone()),
            store::Clock::starting_at(NOW.parse().unwrap()),
        );
        let scopes = ["contacts:read", "lists:read", "lists:write"];
        let client = api::testing::Client::new(
            crate::routes(&app).into_router(&app),
            &ground.store,
            &ground.tenant,
            &scopes,
        )
        .await;
        let body = json!({"add_query": "industry:even", "background": true});
        let reply = client.json(Method::POST, "/api/v1/lists/All/contacts", body).await;
        let is_kept = !ground.get("/All/jobs").await.json["items"].as_array().unwrap().is_empty();
        let is_begun = !ground.store.due_timers(soon(3)).await.unwrap().is_empty();
        assert!(is_begun || !is_kept, "call {at}");
        if faults.calls() <= at {
            assert_eq!(reply.status, 202);
            return;
        }
    }
}

#[tokio::test]
async fn a_change_of_a_list_that_is_deleted_meanwhile_ends() {
    let ground = ground(4).await;
    let list = ground.made("Old", None).await;
    let job = ground.asked("/Old/contacts", json!({"add_query": "has:budget"})).await;
    assert_eq!(ground.delete("/Old").await.status, 204);
    ground.work().await;
    let done = ground.get(&job).await.json;
    assert_eq!((&done["status"], &done["problem"]), (&json!("failed"), &json!("list_not_found")));
    assert_eq!(done["list_id"], json!(list));
    assert!(ground.contact("c1@example.com").await.profile.lists.is_empty());
}

#[tokio::test]
async fn a_change_whose_contacts_are_forgotten_says_so() {
    let ground = ground(4).await;
    ground.made("All", None).await;
    let job = ground.asked("/All/contacts", json!({"add_query": "has:budget"})).await;
    ground.store.forget_frozen();
    ground.work().await;
    let done = ground.get(&job).await.json;
    assert_eq!((&done["status"], &done["problem"]), (&json!("failed"), &json!("expired")));
}

#[tokio::test]
async fn a_rule_that_means_nobody_is_done_at_once() {
    let ground = ground(4).await;
    ground.made("All", None).await;
    let job = ground.asked("/All/contacts", json!({"add_query": "budget:>100"})).await;
    ground.work().await;
    let done = ground.get(&job).await.json;
    assert_eq!((&done["status"], &done["progress"], counts(&done)), (&json!("done"), &json!(1.0), [0; 5]));
}

#[tokio::test]
async fn each_fault_of_a_background_change_has_its_place() {
    let ground = ground(2).await;
    ground.made("VIP", None).await;
    let other = ground.made("Other", None).await;
    ground.made("Hot", Some("score:>50")).await;
    let job = ground.asked("/VIP/contacts", json!({"add": ["c1@example.com"]})).await;
    let id = job.rsplit('/').next().unwrap();
    for path in [format!("/{other}/jobs/{id}"), "/VIP/jobs/none".into(), format!("/VIP/jobs/{other}")] {
        let reply = ground.get(&path).await;
        assert_eq!((reply.status, reply.code()), (404, "job_not_found"), "{path}");
    }
    assert_eq!(ground.get("/Nothing/jobs").await.code(), "list_not_found");
    for (path, body, expected) in [
        ("/Hot/contacts", json!({"add": ["c0@example.com"], "background": true}), (409, "list_is_dynamic")),
        ("/VIP/contacts", json!({"add": ["c0@example.com"], "background": "yes"}), (422, "invalid_value")),
        ("/VIP/contacts", json!({"add_query": "a", "cursor": "x", "background": true}), (422, "conflict")),
        ("/VIP/contacts", json!({"background": true}), (422, "required")),
    ] {
        let reply = ground.post(path, body.clone()).await;
        let code = reply.json["errors"][0]["code"].as_str().unwrap_or(reply.code());
        assert_eq!((reply.status, code), expected, "{path}: {}", reply.json);
    }
    for _ in 1..20 {
        ground.asked("/VIP/contacts", json!({"add": ["c1@example.com"]})).await;
    }
    let one_more = json!({"add": ["c1@example.com"], "background": true});
    assert_eq!(ground.post("/VIP/contacts", one_more.clone()).await.code(), "too_many_jobs");
    ground.work().await;
    assert_eq!(ground.post("/VIP/contacts", one_more).await.status, 202);
    assert_eq!(ground.contact("c1@example.com").await.profile.lists, BTreeSet::from([ListNumber(0)]));
}
