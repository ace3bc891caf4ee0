//! How the records of a file are laid out.

use model::import::{ColumnChoice, ImportOptions};
use store::{FileKind, Job};

use super::{World, counts, refusal, rows};

async fn import(text: &str) -> (World, Job) {
    let world = World::new().await;
    let job = world.import(text.to_owned(), ImportOptions::default()).await;
    (world, job)
}

/// Gives line, row and code of each bad row.
fn places(world: &World, job: &Job) -> Vec<(u64, u64, String)> {
    let report = world.errors_csv(job);
    let reader = csv::ReaderBuilder::new().flexible(true).from_reader(report.as_bytes());
    reader
        .into_records()
        .map(Result::unwrap)
        .map(|r| (r[0].parse().unwrap(), r[1].parse().unwrap(), r[2].to_owned()))
        .collect()
}

fn place(line: u64, row: u64, code: &str) -> (u64, u64, String) {
    (line, row, code.to_owned())
}

#[tokio::test]
async fn a_separator_line_names_the_delimiter_and_is_no_record() {
    let (world, job) = import("sep=;\r\nemail;note\r\na@x.io;1,5\r\nbad;2,5\r\n").await;
    assert_eq!(counts(&job), rows(1, 0, 0, 1, 0));
    assert_eq!(job.format.as_ref().unwrap().delimiter, Some(';'));
    assert_eq!(places(&world, &job), [place(4, 1 + 1, "invalid_email")]);
}

#[tokio::test]
async fn the_header_may_stand_below_a_preamble_and_records_above_a_footer() {
    let text = "Leads, as of 2026-11-01\n\"by \"\"Sales\"\"\",,\n\nName;E-Mail;City\nA;a@x.io;Oslo\nB;bad;Rome\n\
                \nTotal: 2\n\nCopyright (c) Example Inc.;\nConfidential\n";
    let (world, job) = import(text).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 1, 0));
    assert_eq!(places(&world, &job), [place(6, 2, "invalid_email")]);
    assert_eq!(world.field_slugs().await, ["city:text", "name:text"]);
}

#[tokio::test]
async fn a_mapping_tells_the_header_from_a_preamble() {
    let choice = ColumnChoice { field: Some("email".into()), ..Default::default() };
    let options = ImportOptions { mapping: [("Kontakt".to_owned(), choice)].into(), ..Default::default() };
    let world = World::new().await;
    let job = world.import("Report\nKontakt,Stadt\na@x.io,Bern\n", options.clone()).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 0, 0));
    let job = world.import("Report\nContact,City\na@x.io,Bern\n", options).await;
    assert_eq!(refusal(&job), "unknown_column");
}

#[tokio::test]
async fn only_the_first_fifty_records_may_be_the_header() {
    let (_, job) = import(&format!("{}email,name\na@x.io,A\n", "x,\n".repeat(49))).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 0, 0));
    let (_, job) = import(&format!("{}email,name\na@x.io,A\n", "x,\n".repeat(50))).await;
    assert_eq!(refusal(&job), "no_email_column");
}

#[tokio::test]
async fn what_is_more_than_a_footer_counts() {
    for (text, invalid) in [
        ("email,name\na@x.io,A\nTotal,1\n", 1),
        ("email,name\na@x.io,A\nb@x\n", 1),
        ("email,name\na@x.io,A\nTotal\nb@x.io,B\n", 1),
        ("email,name\na@x.io,A\n,\n", 1),
        ("email\na@x.io\nTotal\n", 1),
        ("email,name\na@x.io,A\nTotal\nEnd\n", 0),
    ] {
        assert_eq!(counts(&import(text).await.1).invalid, invalid, "{text:?}");
    }
    let (_, job) = import(&format!("email,name\na@x.io,A\n{}", "Total\n".repeat(11))).await;
    assert_eq!(counts(&job).invalid, 11);
    let (_, job) = import("email,name\nTotal\n").await;
    assert_eq!(refusal(&job), "empty_file");
}

#[tokio::test]
async fn ragged_rows_are_padded_or_tolerated_or_reported() {
    let (world, job) = import("email,name,city\na@x.io\nb@x.io,B,Oslo,, ,\nc@x.io,C,Oslo,more\n").await;
    assert_eq!(counts(&job), rows(2, 0, 0, 1, 0));
    assert_eq!(places(&world, &job), [place(4, 3, "too_many_fields")]);
}

#[tokio::test]
async fn a_stray_quote_is_reported_at_its_line_and_swallows_no_row() {
    let (world, job) = import(
        "email,note\na@x.io,\"open\nb@x.io,\"legal\nnew line\"\nc@x.io,\"half\nd@x.io,\"whole\"\n\
         e@x.io,\"5\" pipe\"\nf@x.io,\"last",
    )
    .await;
    let bad = [place(2, 1, "unclosed_quote"), place(5, 3, "unclosed_quote"), place(7, 5, "unclosed_quote")];
    assert_eq!(places(&world, &job), [&bad[..], &[place(8, 6, "unclosed_quote")]].concat());
    assert_eq!(world.contacts().await.into_keys().collect::<Vec<_>>(), ["b@x.io", "d@x.io"]);
    assert!(world.errors_csv(&job).contains(",a@x.io,\"\"\"open\"\n"));
}

#[tokio::test]
async fn what_no_contact_can_hold_is_a_bad_row_and_an_overlong_cell_is_left_out_of_the_report() {
    let (cell, line) = ("x".repeat(10_000_000), "y,".repeat(9_000_000));
    let (world, job) =
        import(&format!("email,note\na@x.io,{cell}\nb@x.io,{line}\nc@x.io,\0\nd@x.io,fine\n")).await;
    assert_eq!(counts(&job), rows(1, 0, 0, 3, 0));
    let expected =
        [place(2, 1, "cell_too_long"), place(3, 2, "record_too_long"), place(4, 3, "nul_character")];
    assert_eq!(places(&world, &job), expected);
    let report = world.errors_csv(&job);
    assert!(report.len() < 1000);
    assert!(report.contains("cell 2 has 10000000 bytes") && report.contains(",a@x.io,\n"), "{report}");
}

#[tokio::test]
async fn a_file_may_have_a_thousand_columns_and_more_but_not_any_number() {
    let file = |columns: usize| {
        let names: Vec<String> = (1..columns).map(|number| format!("c{number}")).collect();
        let blanks = ",".repeat(columns - 2);
        format!("email,{}\na@x.io,x{blanks}\nb@x.io{blanks},y\n", names.join(","))
    };
    let (world, job) = import(&file(1500)).await;
    assert_eq!(counts(&job), rows(2, 0, 0, 0, 0));
    assert_eq!(world.field_slugs().await, ["c1:text", "c1499:text"]);
    let (_, job) = import(&file(2001)).await;
    assert_eq!(refusal(&job), "too_many_columns");
}

#[tokio::test]
async fn ndjson_has_a_column_for_every_key_in_the_order_of_sight() {
    let text = "\n{\"name\":\"Ann\",\"email\":\"a@x.io\",\"address\":{\"city\":\"Oslo\",\"geo\":{\"lat\":1.50}}}\n\
                {\"email\":\"b@x.io\",\"name\":null,\"langs\":[\"en\",null,\"nb\"],\"vip\":true}\r\n\
                not json\n  \n[1]\n{\"email\":\"bad\"}\n{\"email\":\"c@x.io\",\"raw\":[{\"a\": 1}]}";
    let (world, job) = import(text).await;
    assert_eq!(counts(&job), rows(3, 0, 0, 3, 0));
    let format = job.format.as_ref().unwrap();
    assert_eq!((format.kind, format.delimiter, format.encoding.as_str()), (FileKind::Ndjson, None, "utf-8"));
    let names: Vec<&str> = job.columns.iter().map(|planned| planned.column.name.as_str()).collect();
    assert_eq!(names, ["name", "email", "address.city", "address.geo.lat", "langs", "vip", "raw"]);
    let malformed = "malformed_json";
    let expected = [place(4, 3, malformed), place(6, 4, malformed), place(7, 5, "invalid_email")];
    assert_eq!(places(&world, &job), expected);
    let contacts = world.contacts().await;
    let attributes = |email: &str| -> Vec<String> {
        contacts[email].profile.attributes.values().map(ToString::to_string).collect()
    };
    assert_eq!(attributes("a@x.io"), ["Ann", "Oslo", "1.50"]);
    assert_eq!(attributes("b@x.io"), ["en ::: nb", "true"]);
    assert_eq!(attributes("c@x.io"), ["[{\"a\": 1}]"]);
}
