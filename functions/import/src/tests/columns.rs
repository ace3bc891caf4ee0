//! What columns become.

use model::import::{ColumnChoice, ImportOptions, UnmappedColumns};
use model::{AttributeType, AttributeValue, FieldSlug, Profile, Status};
use store::FieldStore;

use super::{World, counts, profile, refusal, rows};

fn mapping(entries: &[(&str, Option<&str>)]) -> ImportOptions {
    let choice =
        |field: &Option<&str>| ColumnChoice { field: field.map(str::to_owned), ..Default::default() };
    let mapping = entries.iter().map(|(column, field)| ((*column).to_owned(), choice(field))).collect();
    ImportOptions { mapping, ..Default::default() }
}

fn attributes(profile: &Profile) -> Vec<String> {
    profile.attributes.values().map(AttributeValue::to_string).collect()
}

#[tokio::test]
async fn a_status_column_of_a_crm_is_an_attribute_and_makes_no_row_invalid() {
    let text = "Email,Status\na@example.com,Qualified\nb@example.com,Active\na@example.com,Lost\n";
    let world = World::new().await;
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(2, 0, 0, 0, 1));
    assert_eq!(world.field_slugs().await, ["status_2:text"]);
    let a = &world.contacts().await["a@example.com"].profile;
    assert_eq!((a.status, attributes(a)), (Status::Active, vec!["Lost".to_owned()]));
}

#[tokio::test]
async fn a_status_column_of_statuses_is_the_status() {
    let text = "Email,Status\na@example.com,Unsubscribed\nb@example.com,\nc@example.com,cleaned\n";
    let world = World::new().await;
    world.import(text, ImportOptions::default()).await;
    let contacts = world.contacts().await;
    assert_eq!(contacts["a@example.com"].profile.status, Status::Unsubscribed);
    assert_eq!(contacts["b@example.com"].profile.status, Status::Active);
    assert_eq!(contacts["c@example.com"].profile.status, Status::Bounced);
    assert!(world.field_slugs().await.is_empty());
}

#[tokio::test]
async fn a_status_column_that_was_asked_for_is_checked_cell_by_cell() {
    let text = "Email,Stage\na@example.com,active\na@example.com,Qualified\n";
    let world = World::new().await;
    let job = world.import(text, mapping(&[("Stage", Some("status"))])).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 1, 0));
}

#[tokio::test]
async fn attributes_have_the_type_that_all_valid_rows_agree_on() {
    let text = "Email,Budget,Zip,Since,VIP,Blank\n\
                a@example.com,5,8014,2026-01-02,true,\n\
                b@example.com,7.5,07001,2026-02-03,false,\n\
                nobody,shifted,1,x,y,z\n";
    let world = World::new().await;
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(2, 0, 0, 1, 0));
    assert_eq!(world.field_slugs().await, ["budget:number", "since:date", "vip:boolean", "zip:text"]);
    let blank = job.columns.iter().find(|planned| planned.column.name == "Blank").unwrap();
    assert_eq!(blank.id, None);
}

#[tokio::test]
async fn a_value_of_the_wrong_type_costs_its_cell_and_not_its_row() {
    let world = World::new().await;
    let slug = FieldSlug::from_name("Budget").unwrap();
    world.deps.store.define_field(&world.tenant, &slug, "Budget", AttributeType::Number).await.unwrap();
    let job =
        world.import("Email,Budget\na@example.com,much\nb@example.com,5\n", ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(2, 0, 0, 0, 0));
    let contacts = world.contacts().await;
    assert!(contacts["a@example.com"].profile.attributes.is_empty());
    assert_eq!(attributes(&contacts["b@example.com"].profile), ["5"]);
    assert_eq!(world.field_slugs().await, ["budget:number"]);
}

#[tokio::test]
async fn columns_map_as_asked_and_the_rest_can_be_left_out() {
    let world = World::new().await;
    let text = "Contact,Notes,Email,City\na@example.com,x,other@example.com,Oslo\n";
    let options = ImportOptions {
        unmapped_columns: UnmappedColumns::Ignore,
        ..mapping(&[("Contact", Some("email")), ("City", Some("attributes.town"))])
    };
    assert_eq!(counts(&world.import(text, options).await), rows(1, 0, 0, 0, 0));
    assert_eq!(world.field_slugs().await, ["town:text"]);
    assert!(world.contacts().await.contains_key("a@example.com"));
}

#[tokio::test]
async fn a_mapping_that_does_not_fit_refuses_the_file() {
    for (options, code) in [
        (mapping(&[("Nope", None)]), "unknown_column"),
        (mapping(&[("City", Some("tier"))]), "invalid_mapping"),
        (mapping(&[("City", Some("company")), ("Town", Some("company"))]), "duplicate_target"),
        (mapping(&[("Email", None)]), "no_email_column"),
    ] {
        let world = World::new().await;
        world.hold(profile("a@example.com")).await;
        let job = world.import("Email,City,Town\na@example.com,Oslo,Oslo\n", options).await;
        assert_eq!(refusal(&job), code);
        assert!(world.field_slugs().await.is_empty());
    }
}
