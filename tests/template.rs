//! What is deployed is what the code has: routes, environment, deliveries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use api::{App, Routes, described, openapi_of};
use serde_json::Value;
use store::testing::{MemoryBus, MemoryObjects, MemoryQueue, MemoryStore};
use store::{Clock, Tables};
use yaml_rust2::{Yaml, YamlLoader};

/// Is `function METHOD /path`.
type RouteSet = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Reads the template; of `!Ref Name` and the like only what stands behind the tag is left.
fn template() -> Yaml {
    let text = std::fs::read_to_string(root().join("infra/template.yaml")).expect("read the template");
    YamlLoader::load_from_str(&text).expect("YAML").remove(0)
}

fn entries(yaml: &Yaml) -> impl Iterator<Item = (&str, &Yaml)> {
    yaml.as_hash().expect("a map").iter().map(|(name, value)| (name.as_str().expect("a name"), value))
}

/// Lists the HTTP routes of the template: those that name a method, and those that take the rest.
fn deployed() -> (RouteSet, RouteSet) {
    let template = template();
    let (mut named, mut rest) = (RouteSet::new(), RouteSet::new());
    for (_, resource) in entries(&template["Resources"]) {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let function = resource["Metadata"]["BuildProperties"]["Binary"].as_str().expect("a binary");
        for (_, event) in entries(&resource["Properties"]["Events"]) {
            if event["Type"].as_str() != Some("HttpApi") {
                continue;
            }
            let path = event["Properties"]["Path"].as_str().unwrap_or("$default");
            match event["Properties"]["Method"].as_str() {
                Some("ANY") | None => rest.insert(format!("{function} {path}")),
                Some(method) => named.insert(format!("{function} {method} {path}")),
            };
        }
    }
    (named, rest)
}

/// Lists the routes of `cargo lambda watch`.
fn watched() -> RouteSet {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("run cargo");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().expect("a router");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    router
        .iter()
        .flat_map(|(path, routes)| routes.as_array().expect("a list").iter().map(move |route| (path, route)))
        .map(|(path, route)| format!("{} {} {path}", text(&route["function"]), text(&route["method"])))
        .collect()
}

/// Lists the routes that the functions' own routers have.
fn routed() -> RouteSet {
    let app = App::new(MemoryStore::default(), Clock::default());
    let deps = imports::Deps { app: app.clone(), objects: MemoryObjects::default() };
    let settings = settings::Deps {
        app: app.clone(),
        queue: MemoryQueue::default(),
        fields_known_after: Duration::ZERO,
    };
    let events = events::Deps { app: app.clone(), bus: MemoryBus::default() };
    let listed = |function: &str, routes: Routes| {
        let name = |(method, path): &_| format!("{function} {method} {path}");
        routes.listed().iter().map(name).collect::<Vec<_>>()
    };
    [
        listed("contacts", contacts::routes(&app)),
        listed("events", events::routes(&events)),
        listed("imports", imports::routes(&deps)),
        listed("lists", lists::routes(&app)),
        listed("search", search::routes(&app)),
        listed("settings", settings::routes(&settings, None)),
    ]
    .concat()
    .into_iter()
    .collect()
}

#[test]
fn template_routers_document_and_watch_have_the_same_routes() {
    let (deployed, _) = deployed();
    assert_eq!(deployed, routed(), "infra/template.yaml and the routers");
    assert_eq!(deployed, watched(), "infra/template.yaml and `watch.router` in Cargo.toml");
    let document = openapi_of([
        contacts::openapi(),
        events::openapi(),
        imports::openapi(),
        lists::openapi(),
        search::openapi(),
        settings::openapi(),
    ]);
    let described: BTreeSet<String> =
        described(&document).iter().map(|(method, path)| format!("{method} {path}")).collect();
    let deployed = deployed.iter().map(|route| route.split_once(' ').expect("a function").1.to_owned());
    assert_eq!(deployed.collect::<BTreeSet<_>>(), described, "infra/template.yaml and the document");
}

#[test]
fn a_function_also_answers_what_is_under_its_paths_and_has_no_route() {
    let (_, rest) = deployed();
    let expected = [
        "contacts /api/v1/contacts",
        "contacts /api/v1/contacts/{proxy+}",
        "contacts /api/v1/suppressions",
        "contacts /api/v1/suppressions/{proxy+}",
        "events /api/v1/events",
        "events /api/v1/events/{proxy+}",
        "imports /api/v1/imports",
        "imports /api/v1/imports/{proxy+}",
        "lists /api/v1/lists",
        "lists /api/v1/lists/{proxy+}",
        "search /api/v1/index/{proxy+}",
        "search /api/v1/rules/{proxy+}",
        "settings $default",
    ];
    assert_eq!(rest, expected.map(str::to_owned).into());
}

#[test]
fn every_function_is_told_its_tables() {
    let template = template();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    let told: BTreeSet<&str> = entries(variables).map(|(name, _)| name).collect();
    assert_eq!(told, Tables::prefixed("").to_env().map(|(name, _)| name).into());
}

/// Lists what a function's own policies allow, each action with where.
fn allowed(function: &str) -> BTreeSet<String> {
    fn texts(yaml: &Yaml) -> Vec<&str> {
        yaml.as_str().map_or_else(
            || yaml.as_vec().into_iter().flatten().filter_map(Yaml::as_str).collect(),
            |t| vec![t],
        )
    }
    let template = template();
    let statements = &template["Resources"][function]["Properties"]["Policies"][0]["Statement"];
    let mut allowed = BTreeSet::new();
    for statement in statements.as_vec().expect("statements") {
        for action in texts(&statement["Action"]) {
            let resources = texts(&statement["Resource"]).into_iter();
            allowed.extend(resources.map(|resource| format!("{action} {resource}")));
        }
    }
    allowed
}

/// The emulator lets everything through, so only this shows what AWS would refuse.
#[test]
fn functions_may_do_what_their_store_does() {
    for function in ["ContactsFunction", "ImportFunction"] {
        // Batches of creates go by PartiQL, single ones and changes by PutItem.
        for action in ["BatchGetItem", "GetItem", "PutItem", "PartiQLInsert"] {
            let needed = format!("dynamodb:{action} ContactsTable.Arn");
            assert!(allowed(function).contains(&needed), "{function} lacks {needed}");
        }
        assert!(allowed(function).contains("dynamodb:UpdateItem DirectoryTable.Arn"), "{function}");
    }
    for action in ["SendMessage", "ChangeMessageVisibility"] {
        let needed = format!("sqs:{action} RangeQueue.Arn");
        assert!(allowed("ImportFunction").contains(&needed), "ImportFunction lacks {needed}");
    }
    // A key's use is noted, and its quota taken, in every function that keys open.
    for function in ["Contacts", "Events", "Imports", "Lists", "Search", "Settings"] {
        let function = &format!("{function}Function");
        assert!(allowed(function).contains("dynamodb:UpdateItem ConfigTable.Arn"), "{function}");
    }
    let settings = allowed("SettingsFunction");
    for needed in [
        "dynamodb:BatchGetItem ConfigTable.Arn",
        "dynamodb:Query ContactsTable.Arn",
        "sqs:SendMessage RangeQueue.Arn",
        "sqs:SendMessage RefoldQueue.Arn",
        "dynamodb:BatchGetItem ContactsTable.Arn",
        "dynamodb:BatchGetItem DirectoryTable.Arn",
        "dynamodb:Query ActivityTable.Arn",
    ] {
        assert!(settings.contains(needed), "SettingsFunction lacks {needed}");
    }
    let import = allowed("ImportFunction");
    for action in ["BatchGetItem", "GetItem", "PutItem", "Query"] {
        assert!(import.contains(&format!("dynamodb:{action} IndexTable.Arn")), "a block needs {action}");
    }
    for needed in ["BatchGetItem DirectoryTable.Arn", "Query ConfigTable.Arn", "DeleteItem ConfigTable.Arn"] {
        let needed = format!("dynamodb:{needed}");
        assert!(import.contains(&needed), "a sweep, and a loader's place, needs {needed}");
    }
    assert!(allowed("ContactsFunction").contains("dynamodb:Query ContactsTable.Arn"), "to list suppressions");
    for action in ["Query", "DeleteItem"] {
        let needed = format!("dynamodb:{action} ActivityTable.Arn");
        assert!(allowed("ContactsFunction").contains(&needed), "an erasure needs {needed}");
    }
    let scoring = allowed("ScoringFunction");
    for needed in [
        "dynamodb:BatchGetItem ContactsTable.Arn",
        "dynamodb:PutItem ContactsTable.Arn",
        "dynamodb:UpdateItem DirectoryTable.Arn",
        "dynamodb:BatchGetItem DirectoryTable.Arn",
        "dynamodb:GetItem DirectoryTable.Arn",
        "sqs:SendMessage RefoldQueue.Arn",
        "dynamodb:PutItem ActivityTable.Arn",
        "dynamodb:Query ActivityTable.Arn",
        "dynamodb:UpdateItem ConfigTable.Arn",
        "dynamodb:DeleteItem ConfigTable.Arn",
    ] {
        assert!(scoring.contains(needed), "ScoringFunction lacks {needed}");
    }
    for needed in [
        "GetItem ContactsTable.Arn",
        "BatchGetItem ContactsTable.Arn",
        "BatchGetItem DirectoryTable.Arn",
        "Query ConfigTable.Arn",
        "Query IndexTable.Arn",
        "Query DirectoryTable.Arn",
        "BatchGetItem IndexTable.Arn",
        "GetItem IndexTable.Arn",
        "PutItem IndexTable.Arn",
    ] {
        assert!(allowed("SearchFunction").contains(&format!("dynamodb:{needed}")), "{needed}");
    }
    let lists = allowed("ListsFunction");
    for needed in [
        "BatchGetItem ContactsTable.Arn",
        "PutItem ContactsTable.Arn",
        "BatchGetItem DirectoryTable.Arn",
        "Query ConfigTable.Arn",
        "PutItem ConfigTable.Arn",
        "DeleteItem ConfigTable.Arn",
        "Query IndexTable.Arn",
    ] {
        assert!(lists.contains(&format!("dynamodb:{needed}")), "ListsFunction lacks {needed}");
    }
    for needed in ["GetItem IndexTable.Arn", "PutItem IndexTable.Arn", "BatchGetItem ContactsTable.Arn"] {
        assert!(allowed("IndexerFunction").contains(&format!("dynamodb:{needed}")), "{needed}");
    }
    for function in ["EventsFunction", "IndexerFunction"] {
        let puts = allowed(function).iter().any(|action| action.starts_with("events:PutEvents "));
        assert!(puts, "{function} tells the bus");
    }
    let clock = allowed("ClockFunction");
    for action in ["Query", "UpdateItem", "DeleteItem"] {
        assert!(clock.contains(&format!("dynamodb:{action} ConfigTable.Arn")), "a timer needs {action}");
    }
    assert!(clock.contains("sqs:SendMessage ClockQueue.Arn"), "to send for what is due");
    let imports = allowed("ImportsFunction");
    for link in
        ["s3:PutObject uploads/*", "s3:GetObject imports/*/errors.csv", "s3:GetObject imports/*/warnings.csv"]
    {
        let (action, path) = link.split_once(' ').expect("a path");
        let signs =
            imports.iter().any(|a| a.starts_with(&format!("{action} ")) && a.ends_with(&format!("/{path}")));
        assert!(signs, "ImportsFunction signs links for {link} and may not do that itself");
    }
}

#[test]
fn what_fails_for_good_is_kept() {
    let template = template();
    let resources = &template["Resources"];
    let import = &resources["ImportFunction"]["Properties"];
    let destination = &import["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"];
    assert_eq!(destination.as_str(), Some("NotificationDeadLetters.Arn"));
    let queue = &resources["RangeQueue"]["Properties"];
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"].as_str(), Some("RangeDeadLetters.Arn"));
    let (visible_s, timeout_s) = (queue["VisibilityTimeout"].as_i64(), import["Timeout"].as_i64());
    assert!(visible_s > timeout_s, "{visible_s:?} is too short for {timeout_s:?}");
    let events = &resources["EventQueue"]["Properties"];
    assert_eq!(events["RedrivePolicy"]["deadLetterTargetArn"].as_str(), Some("EventDeadLetters.Arn"));
    let timeout_s = resources["ScoringFunction"]["Properties"]["Timeout"].as_i64().expect("a timeout");
    let refolds = &resources["RefoldQueue"]["Properties"];
    assert_eq!(refolds["RedrivePolicy"]["deadLetterTargetArn"].as_str(), Some("RefoldDeadLetters.Arn"));
    for queue in [events, refolds] {
        assert!(queue["VisibilityTimeout"].as_i64() >= Some(6 * timeout_s));
    }
    let clock = &resources["ClockQueue"]["Properties"];
    assert_eq!(clock["RedrivePolicy"]["deadLetterTargetArn"].as_str(), Some("ClockDeadLetters.Arn"));
    let timeout_s = resources["ClockFunction"]["Properties"]["Timeout"].as_i64().expect("a timeout");
    assert!(clock["VisibilityTimeout"].as_i64() >= Some(6 * timeout_s));
    for queue in [
        "RangeDeadLetters",
        "NotificationDeadLetters",
        "EventDeadLetters",
        "RefoldDeadLetters",
        "ClockDeadLetters",
    ] {
        let watched = entries(resources).any(|(_, alarm)| {
            alarm["Type"].as_str() == Some("AWS::CloudWatch::Alarm")
                && alarm["Properties"]["Dimensions"][0]["Value"].as_str()
                    == Some(format!("{queue}.QueueName").as_str())
        });
        assert!(watched, "no alarm watches {queue}");
    }
}

#[test]
fn the_dashboard_shows_every_function_table_and_queue() {
    let template = template();
    let resources = &template["Resources"];
    let body = resources["Dashboard"]["Properties"]["DashboardBody"].as_str().expect("a body");
    let as_json: Value = serde_json::from_str(body).expect("the dashboard is JSON");
    assert!(as_json["widgets"].as_array().is_some_and(|widgets| !widgets.is_empty()));
    for (name, resource) in entries(resources) {
        let shown = match resource["Type"].as_str() {
            Some("AWS::Serverless::Function" | "AWS::DynamoDB::Table") => name.to_owned(),
            Some("AWS::SQS::Queue") => format!("{name}.QueueName"),
            _ => continue,
        };
        assert!(body.contains(&format!("\"${{{shown}}}\"")), "the dashboard lacks {name}");
    }
}
