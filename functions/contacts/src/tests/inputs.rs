use super::*;

#[tokio::test]
async fn every_fault_of_a_body_is_told_with_its_pointer() {
    let client = client().await;
    let reply = create(
        &client,
        json!({
            "email": "nobody", "first_name": "x".repeat(101), "company": 5, "status": "paused", "tags": ["a", ""],
            "attributes": {"!!!": 1, "City": "a", "city": "b"}, "consent": {"source": "form"}, "lists": ["VIP"],
            "score": 5, "scroe": 1, "a/b": 2,
        }),
    )
    .await;
    assert_eq!((reply.status, reply.code()), (422, "invalid_request"));
    let mut found = pointers(&reply);
    found.sort();
    let expected = [
        ("/attributes/!!!", "invalid_field"),
        ("/attributes/city", "duplicate_field"),
        ("/a~1b", "unknown_member"),
        ("/company", "wrong_type"),
        ("/consent", "invalid_value"),
        ("/email", "invalid_email"),
        ("/first_name", "too_long"),
        ("/lists", "not_available"),
        ("/score", "read_only"),
        ("/scroe", "unknown_member"),
        ("/status", "invalid_status"),
        ("/tags/1", "invalid_tag"),
    ];
    let expected: Vec<(String, String)> = expected.iter().map(|(p, c)| ((*p).into(), (*c).into())).collect();
    assert_eq!(found, expected);
    let one = create(&client, json!({"first_name": "Jane"})).await;
    assert_eq!((one.status, one.code()), (422, "missing_email"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_400_or_413() {
    let client = client().await;
    let send = async |body: String| client.send(Method::POST, "/api/v1/contacts", &[], body.into()).await;
    for body in ["", "{", "[]", "null", "{\"email\":}"] {
        let reply = send(body.to_owned()).await;
        assert_eq!((reply.status, reply.code()), (400, "malformed_request"), "{body}");
    }
    assert_eq!(send("[".repeat(100)).await.status, 400);
    let large = json!({"email": "a@example.com", "company": "x".repeat(api::BODY_BYTES)}).to_string();
    let reply = send(large).await;
    assert_eq!((reply.status, reply.code()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_field_keeps_the_type_of_its_first_sighting() {
    let client = client().await;
    create(&client, json!({"email": "a@example.com", "attributes": {"budget": 5, "zip": "07001"}})).await;
    let wrong =
        create(&client, json!({"email": "b@example.com", "attributes": {"budget": "1.234,56"}})).await;
    assert_eq!((wrong.status, wrong.code()), (422, "wrong_type"));
    assert_eq!(pointers(&wrong), [("/attributes/budget".to_owned(), "wrong_type".to_owned())]);
    assert_eq!(get(&client, "b@example.com").await.status, 404);
    let converted =
        create(&client, json!({"email": "b@example.com", "attributes": {"Budget": "7.50", "zip": 8014}}))
            .await;
    assert_eq!(converted.json["attributes"], json!({"budget": 7.5, "zip": "8014"}));
}

#[tokio::test]
async fn a_refused_body_defines_no_field() {
    let client = client().await;
    let refused = json!({"email": "a@example.com", "attributes": {"new": 5, "bad": [1]}});
    assert_eq!(create(&client, refused).await.code(), "wrong_type");
    // Had `new` become a number, text would be refused now.
    let taken = create(&client, json!({"email": "a@example.com", "attributes": {"new": "text"}})).await;
    assert_eq!(taken.json["attributes"], json!({"new": "text"}));
}

#[tokio::test]
async fn a_patch_sets_clears_and_leaves() {
    let client = client().await;
    let body = json!({"email": "a@example.com", "first_name": "A", "company": "Acme", "tags": ["x"], "attributes": {"a": 1, "b": 2}});
    let id = create(&client, body).await.json["id"].as_str().unwrap().to_owned();
    let change = json!({"company": null, "last_name": "B", "tags": ["y"], "attributes": {"a": null, "c": 3}});
    let patched = patch(&client, &id, change).await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.json["attributes"], json!({"b": 2, "c": 3}));
    assert_eq!(patched.json["tags"], json!(["y"]));
    assert_eq!((&patched.json["first_name"], &patched.json["last_name"]), (&json!("A"), &json!("B")));
    assert_eq!((&patched.json["company"], &patched.json["version"]), (&Value::Null, &json!(2)));
    let same = patch(&client, &id, json!({"last_name": "B"})).await;
    assert_eq!((same.status, &same.json["version"]), (200, &json!(2)));
    let cleared = patch(&client, &id, json!({"attributes": null})).await;
    assert_eq!(cleared.json["attributes"], json!({}));
    assert_eq!(patch(&client, &id, json!({"email": null})).await.code(), "missing_email");
}

#[tokio::test]
async fn an_upsert_merges_and_creates() {
    let client = client().await;
    let put = async |body| client.json(Method::PUT, "/api/v1/contacts", body).await;
    let first =
        put(json!({"email": "a@example.com", "company": "Acme", "attributes": {"a": 1}, "tags": ["x"]}))
            .await;
    assert_eq!(first.status, 201);
    let second =
        put(json!({"email": "A@example.com", "job_title": "CTO", "attributes": {"b": 2}, "tags": ["y"]}))
            .await;
    assert_eq!(second.status, 200);
    assert_eq!(second.json["id"], first.json["id"]);
    assert_eq!(second.json["attributes"], json!({"a": 1, "b": 2}));
    assert_eq!(second.json["tags"], json!(["x", "y"]));
    assert_eq!(second.json["company"], "Acme");
}

#[tokio::test]
async fn an_email_change_keeps_the_id_and_frees_the_address() {
    let client = client().await;
    let id = create(&client, json!({"email": "a@example.com"})).await.json["id"].as_str().unwrap().to_owned();
    create(&client, json!({"email": "taken@example.com"})).await;
    let taken = patch(&client, &id, json!({"email": "taken@example.com"})).await;
    assert_eq!((taken.status, taken.code()), (409, "contact_exists"));
    let moved = patch(&client, "a@example.com", json!({"email": "B@example.com"})).await;
    assert_eq!((moved.status, moved.json["id"].as_str()), (200, Some(id.as_str())));
    assert_eq!(
        (&moved.json["email"], &moved.json["email_display"]),
        (&json!("b@example.com"), &json!("B@example.com"))
    );
    assert_eq!(get(&client, "a@example.com").await.status, 404);
    assert_eq!(create(&client, json!({"email": "a@example.com"})).await.status, 201);
}
