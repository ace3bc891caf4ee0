use std::net::TcpListener;

use crate::leads::{Running, leads, one_clear_line, run};

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--no-sample"];

#[test]
fn stdout_is_exactly_the_ready_line_and_sigterm_ends_it_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(leads(folder.path(), SERVE));
    let ready = running.stdout_line();
    let url = ready.strip_prefix("ready ").unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && !url.ends_with(":0"), "{ready}");
    let mut health = ureq::get(format!("{url}/health")).call().unwrap();
    health.body_mut().read_to_string().unwrap();

    let variables = running.variables("LEADS_CONFIG_TABLE");
    assert!(variables["LEADS_API_KEY"].starts_with("lk_"));
    for name in ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"] {
        assert!(variables[name].starts_with("http://127.0.0.1:"), "{name}");
    }
    assert!(!variables["LEADS_BUCKET"].is_empty());

    // Somebody who connects and says nothing.
    let _silent = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let (status, rest) = running.terminate();
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
}

#[test]
fn the_made_key_is_the_same_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let key_of_a_start = || {
        let mut running = Running::start(leads(folder.path(), SERVE));
        running.stdout_line();
        let line = running.stderr_line("LEADS_API_KEY=");
        assert_eq!(running.terminate().0.code(), Some(0));
        line
    };
    assert_eq!(key_of_a_start(), key_of_a_start());
}

#[test]
fn a_second_process_on_the_same_directory_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(leads(folder.path(), SERVE));
    running.stdout_line();
    let line = one_clear_line(&run(leads(folder.path(), SERVE)));
    assert!(line.contains("another process uses the data directory `.leads`"), "{line}");
    assert!(line.contains("--data"), "{line}");
    assert_eq!(running.terminate().0.code(), Some(0));
}

#[test]
fn a_port_in_use_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = one_clear_line(&run(leads(folder.path(), &["--listen", &address])));
    assert!(line.contains(&address) && line.contains("--listen"), "{line}");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let line =
        one_clear_line(&run(leads(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "file"])));
    assert!(line.contains("cannot use the data directory `file`"), "{line}");
}

#[test]
fn a_key_or_a_time_that_is_none_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("LEADS_API_KEY", "short"), ("LEADS_ADMIN_KEY", "short"), ("LEADS_NOW", "today")] {
        let mut command = leads(folder.path(), SERVE);
        command.env(name, value);
        let line = one_clear_line(&run(command));
        assert!(line.contains(name), "{line}");
    }
    assert!(!folder.path().join(".leads").exists());
}
