use axum::body::Body;

use super::*;

#[tokio::test]
async fn a_taken_email_is_409_and_names_the_contact() {
    let client = client().await;
    let first = create(&client, json!({"email": "a@example.com"})).await;
    let second = create(&client, json!({"email": "A@EXAMPLE.com"})).await;
    assert_eq!((second.status, second.code()), (409, "contact_exists"));
    assert_eq!(second.json["id"], first.json["id"]);
    assert_eq!(second.json["type"], "/problems/contact_exists");
}

#[tokio::test]
async fn a_write_with_a_stale_etag_is_412() {
    let client = client().await;
    let created = create(&client, json!({"email": "a@example.com"})).await;
    let path = format!("/api/v1/contacts/{}", created.json["id"].as_str().unwrap());
    let etag = created.header("etag").to_owned();
    let change = |name: &str| Body::from(json!({"first_name": name}).to_string());
    let if_match = [("if-match", etag.as_str())];
    let patched = client.send(Method::PATCH, &path, &if_match, change("A")).await;
    assert_eq!(patched.status, 200);
    assert_ne!(patched.header("etag"), etag);
    let stale = client.send(Method::PATCH, &path, &if_match, change("B")).await;
    assert_eq!((stale.status, stale.code()), (412, "precondition_failed"));
    assert_eq!(client.send(Method::DELETE, &path, &if_match, Body::empty()).await.status, 412);
    let put = Body::from(json!({"email": "a@example.com", "first_name": "C"}).to_string());
    assert_eq!(client.send(Method::PUT, "/api/v1/contacts", &if_match, put).await.status, 412);
    let malformed = client.send(Method::PATCH, &path, &[("if-match", "x")], change("D")).await;
    assert_eq!((malformed.status, malformed.code()), (400, "malformed_request"));
    let fresh = [("if-match", patched.header("etag"))];
    assert_eq!(client.send(Method::DELETE, &path, &fresh, Body::empty()).await.status, 204);
    assert_eq!(client.call(Method::DELETE, &path).await.status, 404);
}

#[tokio::test]
async fn the_etag_of_a_deleted_contact_is_not_good_for_the_next_at_its_address() {
    let client = client().await;
    let first = create(&client, json!({"email": "a@example.com"})).await;
    client.call(Method::DELETE, "/api/v1/contacts/a@example.com").await;
    create(&client, json!({"email": "a@example.com"})).await;
    let stale = [("if-match", first.header("etag"))];
    let change = Body::from(json!({"first_name": "A"}).to_string());
    assert_eq!(
        client.send(Method::PATCH, "/api/v1/contacts/a@example.com", &stale, change).await.status,
        412
    );
}

#[tokio::test]
async fn if_none_match_creates_only_and_reads_only_news() {
    let client = client().await;
    let put = async |name: &str| {
        let body = Body::from(json!({"email": "a@example.com", "first_name": name}).to_string());
        client.send(Method::PUT, "/api/v1/contacts", &[("if-none-match", "*")], body).await
    };
    let created = put("A").await;
    assert_eq!(created.status, 201);
    assert_eq!(put("B").await.status, 412);
    let known = [("if-none-match", created.header("etag"))];
    let read = client.send(Method::GET, "/api/v1/contacts/a@example.com", &known, Body::empty()).await;
    assert_eq!(read.status, 304);
}
