//! How files are written.

use model::import::ImportOptions;

use super::{World, counts, refusal, rows};

/// Writes a text in an encoding.
pub(super) fn encoded(text: &str, encoding: &str, marked: bool) -> Vec<u8> {
    let text = if marked && encoding != "windows-1252" { format!("\u{feff}{text}") } else { text.to_owned() };
    match encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "windows-1252" => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        _ => text.into_bytes(),
    }
}

#[tokio::test]
async fn each_encoding_is_found_and_reported_and_its_bad_rows_are_on_their_lines() {
    for encoding in ["utf-8", "utf-16le", "utf-16be", "windows-1252"] {
        let text = "Email,First Name\r\nzoe@example.com,Zoë\r\n\r\nbad,\"Jürg\r\nen\"\r\nworse,é\r\n";
        let world = World::new().await;
        let job = world.import(encoded(text, encoding, false), ImportOptions::default()).await;
        assert_eq!(counts(&job), rows(1, 0, 0, 2, 0), "{encoding}");
        assert_eq!(job.format.as_ref().unwrap().encoding, encoding);
        let contacts = world.contacts().await;
        assert_eq!(contacts["zoe@example.com"].profile.first_name.as_deref(), Some("Zoë"));
        let report = world.errors_csv(&job);
        assert!(report.contains("\n4,2,invalid_email") && report.contains("\n6,3,invalid_email"), "{report}");
        assert!(report.contains("\"Jürg\r\nen\""), "{report}");
    }
}

#[tokio::test]
async fn a_row_that_does_not_decode_is_a_bad_row_and_a_replacement_character_is_text() {
    let utf16 = |text: &str| encoded(text, "utf-16le", true);
    for (file, encoding) in [
        (b"email,city\na@x.io,Z\xc3\xbcrich\nb@x.io,\xef\xbf\xbd\nc@x.io,Z\xfcrich\n".to_vec(), "utf-8"),
        (
            [utf16("email,city\na@x.io,Zürich\nb@x.io,\u{fffd}\nc@x.io,"), b"\0\xd8".to_vec()].concat(),
            "utf-16le",
        ),
    ] {
        let world = World::new().await;
        let job = world.import(file, ImportOptions::default()).await;
        assert_eq!(counts(&job), rows(2, 0, 0, 1, 0));
        assert_eq!(job.format.as_ref().unwrap().encoding, encoding);
        assert!(world.errors_csv(&job).contains("\n4,3,undecodable,"));
        let city = &world.contacts().await["b@x.io"].profile.attributes;
        assert_eq!(city.values().next().unwrap().to_string(), "\u{fffd}");
    }
}

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
