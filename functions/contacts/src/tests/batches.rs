use super::*;

async fn batch(client: &Client, mode: &str, contacts: Value) -> Reply {
    client.json(Method::POST, "/api/v1/contacts/batch", json!({"mode": mode, "contacts": contacts})).await
}

fn statuses(reply: &Reply) -> Vec<u64> {
    reply.json["results"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn each_item_of_a_batch_has_its_own_result() {
    let client = client().await;
    create(&client, json!({"email": "old@example.com", "company": "Acme"})).await;
    let contacts = json!([
        {"email": "new@example.com"}, {"email": "nobody"}, {"email": "old@example.com", "company": "Other"},
        {"email": "old2@example.com", "scroe": 1}, {"email": "new@example.com"}, 5,
    ]);
    let reply = batch(&client, "upsert", contacts).await;
    assert_eq!(reply.status, 200);
    assert_eq!(statuses(&reply), [201, 422, 200, 422, 200, 422]);
    let counts = |name: &str| reply.json[name].as_u64().unwrap();
    assert_eq!([counts("created"), counts("updated"), counts("unchanged"), counts("failed")], [1, 1, 1, 3]);
    let results = &reply.json["results"];
    assert_eq!(results[1]["error"]["errors"][0]["pointer"], "/email");
    assert_eq!(results[3]["error"]["code"], "unknown_member");
    assert_eq!(results[0]["id"], results[4]["id"]);
}

#[tokio::test]
async fn the_mode_says_which_contacts_a_batch_may_touch() {
    let client = client().await;
    let old = create(&client, json!({"email": "old@example.com"})).await;
    let both = json!([{"email": "old@example.com", "company": "A"}, {"email": "new@example.com"}]);
    let updated = batch(&client, "update_only", both.clone()).await;
    assert_eq!(statuses(&updated), [200, 404]);
    let created = batch(&client, "create_only", both).await;
    assert_eq!(statuses(&created), [409, 201]);
    assert_eq!(created.json["results"][0]["error"]["id"], old.json["id"]);
    assert_eq!(batch(&client, "replace", json!([])).await.code(), "invalid_value");
}

#[tokio::test]
async fn items_of_one_address_take_effect_in_their_order() {
    let client = client().await;
    let contacts: Vec<Value> = (0..5)
        .map(|n| json!({"email": "a@example.com", "first_name": format!("n{n}"), "attributes": {"n": n}}))
        .collect();
    let reply = batch(&client, "upsert", json!(contacts)).await;
    assert_eq!(statuses(&reply), [201, 200, 200, 200, 200]);
    assert_eq!(get(&client, "a@example.com").await.json["first_name"], "n4");
}

#[tokio::test]
async fn a_batch_takes_a_thousand_contacts_and_no_more() {
    let client = client().await;
    let contacts: Vec<Value> = (0..1_000).map(|n| json!({"email": format!("p{n}@example.com")})).collect();
    let reply = batch(&client, "upsert", json!(contacts)).await;
    assert_eq!((reply.status, reply.json["created"].as_u64()), (200, Some(1_000)));
    let more: Vec<Value> = (0..1_001).map(|n| json!({"email": format!("p{n}@example.com")})).collect();
    let refused = batch(&client, "upsert", json!(more)).await;
    assert_eq!((refused.status, refused.code()), (422, "too_many_items"));
    assert_eq!(batch(&client, "upsert", json!({})).await.code(), "wrong_type");
}
