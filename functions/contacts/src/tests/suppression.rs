//! Unsubscribes are never lost, whichever way is tried.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[tokio::test]
async fn nothing_but_consent_resubscribes() {
    let client = client().await;
    create(&client, json!({"email": "a@example.com", "status": "unsubscribed"})).await;
    let active = json!({"email": "a@example.com", "status": "active"});
    let by_patch = patch(&client, "a@example.com", json!({"status": "active"})).await;
    assert_eq!((by_patch.status, by_patch.code()), (422, "consent_required"));
    assert_eq!(pointers(&by_patch), [("/status".to_owned(), "consent_required".to_owned())]);
    let by_upsert = client.json(Method::PUT, "/api/v1/contacts", active.clone()).await;
    assert_eq!(by_upsert.code(), "consent_required");
    let by_detour = patch(&client, "a@example.com", json!({"status": "pending"})).await;
    assert_eq!(by_detour.code(), "consent_required");
    let by_batch = client.json(Method::POST, "/api/v1/contacts/batch", json!({"contacts": [active]})).await;
    assert_eq!(by_batch.json["results"][0]["error"]["code"], "consent_required");
    let with_consent =
        patch(&client, "a@example.com", json!({"status": "active", "consent": consent()})).await;
    assert_eq!((with_consent.status, &with_consent.json["status"]), (200, &json!("active")));
}

#[tokio::test]
async fn a_deleted_unsubscribe_comes_back_as_one() {
    let client = client().await;
    create(&client, json!({"email": "a@example.com", "status": "bounced"})).await;
    client.call(Method::DELETE, "/api/v1/contacts/a@example.com").await;
    assert_eq!(get(&client, "a@example.com").await.status, 404);
    let back = create(&client, json!({"email": "a@example.com", "status": "active"})).await;
    assert_eq!((back.status, &back.json["status"]), (201, &json!("bounced")));
    client.call(Method::DELETE, "/api/v1/contacts/a@example.com").await;
    let consented = create(&client, json!({"email": "a@example.com", "consent": consent()})).await;
    assert_eq!(consented.json["status"], "active");
}

#[tokio::test]
async fn a_contact_that_moves_to_a_suppressed_address_is_suppressed() {
    let client = client().await;
    create(&client, json!({"email": "gone@example.com", "status": "unsubscribed"})).await;
    client.call(Method::DELETE, "/api/v1/contacts/gone@example.com").await;
    create(&client, json!({"email": "a@example.com"})).await;
    let moved = patch(&client, "a@example.com", json!({"email": "gone@example.com"})).await;
    assert_eq!(moved.json["status"], "unsubscribed");
    // And away again: both addresses stay suppressed.
    let away = patch(&client, "gone@example.com", json!({"email": "b@example.com"})).await;
    assert_eq!(away.json["status"], "unsubscribed");
    assert_eq!(create(&client, json!({"email": "gone@example.com"})).await.json["status"], "unsubscribed");
}

#[derive(Debug, Clone)]
enum Operation {
    Create { email: usize, status: usize, consent: bool },
    Upsert { email: usize, status: Option<usize>, consent: bool },
    Batch { email: usize, status: Option<usize>, mode: usize },
    Patch { email: usize, status: Option<usize>, to: Option<usize>, consent: bool },
    Delete { email: usize, erase: bool },
    Suppress { email: usize, reason: usize },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let email = 0..3_usize;
    let status = proptest::option::of(0..4_usize);
    let consent = prop::bool::weighted(0.15);
    let operation = prop_oneof![
        (email.clone(), 0..4_usize, consent).prop_map(|(email, status, consent)| Operation::Create {
            email,
            status,
            consent
        }),
        (email.clone(), status.clone(), consent).prop_map(|(email, status, consent)| Operation::Upsert {
            email,
            status,
            consent
        }),
        (email.clone(), status.clone(), 0..3_usize).prop_map(|(email, status, mode)| Operation::Batch {
            email,
            status,
            mode
        }),
        (email.clone(), status, proptest::option::of(email.clone()), consent)
            .prop_map(|(email, status, to, consent)| Operation::Patch { email, status, to, consent }),
        (email.clone(), 0..5_usize).prop_map(|(email, reason)| Operation::Suppress { email, reason }),
        (email, prop::bool::weighted(0.3)).prop_map(|(email, erase)| Operation::Delete { email, erase }),
    ];
    proptest::collection::vec(operation, 1..40)
}

const REASONS: [&str; 5] = ["unsubscribed", "hard_bounce", "complaint", "erased", "manual"];
const STATUSES: [&str; 4] = ["active", "pending", "unsubscribed", "bounced"];

fn address(number: usize) -> String {
    format!("person-{number}@example.com")
}

fn body(status: Option<usize>, with_consent: bool) -> Value {
    let mut body = json!({});
    if let Some(status) = status {
        body["status"] = json!(STATUSES[status]);
    }
    if with_consent {
        body["consent"] = consent();
    }
    body
}

/// Carries out one operation, and tells whether it gave consent.
async fn run(client: &Client, operation: &Operation) -> bool {
    match operation {
        Operation::Create { email, status, consent } => {
            let mut body = body(Some(*status), *consent);
            body["email"] = json!(address(*email));
            create(client, body).await;
            *consent
        }
        Operation::Upsert { email, status, consent } => {
            let mut body = body(*status, *consent);
            body["email"] = json!(address(*email));
            client.json(Method::PUT, "/api/v1/contacts", body).await;
            *consent
        }
        Operation::Batch { email, status, mode } => {
            let mut body = body(*status, false);
            body["email"] = json!(address(*email));
            let mode = ["upsert", "create_only", "update_only"][*mode];
            client
                .json(Method::POST, "/api/v1/contacts/batch", json!({"mode": mode, "contacts": [body]}))
                .await;
            false
        }
        Operation::Patch { email, status, to, consent } => {
            let mut body = body(*status, *consent);
            if let Some(to) = to {
                body["email"] = json!(address(*to));
            }
            patch(client, &address(*email), body).await;
            *consent
        }
        Operation::Suppress { email, reason } => {
            let item = json!({"email": address(*email), "reason": REASONS[*reason]});
            client.json(Method::POST, "/api/v1/suppressions", json!({"suppressions": [item]})).await;
            false
        }
        Operation::Delete { email, erase } => {
            let path = format!("/api/v1/contacts/{}?erase={erase}", address(*email));
            client.call(Method::DELETE, &path).await;
            false
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_operations_leads_from_suppressed_to_active_without_consent(operations in operations()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let client = client().await;
            // Addresses that were seen suppressed, and ids of contacts that were.
            let mut suppressed: BTreeMap<String, bool> = BTreeMap::new();
            for operation in &operations {
                let consented = run(&client, operation).await;
                for number in 0..3 {
                    let shown = get(&client, &address(number)).await;
                    if shown.status == 404 {
                        let path = format!("/api/v1/suppressions/{}", address(number));
                        if client.call(Method::GET, &path).await.status == 200 {
                            suppressed.insert(address(number), true);
                        }
                        continue;
                    }
                    let now = matches!(shown.json["status"].as_str(), Some("unsubscribed" | "bounced"));
                    for name in [address(number), shown.json["id"].as_str().unwrap().to_owned()] {
                        let before = suppressed.insert(name.clone(), now).unwrap_or(false);
                        assert!(!before || now || consented, "{name} was resubscribed by {operation:?}");
                    }
                }
            }
        });
    }
}
