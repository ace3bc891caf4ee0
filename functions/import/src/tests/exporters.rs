//! The files of common exporters, imported as they come. Their people are invented.

use model::import::{ImportOptions, Target};

use super::{World, counts, rows};

struct Export {
    file: &'static str,
    /// Each column that is a contact field; all others become attributes.
    mapped: &'static [(&'static str, &'static str)],
    email: &'static str,
    tags: &'static [&'static str],
}

const EXPORTS: [Export; 8] = [
    Export {
        file: include_str!("exports/mailchimp.csv"),
        mapped: &[
            ("Email Address", "email"),
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Phone Number", "phone"),
            ("TAGS", "tags"),
        ],
        email: "jane.mailchimp@example.com",
        tags: &["Influencer", "Staff, part time"],
    },
    Export {
        file: include_str!("exports/hubspot.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Email", "email"),
            ("Phone Number", "phone"),
            ("Company Name", "company"),
            ("Job Title", "job_title"),
        ],
        email: "jane.hubspot@example.com",
        tags: &[],
    },
    Export {
        file: include_str!("exports/salesforce_leads.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Title", "job_title"),
            ("Company / Account", "company"),
            ("Phone", "phone"),
            ("Email", "email"),
        ],
        email: "jane.lead@example.com",
        tags: &[],
    },
    Export {
        file: include_str!("exports/salesforce_contacts.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Title", "job_title"),
            ("Account Name", "company"),
            ("Phone", "phone"),
            ("Email", "email"),
        ],
        email: "jane.contact@example.com",
        tags: &[],
    },
    Export {
        file: include_str!("exports/google_old.csv"),
        mapped: &[
            ("Given Name", "first_name"),
            ("Family Name", "last_name"),
            ("Group Membership", "tags"),
            ("E-mail 1 - Value", "email"),
            ("Phone 1 - Value", "phone"),
            ("Organization 1 - Name", "company"),
            ("Organization 1 - Title", "job_title"),
        ],
        email: "jane.old@example.com",
        tags: &["Clients", "Friends"],
    },
    Export {
        file: include_str!("exports/google_new.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Organization Name", "company"),
            ("Organization Title", "job_title"),
            ("Labels", "tags"),
            ("E-mail 1 - Value", "email"),
            ("Phone 1 - Value", "phone"),
        ],
        email: "jane.new@example.com",
        tags: &["Clients", "Friends"],
    },
    Export {
        file: include_str!("exports/outlook.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Company", "company"),
            ("Job Title", "job_title"),
            ("Business Phone", "phone"),
            ("Categories", "tags"),
            ("E-mail Address", "email"),
        ],
        email: "jane.outlook@example.com",
        tags: &["Clients", "Friends"],
    },
    Export {
        file: include_str!("exports/linkedin.csv"),
        mapped: &[
            ("First Name", "first_name"),
            ("Last Name", "last_name"),
            ("Email Address", "email"),
            ("Company", "company"),
            ("Position", "job_title"),
        ],
        email: "jane.linkedin@example.com",
        tags: &[],
    },
];

#[tokio::test]
async fn the_files_of_common_exporters_import_as_they_come() {
    for Export { file, mapped, email, tags } in EXPORTS {
        let world = World::new().await;
        let job = world.import(file, ImportOptions::default()).await;
        assert_eq!(counts(&job), rows(2, 0, 0, 0, 0), "{email}");
        let columns: Vec<(&str, String)> = job
            .columns
            .iter()
            .filter(|planned| !matches!(planned.column.field, Some(Target::Attribute(_))))
            .map(|planned| {
                let field = planned.column.field.as_ref().expect("no column is left out");
                (planned.column.name.as_str(), field.to_string())
            })
            .collect();
        let expected: Vec<(&str, String)> =
            mapped.iter().map(|(column, field)| (*column, (*field).to_owned())).collect();
        assert_eq!(columns, expected, "{email}");

        let is_mapped = |field| mapped.iter().any(|(_, mapped)| *mapped == field);
        let jane = world.contacts().await.remove(email).expect(email).profile;
        assert_eq!((jane.first_name.as_deref(), jane.last_name.as_deref()), (Some("Jane"), Some("Roe")));
        assert_eq!(jane.company.as_deref(), is_mapped("company").then_some("Acme"), "{email}");
        assert_eq!(jane.job_title.as_deref(), is_mapped("job_title").then_some("CTO"), "{email}");
        let phone = jane.phone.and_then(|phone| phone.e164);
        assert_eq!(phone.as_deref(), is_mapped("phone").then_some("+14155550100"), "{email}");
        assert_eq!(jane.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), tags, "{email}");
        assert_eq!(jane.email_typed, email);
    }
}

#[tokio::test]
async fn what_a_cell_of_google_holds_beside_its_first_value_is_kept_or_told() {
    let world = World::new().await;
    let file = include_str!("exports/google_old.csv");
    let job = world.import(file, ImportOptions::default()).await;
    let email = job.columns.iter().find(|planned| planned.column.field == Some(Target::Email)).unwrap();
    let others = email.id.expect("a field for the other addresses");
    assert!(world.field_slugs().await.contains(&"other_emails:text".to_owned()));
    let jane = world.contacts().await.remove("jane.old@example.com").unwrap().profile;
    assert_eq!(jane.attributes[&others].to_string(), "jane.home@example.com");
    assert_eq!(
        world.warnings_csv(&job),
        "line,row,code,field,value,message\n\
         2,1,more_values,phone,+1 415 555 0100 ::: +1 415 555 0101,the cell holds several values; only the first one is kept\n"
    );
}

#[test]
fn the_export_of_outlook_has_its_92_columns() {
    assert_eq!(include_str!("exports/outlook.csv").lines().next().unwrap().split(',').count(), 92);
}
