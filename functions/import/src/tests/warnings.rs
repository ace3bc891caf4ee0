//! The warning report.

use model::import::{ColumnChoice, ImportOptions};
use model::{AttributeType, FieldSlug, Mode, Profile, Status};
use store::{ContactStore, FieldStore};

use super::{World, counts, now, profile, rows};

const WRONG_NUMBER: &str = "this field holds numbers; give digits such as `1234.56`";
const CONSENT: &str =
    "the contact is unsubscribed; give a `consent` record with this write to make it active again";

async fn world_with_budget() -> World {
    let world = World::new().await;
    let slug = FieldSlug::from_name("Budget").unwrap();
    world.deps.store.define_field(&world.tenant, &slug, "Budget", AttributeType::Number).await.unwrap();
    world
}

#[tokio::test]
async fn what_did_not_convert_is_reported_as_it_was() {
    let world = world_with_budget().await;
    let text = "Email,Budget,Note\n\
        a@example.com,\"1.234,56\",x\n\
        b@example.com,5,y\n\
        c@example.com,\" a \"\"lot\"\"\nand more\",z\n\
        bad,much,invalid rows are in the other report\n\
        d@example.com,=1+1,\n\
        e@example.com,old,superseded\n\
        e@example.com,7,\n";
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(5, 0, 0, 1, 1));
    assert_eq!(job.warnings, 3);
    let expected = [
        "line,row,code,field,value,message".to_owned(),
        format!("2,1,wrong_type,attributes.budget,\"1.234,56\",{WRONG_NUMBER}"),
        format!("4,3,wrong_type,attributes.budget,\" a \"\"lot\"\"\nand more\",{WRONG_NUMBER}"),
        format!("7,5,wrong_type,attributes.budget,=1+1,{WRONG_NUMBER}"),
    ];
    assert_eq!(world.warnings_csv(&job).trim_end(), expected.join("\n"));
}

#[tokio::test]
async fn a_status_that_needs_consent_is_left_as_it_was_with_a_warning() {
    let held = "held@example.com";
    let import = async |text: &'static str, options: ImportOptions| {
        let world = World::new().await;
        let unsubscribed = |email| Profile { status: Status::Unsubscribed, ..profile(email) };
        world.hold(unsubscribed(held)).await;
        world.hold(unsubscribed("gone@example.com")).await;
        let gone = world.contacts().await.remove("gone@example.com").unwrap();
        world.deps.store.delete(&world.tenant, &gone, now()).await.unwrap();
        let job = world.import(text, options).await;
        assert_eq!(world.contacts().await[held].profile.status, Status::Unsubscribed);
        if job.warnings == 0 { String::new() } else { world.warnings_csv(&job) }
    };
    let text = "email,status\nheld@example.com,Subscribed\ngone@example.com,active\nnew@example.com,active\n";
    let report = format!(
        "line,row,code,field,value,message\n\
         2,1,consent_required,status,Subscribed,{CONSENT}\n\
         3,2,consent_required,status,active,{CONSENT}\n"
    );
    assert_eq!(import(text, ImportOptions::default()).await, report);
    let asked = ImportOptions { status: Some(Status::Active), ..Default::default() };
    let report = import("email\nheld@example.com\nnew@example.com\n", asked.clone()).await;
    assert!(report.ends_with(&format!("\n2,1,consent_required,status,active,{CONSENT}\n")), "{report}");
    // Nobody asked anything of these.
    assert_eq!(import("email\nheld@example.com\ngone@example.com\n", ImportOptions::default()).await, "");
    let left_alone = ImportOptions { mode: Mode::CreateOnly, ..asked };
    assert_eq!(import("email\nheld@example.com\n", left_alone).await, "");
}

#[tokio::test]
async fn warnings_of_many_stretches_are_in_the_order_of_the_file() {
    let world = world_with_budget().await;
    let mut text = "email,budget\n".to_owned();
    for number in 0..200 {
        text += &format!("p{number}@example.com,{}\n", if number % 3 == 0 { "much" } else { "5" });
    }
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!((counts(&job), job.warnings), (rows(200, 0, 0, 0, 0), 67));
    let report = world.warnings_csv(&job);
    let lines = csv::Reader::from_reader(report.as_bytes()).into_records();
    let found: Vec<u64> = lines.map(|line| line.unwrap()[1].parse().unwrap()).collect();
    assert_eq!(found, (0..200).filter(|n| n % 3 == 0).map(|n| n + 1).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_cell_that_a_spreadsheet_takes_for_a_formula_comes_back_the_same_in_a_mended_report() {
    let text = "email,note,phone\nbad,=1+1,+1 415 555 0100\nbad,-5,@home\n";
    let world = World::new().await;
    let choice = ColumnChoice { field: Some("attributes.note".into()), ..Default::default() };
    let options = ImportOptions { mapping: [("note".to_owned(), choice)].into(), ..Default::default() };
    let job = world.import(text, options).await;
    let report = world.errors_csv(&job);
    assert!(report.contains("bad,=1+1,+1 415 555 0100\n") && report.contains("bad,-5,@home\n"), "{report}");
    let mended = report.replacen(",bad,", ",a@example.com,", 1).replace(",bad,", ",b@example.com,");
    assert_eq!(counts(&world.import(mended, ImportOptions::default()).await), rows(2, 0, 0, 0, 0));
    let contacts = world.contacts().await;
    for (email, note, phone) in
        [("a@example.com", "=1+1", "+1 415 555 0100"), ("b@example.com", "-5", "@home")]
    {
        let profile = &contacts[email].profile;
        assert_eq!(profile.attributes.values().next().unwrap().to_string(), note);
        assert_eq!(profile.phone.as_ref().unwrap().typed, phone);
    }
}
