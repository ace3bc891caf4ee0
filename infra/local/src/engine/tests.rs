use dynoxide::Database;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::upkeep::tick;
use super::{open, streams};

/// What the engine asks of its stream log: before every write to a streamed table, and at
/// every `GetRecords` (dynoxide-rs 3.2.0, storage.rs).
const LAST: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records
                    WHERE table_name = ?1";
const READ: &str = "SELECT event_name FROM _stream_records
                    WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
                    ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4";

fn cured() -> (TempDir, Database, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.sqlite");
    let database = open(&file).unwrap();
    let connection = streams::cure(&file).unwrap();
    (folder, database, connection)
}

/// Tells how SQLite goes about a statement.
fn plan(connection: &Connection, sql: &str, parameters: usize) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = rusqlite::params_from_iter(vec!["1"; parameters]);
    let steps = statement.query_map(values, |row| row.get::<_, String>(3)).unwrap();
    steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
}

fn add_records(connection: &Connection, count: i64, age_seconds: i64) {
    connection
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO _stream_records
               (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
             SELECT 'contacts', 'INSERT', '{}', i, 'shard', unixepoch() - ?2 FROM n",
            (count, age_seconds),
        )
        .unwrap();
}

fn records(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM _stream_records", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_write_to_a_streamed_table_does_not_search_the_stream_log() {
    let (_folder, _database, connection) = cured();
    let last = plan(&connection, LAST, 1);
    assert_eq!(last, "SEARCH _stream_records USING COVERING INDEX leads_stream_last (table_name=?)");
    let read = plan(&connection, READ, 4);
    assert_eq!(read, "SEARCH _stream_records USING INDEX leads_stream_last (table_name=? AND <expr>>?)");
}

#[test]
fn the_last_sequence_number_is_found_without_reading_the_others() {
    let (_folder, _database, connection) = cured();
    let steps = |count| {
        add_records(&connection, count, 0);
        let mut statement = connection.prepare(LAST).unwrap();
        statement.query_row(["contacts"], |row| row.get::<_, i64>(0)).unwrap();
        statement.get_status(rusqlite::StatementStatus::VmStep)
    };
    let (few, many) = (steps(10), steps(20_000));
    assert!(many <= few + 20, "{few} steps of work became {many}");
}

#[test]
fn stream_records_past_a_day_go_in_small_bites() {
    let (_folder, _database, connection) = cured();
    add_records(&connection, 700, 25 * 60 * 60);
    add_records(&connection, 3, 23 * 60 * 60);
    assert_eq!(streams::prune(&connection).unwrap(), streams::BITE);
    assert_eq!(records(&connection), 203);
    assert_eq!(streams::prune(&connection).unwrap(), 200);
    assert_eq!(streams::prune(&connection).unwrap(), 0);
    assert_eq!(records(&connection), 3);
}

#[test]
fn expired_items_are_swept() {
    let (_folder, database, connection) = cured();
    let create = json!({
        "TableName": "config", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "part", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "part", "KeyType": "HASH"}],
    });
    database.create_table(serde_json::from_value(create).unwrap()).unwrap();
    let expiry = json!({
        "TableName": "config",
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true},
    });
    database.update_time_to_live(serde_json::from_value(expiry).unwrap()).unwrap();
    let now = chrono::Utc::now().timestamp();
    for (part, expires) in [("old", now - 60), ("new", now + 3_600)] {
        let put = json!({"TableName": "config", "Item": {"part": {"S": part}, "expires": {"N": expires.to_string()}}});
        database.put_item(serde_json::from_value(put).unwrap()).unwrap();
    }
    tick(&connection, &database);
    let left = database.scan(serde_json::from_value(json!({"TableName": "config"})).unwrap()).unwrap();
    let left = serde_json::to_value(left).unwrap();
    assert_eq!(left["Count"], 1);
    assert_eq!(left["Items"][0]["part"]["S"], "new");
}
