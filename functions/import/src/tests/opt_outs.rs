//! Who opted out elsewhere stays so, whatever the exporter calls it.

use std::collections::BTreeMap;

use model::import::{ColumnChoice, ImportOptions, OnBlank};
use model::{Consent, Profile, Status};

use super::{World, now, profile};

async fn statuses(file: &'static str, options: ImportOptions) -> (BTreeMap<String, Status>, String) {
    let world = World::new().await;
    world.hold(profile("held@example.com")).await;
    let job = world.import(file, options).await;
    let contacts = world.contacts().await.into_iter();
    let statuses = contacts.map(|(email, contact)| (email, contact.profile.status)).collect();
    (statuses, if job.warnings == 0 { String::new() } else { world.warnings_csv(&job) })
}

#[tokio::test]
async fn the_opt_outs_of_common_exporters_come_in_as_such() {
    use Status::{Active, Bounced, Unsubscribed};
    for (file, expected, warnings) in [
        (include_str!("exports/mailchimp.csv"), vec![Active, Active], 0),
        (include_str!("exports/mailchimp_unsubscribed.csv"), vec![Unsubscribed], 0),
        (include_str!("exports/mailchimp_cleaned.csv"), vec![Bounced], 0),
        // In the order of addresses: jane, jill, jim, joe. The reason of a bounce is neither yes
        // nor no; that the row has one is enough.
        (include_str!("exports/hubspot_opted_out.csv"), vec![Unsubscribed, Active, Bounced, Unsubscribed], 1),
        (include_str!("exports/salesforce_opted_out.csv"), vec![Unsubscribed, Bounced, Active], 0),
    ] {
        let (mut statuses, report) = statuses(file, ImportOptions::default()).await;
        statuses.remove("held@example.com");
        assert_eq!(statuses.values().copied().collect::<Vec<_>>(), expected, "{statuses:?}");
        assert_eq!(report.lines().skip(1).count(), warnings, "{report}");
    }
}

#[tokio::test]
async fn an_opt_out_outranks_every_other_word_on_the_status() {
    let consent = Consent {
        source: "crm".into(),
        method: "import".into(),
        captured_at: now(),
        text: "all of them agreed".into(),
    };
    let options =
        ImportOptions { status: Some(Status::Active), consent: Some(consent), ..Default::default() };
    let file = "email,Status,Unsubscribed,Cleaned\n\
        held@example.com,active,yes,yes\n\
        new@example.com,active,,2025-04-02\n\
        fine@example.com,active,no,\n";
    let (statuses, report) = statuses(file, options).await;
    assert_eq!(statuses["held@example.com"], Status::Unsubscribed);
    assert_eq!(statuses["new@example.com"], Status::Bounced);
    assert_eq!(statuses["fine@example.com"], Status::Active);
    assert_eq!(report, "");
}

#[tokio::test]
async fn a_cell_that_nobody_understands_counts_as_an_opt_out_and_is_told() {
    let file = "email,opt_out\nheld@example.com,newsletter\n";
    let (before, report) = statuses(file, ImportOptions::default()).await;
    assert_eq!(before["held@example.com"], Status::Unsubscribed);
    let line = report.lines().nth(1).unwrap();
    assert!(line.starts_with("2,1,unclear_opt_out,unsubscribed,newsletter,"), "{line}");
    let mapping =
        [("opt_out".to_owned(), ColumnChoice { field: Some("topic".into()), ..Default::default() })];
    let options = ImportOptions { mapping: mapping.into(), ..Default::default() };
    let (by_hand, report) = statuses(file, options).await;
    assert_eq!((by_hand["held@example.com"], report.as_str()), (Status::Active, ""));
}

#[tokio::test]
async fn who_does_not_want_mail_opts_out_and_a_yes_opts_nobody_in() {
    use Status::{Active, Unsubscribed};
    for column in ["Subscribed", "Email Opt-In", "Accepts Marketing", "Email Marketing Consent"] {
        let file = format!(
            "email,{column}\nheld@example.com,no\ngone@example.com,yes\nnew@example.com,yes\n\
             unsure@example.com,\nnever@example.com,NEVER_SUBSCRIBED\n"
        );
        let world = World::new().await;
        world.hold(profile("held@example.com")).await;
        world.hold(Profile { status: Unsubscribed, ..profile("gone@example.com") }).await;
        let job = world.import(file, ImportOptions::default()).await;
        let contacts = world.contacts().await.into_values();
        let statuses: Vec<Status> = contacts.map(|contact| contact.profile.status).collect();
        // In the order of addresses: gone, held, never, new, unsure.
        let expected = [Unsubscribed, Unsubscribed, Unsubscribed, Active, Active];
        assert_eq!((statuses.as_slice(), job.warnings), (&expected[..], 0), "{column}");
    }
}

#[tokio::test]
async fn a_blank_cell_is_no_opt_out_also_where_blanks_clear() {
    let options = ImportOptions { on_blank: OnBlank::Clear, ..Default::default() };
    let file = "email,Unsubscribed,Cleaned\nheld@example.com,,\nnew@example.com,yes,\n";
    let (statuses, report) = statuses(file, options).await;
    assert_eq!(statuses.into_values().collect::<Vec<_>>(), [Status::Active, Status::Unsubscribed]);
    assert_eq!(report, "");
}

/// Of several rows of an address the last one is applied, but every one of them is a person's word.
#[tokio::test]
async fn an_opt_out_is_kept_also_by_a_row_that_a_later_one_supersedes() {
    use Status::{Active, Bounced, Unsubscribed};
    let consent = Consent {
        source: "crm".into(),
        method: "import".into(),
        captured_at: now(),
        text: "all of them agreed".into(),
    };
    let consented = ImportOptions { consent: Some(consent), ..Default::default() };
    let mapping = [("State".to_owned(), ColumnChoice { field: Some("status".into()), ..Default::default() })];
    let mapped = ImportOptions { mapping: mapping.into(), ..Default::default() };
    for (file, options, expected) in [
        // By a column of opt-outs, over several rows, and against the word of a later one.
        (
            "email,Status,Opt Out\nheld@example.com,,yes\nnew@example.com,,yes\nnew@example.com,,\n\
             HELD@example.com,active,no\nnew@example.com,active,no\nfine@example.com,,\n",
            ImportOptions::default(),
            [Active, Unsubscribed, Unsubscribed],
        ),
        // By a status that is found to be one only at the end of the file, with consent for all.
        (
            "email,Status\nheld@example.com,Unsubscribed\nnew@example.com,cleaned\nheld@example.com,active\n\
             new@example.com,active\nfine@example.com,active\n",
            consented,
            [Active, Unsubscribed, Bounced],
        ),
        // By a status that was mapped; the person's own word outranks what became of a mail.
        (
            "email,State,Cleaned\nheld@example.com,unsubscribed,\nnew@example.com,,yes\nheld@example.com,,yes\n\
             new@example.com,unsubscribed,\nfine@example.com,pending,\n",
            mapped,
            [Status::Pending, Unsubscribed, Unsubscribed],
        ),
        // A column with other words is none of ours, whatever some of its cells say.
        (
            "email,Status\nheld@example.com,Unsubscribed\nheld@example.com,Qualified\nnew@example.com,x\n\
             fine@example.com,x\n",
            ImportOptions::default(),
            [Active, Active, Active],
        ),
    ] {
        let (statuses, report) = statuses(file, options).await;
        assert_eq!(statuses.into_values().collect::<Vec<_>>(), expected, "{file}");
        assert_eq!(report, "", "{file}");
    }
}
