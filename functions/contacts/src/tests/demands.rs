//! What the tenant's settings and fields demand of attributes.

use model::{AttributeType, Field, FieldSlug, Settings, Sweep};
use store::{FieldStore, TenantStore};

use super::*;

#[tokio::test]
async fn without_inference_an_unknown_attribute_is_refused_by_name() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let settings = Settings { infer_attributes: false, ..Settings::default() };
    store.save_settings(tenant.id, &settings).await.unwrap();
    let slug = FieldSlug::from_name("city").unwrap();
    store.define_field(&tenant, &slug, "City", AttributeType::Text).await.unwrap();
    let app = App::new(store.clone(), Clock::default());
    let client = Client::new(all_routes(&app).into_router(&app), &store, &tenant, &["*"]).await;
    let body = json!({"email": "a@example.com", "attributes": {"city": "Oslo", "Budget": 5}});
    let refused = create(&client, body).await;
    assert_eq!(pointers(&refused), [("/attributes/Budget".to_owned(), "unknown_field".to_owned())]);
    let known = create(&client, json!({"email": "a@example.com", "attributes": {"City": "Oslo"}})).await;
    assert_eq!((known.status, &known.json["attributes"]), (201, &json!({"city": "Oslo"})));
}

#[tokio::test]
async fn required_and_default_hold_on_every_way_in() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let define = async |name: &str, required, default: Option<&str>| {
        let slug = FieldSlug::from_name(name).unwrap();
        let id = store.new_field_id(&tenant, AttributeType::Text).await.unwrap();
        let default = default.map(str::to_owned);
        let field = Field { required, default, ..Field::new(id, slug, name) };
        assert!(store.insert_field(&tenant, &field).await.unwrap());
    };
    define("city", true, None).await;
    define("source", false, Some("web")).await;
    let app = App::new(store.clone(), Clock::default());
    let client = Client::new(all_routes(&app).into_router(&app), &store, &tenant, &["*"]).await;
    let without = json!({"email": "a@example.com"});
    for refused in [
        create(&client, without.clone()).await,
        client.json(Method::PUT, "/api/v1/contacts", without.clone()).await,
    ] {
        assert_eq!(pointers(&refused), [("/attributes".to_owned(), "required_attribute".to_owned())]);
    }
    let batch = json!({"contacts": [without, {"email": "b@example.com", "attributes": {"city": "Rome"}}]});
    let batch = client.json(Method::POST, "/api/v1/contacts/batch", batch).await;
    assert_eq!(batch.json["results"][0]["error"]["code"], "required_attribute");
    assert_eq!(
        get(&client, "b@example.com").await.json["attributes"],
        json!({"city": "Rome", "source": "web"})
    );
    let cleared = patch(&client, "b@example.com", json!({"attributes": {"city": null}})).await;
    assert_eq!(cleared.code(), "required_attribute");
    let cleared = patch(&client, "b@example.com", json!({"attributes": {"source": null}})).await;
    assert_eq!(cleared.json["attributes"], json!({"city": "Rome"}));
}

#[tokio::test]
async fn a_field_of_a_new_type_is_shown_converted_before_anything_is_written() {
    let store = MemoryStore::default();
    let tenant = stored_tenant(&store).await;
    let app = App::new(store.clone(), Clock::default());
    let client = Client::new(all_routes(&app).into_router(&app), &store, &tenant, &["*"]).await;
    for (email, budget) in [("a@example.com", "12"), ("b@example.com", "lots")] {
        create(&client, json!({"email": email, "attributes": {"budget": budget}})).await;
    }
    let slug = FieldSlug::from_name("budget").unwrap();
    let fields = store.fields(&tenant, store::Freshness::Strong).await.unwrap();
    let before = fields.get(&slug).unwrap();
    let id = store.new_field_id(&tenant, AttributeType::Number).await.unwrap();
    let after = before.clone().retyped(id, Sweep::from_ordinal(2));
    store.replace_field(&tenant, before, after).await.unwrap();
    let attributes = async |email| get(&client, email).await.json["attributes"].clone();
    assert_eq!(attributes("a@example.com").await, json!({"budget": 12}));
    assert_eq!(attributes("b@example.com").await, json!({}));
    let patched = patch(&client, "a@example.com", json!({"first_name": "Ada"})).await;
    assert_eq!(patched.json["attributes"], json!({"budget": 12}));
    let refused = patch(&client, "b@example.com", json!({"attributes": {"budget": "lots"}})).await;
    assert_eq!(refused.code(), "wrong_type");
    let mended = patch(&client, "b@example.com", json!({"attributes": {"budget": 90}})).await;
    assert_eq!(mended.json["attributes"], json!({"budget": 90}));
}
