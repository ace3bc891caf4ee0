//! The error report.

use model::import::ImportOptions;

use super::{World, counts, rows};

const FILE: &str = "Email,First Name,Note\n\
    good@example.com,Good,\n\
    bad,Bad,\"a, \"\"quoted\"\"\nnote\"\n\
    ,,\n\
    x@example.com,X,n,extra,,more\n\
    short,X\n";

#[tokio::test]
async fn each_bad_row_is_reported_exactly_as_it_was() {
    let world = World::new().await;
    let long = "y".repeat(101);
    let job = world.import(format!("{FILE}y@,{long}\n"), ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 5, 0));
    assert!(job.has_errors);
    let expected = [
        "line,row,code,field,message,Email,First Name,Note",
        "3,2,invalid_email,email,this is no email address: there is no `@`; give an address such as `jane@example.com`,bad,Bad,\"a, \"\"quoted\"\"",
        "note\"",
        "5,3,missing_email,email,an email address is required,,,",
        "6,4,too_many_fields,,the row has more cells than the header's 3; is a quote or separator missing?,x@example.com,X,n,extra,,more",
        "7,5,invalid_email,email,this is no email address: there is no `@`; give an address such as `jane@example.com`,short,X",
    ];
    let report = world.errors_csv(&job);
    let (start, last) = report.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(start, expected.join("\n"));
    let both = "email: this is no email address: the part behind the `@` is no valid domain; \
                first_name: at most 100 characters are kept, found 101; shorten it";
    assert_eq!(last, format!("8,6,invalid_email,email,\"{both}\",y@,{long}"));
}

#[tokio::test]
async fn a_mended_report_is_imported_without_its_own_columns() {
    let world = World::new().await;
    let job = world.import(FILE, ImportOptions::default()).await;
    let mended = world
        .errors_csv(&job)
        .replace(",bad,", ",mended@example.com,")
        .replace(",extra,,more", "")
        .replace(",short", ",short@example.com")
        .replace("required,,,", "required,none@example.com,,");
    let second = world.import(mended, ImportOptions::default()).await;
    assert_eq!(counts(&second), rows(4, 0, 0, 0, 0));
    assert!(!second.has_errors);
    let contacts = world.contacts().await;
    assert_eq!(contacts.len(), 5);
    let note = &contacts["mended@example.com"].profile.attributes;
    assert_eq!(note.values().next().unwrap().to_string(), "a, \"quoted\"\nnote");
    assert_eq!(world.field_slugs().await, ["note:text"]);
}

#[tokio::test]
async fn a_report_of_a_report_that_was_mended_badly_looks_like_the_first() {
    let world = World::new().await;
    let first = world.import("Email,Note\nbad,x\n,y\n", ImportOptions::default()).await;
    let report = world.errors_csv(&first);
    let second = world.import(report.clone(), ImportOptions::default()).await;
    assert_eq!(counts(&second), rows(0, 0, 0, 2, 0));
    assert_eq!(world.errors_csv(&second), report);
}

#[tokio::test]
async fn a_report_of_many_stretches_is_in_the_order_of_the_file() {
    let world = World::new().await;
    let mut text = "email,tags\n".to_owned();
    for number in 0..200 {
        let tags: Vec<String> = (0..=200).map(|tag| format!("t{tag}")).collect();
        // Every third row is found out only when it is applied.
        text += &match number % 3 {
            0 => format!("bad{number},\n"),
            1 => format!("good{number}@example.com,\n"),
            _ => format!("tags{number}@example.com,\"{}\"\n", tags.join(",")),
        };
    }
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(67, 0, 0, 133, 0));
    let report = world.errors_csv(&job);
    let lines = csv::Reader::from_reader(report.as_bytes()).into_records().map(|r| r.unwrap());
    let found: Vec<(u64, String)> = lines.map(|r| (r[1].parse().unwrap(), r[2].to_owned())).collect();
    assert_eq!(found.len(), 133);
    assert!(found.is_sorted());
    assert_eq!(found[1], (3, "too_many_tags".to_owned()));
}

#[tokio::test]
async fn a_contact_that_is_too_large_is_a_bad_row() {
    let world = World::new().await;
    let half = "x".repeat(210 * 1024);
    let text = format!("email,notes,more\na@example.com,{half},{half}\nb@example.com,x,\n");
    let job = world.import(text, ImportOptions::default()).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 1, 0));
    assert!(world.errors_csv(&job).contains("2,1,contact_too_large,,"));
}
