//! What rows do to contacts.

use chrono::TimeDelta;
use model::import::{ColumnChoice, ImportOptions, OnBlank};
use model::{Consent, Mode, Overwrite, Profile, Standing, Status};
use store::ContactStore;

use super::{World, counts, now, profile, rows};

fn consent() -> Consent {
    Consent {
        source: "fair".into(),
        method: "paper".into(),
        captured_at: now() - TimeDelta::days(3),
        text: "yes, please".into(),
    }
}

#[tokio::test]
async fn the_last_valid_row_of_an_address_wins_and_an_invalid_one_supersedes_nothing() {
    let long = "x".repeat(101);
    let text = format!(
        "email,first_name\na@example.com,first\nA@EXAMPLE.com ,second\nb@example.com,only\n\
         a@example.com,last\na@example.com,{long}\n,\nb@example.com,x,too,many\n"
    );
    let world = World::new().await;
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(2, 0, 0, 3, 2));
    let contacts = world.contacts().await;
    assert_eq!(contacts["a@example.com"].profile.first_name.as_deref(), Some("last"));
    assert_eq!(contacts["b@example.com"].profile.first_name.as_deref(), Some("only"));
    assert_eq!(contacts["a@example.com"].version, 1);
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let world = World::new().await;
    let text = "email,first_name,budget\na@example.com,A,5\nb@example.com,B,7\n";
    world.import(text, ImportOptions::default()).await;
    let before = world.contacts().await;
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(0, 0, 2, 0, 0));
    assert_eq!(world.contacts().await, before);
}

#[tokio::test]
async fn a_mode_leaves_contacts_alone() {
    let text = "email,company\nheld@example.com,New\nfree@example.com,New\n";
    for (mode, expected, company, is_free) in [
        (Mode::CreateOnly, rows(1, 0, 1, 0, 0), "Old", false),
        (Mode::UpdateOnly, rows(0, 1, 1, 0, 0), "New", true),
        (Mode::Upsert, rows(1, 1, 0, 0, 0), "New", false),
    ] {
        let world = World::new().await;
        world.hold(Profile { company: Some("Old".into()), ..profile("held@example.com") }).await;
        let job = world.import(text, ImportOptions { mode, ..Default::default() }).await;
        assert_eq!(counts(&job), expected);
        assert_eq!(world.contacts().await["held@example.com"].profile.company.as_deref(), Some(company));
        assert_eq!(world.at("free@example.com").await == Standing::Free, is_free);
    }
}

#[tokio::test]
async fn blank_cells_and_overwriting_do_as_asked_for_file_and_column() {
    let text = "email,company,job_title\na@example.com,,CEO\n";
    let import = async |options: ImportOptions| {
        let world = World::new().await;
        let held = Profile {
            company: Some("Acme".into()),
            job_title: Some("CTO".into()),
            ..profile("a@example.com")
        };
        world.hold(held).await;
        world.import(text, options).await;
        let contact = world.contacts().await.remove("a@example.com").unwrap().profile;
        (contact.company, contact.job_title)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(import(ImportOptions::default()).await, (some("Acme"), some("CEO")));
    let clear = ImportOptions { on_blank: OnBlank::Clear, ..Default::default() };
    assert_eq!(import(clear.clone()).await, (None, some("CEO")));
    let if_empty = ImportOptions { overwrite: Overwrite::IfEmpty, ..clear };
    assert_eq!(import(if_empty).await, (some("Acme"), some("CTO")));
    let choice = ColumnChoice { field: some("job_title"), on_blank: None, overwrite: Some(Overwrite::Never) };
    let never = ImportOptions { mapping: [("job_title".to_owned(), choice)].into(), ..Default::default() };
    assert_eq!(import(never).await, (some("Acme"), some("CTO")));
}

#[tokio::test]
async fn an_unsubscribe_outlives_every_file_without_consent() {
    let text = "email,status,company\nheld@example.com,active,New\ngone@example.com,active,New\n";
    let import = async |options: ImportOptions| {
        let world = World::new().await;
        let unsubscribed = |email| Profile { status: Status::Unsubscribed, ..profile(email) };
        world.hold(unsubscribed("held@example.com")).await;
        world.hold(unsubscribed("gone@example.com")).await;
        let gone = world.contacts().await.remove("gone@example.com").unwrap();
        world.deps.store.delete(&world.tenant, &gone, now()).await.unwrap();
        let job = world.import(text, options).await;
        assert_eq!(counts(&job), rows(1, 1, 0, 0, 0));
        let contacts = world.contacts().await;
        assert_eq!(contacts["held@example.com"].profile.company.as_deref(), Some("New"));
        (contacts["held@example.com"].profile.status, contacts["gone@example.com"].profile.status)
    };
    assert_eq!(import(ImportOptions::default()).await, (Status::Unsubscribed, Status::Unsubscribed));
    let asked = ImportOptions { status: Some(Status::Active), ..Default::default() };
    assert_eq!(import(asked).await, (Status::Unsubscribed, Status::Unsubscribed));
    let consented = ImportOptions { consent: Some(consent()), ..Default::default() };
    assert_eq!(import(consented).await, (Status::Active, Status::Active));
}

#[tokio::test]
async fn consent_is_logged_for_every_person_also_for_one_that_is_unchanged() {
    let world = World::new().await;
    world.hold(profile("same@example.com")).await;
    world.hold(profile("other@example.com")).await;
    let options = ImportOptions { consent: Some(consent()), ..Default::default() };
    let text = "email,company\nsame@example.com,\nother@example.com,New\nnew@example.com,\n";
    assert_eq!(counts(&world.import(text, options).await), rows(1, 1, 1, 0, 0));
    for contact in world.contacts().await.into_values() {
        let log = world.deps.store.consents(&world.tenant, contact.id).await.unwrap();
        assert_eq!(log.into_iter().map(|entry| entry.consent).collect::<Vec<_>>(), [consent()]);
    }
}

#[tokio::test]
async fn the_status_of_new_contacts_is_no_matter_to_those_that_are_there() {
    let world = World::new().await;
    world.hold(profile("held@example.com")).await;
    let options = ImportOptions { status_if_new: Status::Pending, ..Default::default() };
    let text = "email,company\nheld@example.com,X\nnew@example.com,X\n";
    world.import(text, options).await;
    let contacts = world.contacts().await;
    assert_eq!(contacts["held@example.com"].profile.status, Status::Active);
    assert_eq!(contacts["new@example.com"].profile.status, Status::Pending);
}
