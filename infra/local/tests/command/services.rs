use crate::leads::{Running, leads, run};

#[test]
fn services_prints_what_a_function_needs_to_export_and_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(leads(folder.path(), &["services"]));
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "LEADS_INDEX_TABLE") {
        let line = running.stdout_line();
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        assert!(!value.is_empty());
        names.push(name.to_owned());
    }
    assert!(names.iter().any(|name| name == "AWS_ENDPOINT_URL_DYNAMODB"));
    let (status, rest) = running.terminate();
    assert_eq!((status.code(), rest.as_str()), (Some(0), ""));
}

#[test]
fn help_tells_the_exit_codes_and_a_wrong_command_line_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["--help"] as &[_], &["serve", "--help"], &["import", "--help"]] {
        let output = run(leads(folder.path(), arguments));
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Exit codes:"), "{help}");
        assert!(help.contains("LEADS_API_KEY"), "{help}");
    }
    let output = run(leads(folder.path(), &["serve", "--liste"]));
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"" as &[_]));
}
