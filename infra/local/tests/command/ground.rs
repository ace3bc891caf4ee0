use std::path::Path;

use crate::leads::{Running, leads, one_clear_line, run};

const ADMIN: &str = "the-operators-own-key";

fn text(folder: &Path, arguments: &[&str], url: &str) -> String {
    let mut command = leads(folder, arguments);
    command.args(["--url", url]).env("LEADS_ADMIN_KEY", ADMIN);
    let output = run(command);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tenants_keys_fields_and_usage_are_managed_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut serve = leads(folder, &["serve", "--listen", "127.0.0.1:0", "--no-sample"]);
    serve.env("LEADS_ADMIN_KEY", ADMIN);
    let mut running = Running::start(serve);
    let ready = running.stdout_line();
    let url = ready.strip_prefix("ready ").unwrap();

    let tenant = text(folder, &["tenants", "create", "Acme, Inc."], url);
    assert!(tenant.starts_with("lk_"), "{tenant}");
    let key = text(folder, &["keys", "create", "ci", "--scope", "contacts:read"], url);
    assert!(key.starts_with("lk_") && key != tenant);
    let listed = text(folder, &["keys", "list"], url);
    let ci = listed.lines().find(|line| line.contains("\tci\t")).unwrap();
    let id = ci.split('\t').next().unwrap();
    text(folder, &["keys", "revoke", id], url);
    assert!(!text(folder, &["keys", "list"], url).contains("\tci\t"));

    let made = text(folder, &["fields", "create", "Budget", "--type", "text", "--required", "false"], url);
    assert_eq!(made.lines().nth(1), Some("t1\tbudget\ttext\tBudget\tfalse\t-"));
    let changed = text(folder, &["fields", "change", "budget", "--slug", "spend", "--type", "number"], url);
    assert_eq!(changed.lines().nth(1), Some("n2\tspend\tnumber\tBudget\tfalse\t-"));
    text(folder, &["fields", "drop", "spend"], url);
    assert_eq!(text(folder, &["fields", "list"], url).lines().count(), 1);
    assert!(text(folder, &["usage"], url).starts_with("0 contacts held, counted at "));

    let mut gone = leads(folder, &["fields", "drop", "spend", "--url", url]);
    gone.env("LEADS_ADMIN_KEY", ADMIN);
    assert_eq!(one_clear_line(&run(gone)), "error: there is no such field");
    let (status, _) = running.terminate();
    assert!(status.success());
}
