//! How files are written.

use model::import::ImportOptions;

use super::{World, counts, refusal, rows};

#[tokio::test]
async fn each_delimiter_line_end_and_byte_order_mark_gives_the_same_contacts() {
    for delimiter in [",", ";", "\t", "|"] {
        for line_end in ["\n", "\r\n", "\r"] {
            for mark in ["", "\u{feff}"] {
                let text =
                    ["Email,First Name,City", "jane@example.com,Jane,Oslo", "joe@example.com,Joe,\"Rome\""]
                        .map(|line| line.replace(',', delimiter))
                        .join(line_end);
                let world = World::new().await;
                let job = world.import(format!("{mark}{text}"), ImportOptions::default()).await;
                assert_eq!(counts(&job), rows(2, 0, 0, 0, 0), "{delimiter:?} {line_end:?}");
                let format = job.format.expect("a format");
                assert_eq!(
                    (format.encoding.as_str(), format.delimiter.map(String::from).as_deref()),
                    ("utf-8", Some(delimiter))
                );
                assert_eq!(
                    world.contacts().await["joe@example.com"].profile.first_name.as_deref(),
                    Some("Joe")
                );
                assert_eq!(world.field_slugs().await, ["city:text"]);
            }
        }
    }
}

#[tokio::test]
async fn bad_rows_are_on_the_lines_where_a_person_finds_them() {
    for line_end in ["\n", "\r\n", "\r"] {
        let lines = [
            "",
            "Notes,Email",
            "\"one",
            "two",
            "\",bad",
            "",
            "",
            "x,worse",
            "\"a",
            "b\",jane@example.com",
            "y,worst",
            "",
        ];
        let world = World::new().await;
        let job = world.import(lines.join(line_end), ImportOptions::default()).await;
        assert_eq!(counts(&job), rows(1, 0, 0, 3, 0), "{line_end:?}");
        let report = world.errors_csv(&job);
        let mut places = Vec::new();
        for record in csv::Reader::from_reader(report.as_bytes()).records() {
            let record = record.unwrap();
            places.push((record[0].to_owned(), record[1].to_owned(), record[6].to_owned()));
        }
        let place = |line: &str, row: &str, email: &str| (line.into(), row.into(), email.into());
        assert_eq!(places, [place("3", "1", "bad"), place("8", "2", "worse"), place("11", "4", "worst")]);
    }
}

#[tokio::test]
async fn lines_are_counted_right_across_checkpoints() {
    for line_end in ["\n", "\r\n", "\r"] {
        let mut text = format!("Email,Notes{line_end}");
        for number in 0..200 {
            text += &format!("bad{number},\"two{line_end}lines\"{line_end}{line_end}");
        }
        let world = World::new().await;
        let job = world.import(text, ImportOptions::default()).await;
        assert_eq!(counts(&job), rows(0, 0, 0, 200, 0));
        let report = world.errors_csv(&job);
        let records = csv::Reader::from_reader(report.as_bytes()).into_records();
        for (number, record) in records.enumerate() {
            let record = record.unwrap();
            assert_eq!(record[0], (2 + 3 * number).to_string(), "{line_end:?}");
            assert_eq!(record[5], format!("bad{number}"));
        }
    }
}

#[tokio::test]
async fn a_refused_file_writes_nothing() {
    for (content, code) in [
        (&b""[..], "empty_file"),
        (b"\n\r\n\n", "empty_file"),
        (b"email,city\n", "empty_file"),
        (b"name,city\nJane,Oslo\n", "no_email_column"),
        (b"\xff\xfee\0m\0a\0i\0l\0", "empty_file"),
        (b"email,ci\0ty\na@example.com,x\n", "not_text"),
        (b"\x1f\x8b\x08rest", "malformed_gzip"),
        (b"{\"name\":\"Jane\"}\n", "no_email_column"),
        (b"PK\x03\x04rest", "not_text"),
        (b"\"email,name\na@example.com,x\n", "unclosed_quote"),
    ] {
        let world = World::new().await;
        let job = world.import(content.to_vec(), ImportOptions::default()).await;
        assert_eq!(refusal(&job), code);
        assert!(world.contacts().await.is_empty());
        assert!(world.field_slugs().await.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_names_the_line() {
    let world = World::new().await;
    let job = world.import("\n\n\"email\na@example.com\n", ImportOptions::default()).await;
    assert_eq!(refusal(&job), "unclosed_quote");
    assert!(job.refusal.unwrap().detail.contains("line 3"));
}

#[tokio::test]
async fn a_last_record_of_several_lines_is_no_open_quote() {
    let world = World::new().await;
    let text = "email,notes\na@example.com,\"5\"\" pipe\nand more\"";
    assert_eq!(counts(&world.import(text, ImportOptions::default()).await), rows(1, 0, 0, 0, 0));
}
