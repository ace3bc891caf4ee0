use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::leads::{Running, leads, one_clear_line, run};

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--no-sample"];

fn import(folder: &Path, url: &str, content: &str, arguments: &[&str]) -> Output {
    std::fs::write(folder.join("leads.csv"), content).unwrap();
    let mut command = leads(folder, &["import", "leads.csv", "--url", url]);
    command.args(arguments);
    run(command)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn import_prints_the_counts_and_its_exit_code_tells_of_invalid_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(leads(folder.path(), SERVE));
    let ready = running.stdout_line();
    let url = ready.strip_prefix("ready ").unwrap();

    // With the key that the server keeps in the same directory.
    let output = import(
        folder.path(),
        url,
        "E-Post,Internal\na@example.com,1\n",
        &["--map", "E-Post=email", "--map", "Internal="],
    );
    assert_eq!(
        text(&output.stdout),
        "imported leads.csv: 1 rows, 1 created, 0 updated, 0 unchanged, 0 invalid, 0 duplicate, 0 suppressed\n"
    );
    assert_eq!(output.status.code(), Some(0));

    let output = import(folder.path(), url, "Email\na@example.com\nbad\n", &["--mode", "create_only"]);
    let line = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert!(
        line.starts_with("imported leads.csv: 2 rows, 0 created, 0 updated, 1 unchanged, 1 invalid"),
        "{line}"
    );
    let report = line.trim_end().split("; error report: ").nth(1).unwrap();
    let report = ureq::get(report).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(report.lines().nth(1).unwrap().starts_with("3,2,"), "{report}");

    import(folder.path(), url, "Email,Budget\na@example.com,5\n", &[]);
    let output = import(folder.path(), url, "Email,Budget\na@example.com,much\n", &[]);
    let line = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{line}");
    let report = line.trim_end().split("; 1 warning: ").nth(1).unwrap();
    let report = ureq::get(report).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(report.lines().nth(1).unwrap().starts_with("2,1,wrong_type,attributes.budget,much,"), "{report}");

    let line = one_clear_line(&import(folder.path(), url, "Name\nx\n", &[]));
    assert!(line.contains("no_email_column") || line.contains("no column is the email address"), "{line}");
    let line = one_clear_line(&import(folder.path(), url, "Email\n", &["--api-key", "lk_unknown-unknown"]));
    assert!(line.contains("key"), "{line}");
    assert_eq!(running.terminate().0.code(), Some(0));
}

#[test]
fn without_a_key_or_a_server_import_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let line = one_clear_line(&import(folder.path(), &url, "Email\n", &[]));
    assert_eq!(line, "error: no API key: give --api-key or set LEADS_API_KEY");
    let line = one_clear_line(&import(folder.path(), &url, "Email\n", &["--api-key", "some-key-or-other"]));
    assert!(line.starts_with("error: cannot reach "), "{line}");
}

#[test]
fn a_file_that_was_uploaded_before_a_kill_is_imported_after_it_and_once() {
    const ROWS: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let mut killed = Running::start(leads(folder.path(), SERVE));
    let url = killed.stdout_line().replace("ready ", "");
    let key = killed.stderr_line("LEADS_API_KEY=").replace("LEADS_API_KEY=", "Bearer ");
    let created = ureq::post(format!("{url}/api/v1/imports"))
        .header("authorization", &key)
        .send_json(json!({"filename": "leads.csv"}))
        .unwrap()
        .body_mut()
        .read_json::<Value>()
        .unwrap();
    let content: String = (0..ROWS).map(|n| format!("person-{n}@example.com,Person\n")).collect();
    let mut upload = ureq::put(created["upload"]["url"].as_str().unwrap());
    for (name, value) in created["upload"]["headers"].as_object().unwrap() {
        upload = upload.header(name, value.as_str().unwrap());
    }
    upload.send(format!("Email,First Name\n{content}")).unwrap();
    // Killed as by -9, while it plans or loads.
    drop(killed);

    let mut running = Running::start(leads(folder.path(), SERVE));
    let url = running.stdout_line().replace("ready ", "");
    let started = Instant::now();
    let import = loop {
        let import = ureq::get(format!("{url}/api/v1/imports/{}", created["id"].as_str().unwrap()))
            .header("authorization", &key)
            .call()
            .unwrap()
            .body_mut()
            .read_json::<Value>()
            .unwrap();
        if import["status"] == "done" {
            break import;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{import}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(import["rows"]["total"], ROWS);
    assert_eq!(import["rows"]["created"], ROWS, "{import}");
    assert_eq!(running.terminate().0.code(), Some(0));
}
