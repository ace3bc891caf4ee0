//! NDJSON: one JSON object a line.
//!
//! The columns of a file are the keys of all its objects, in the order in which they are first
//! seen. An object within an object is flattened (`{"a":{"b":1}}` has the column `a.b`); an array
//! of scalars is its items joined by ` ::: `, as Google Contacts writes several values; any other
//! array is its JSON. `null` and a key that is not there are blank. Numbers stay as they are written. Of a
//! key that comes twice the last one counts. A line that is no object is the row `malformed_json`.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};
use model::Invalid;
use model::import::FileRefusal;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::records::{Layout, MAX_CELL_BYTES, Place, ReadFault, Records, checked};
use crate::survey::MAX_COLUMNS;

const JOINT: &str = " ::: ";
/// Objects within objects; each level is parsed once more.
const MAX_DEPTH: usize = 16;

/// Holds the keys of a file, each with its column.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    names: Vec<String>,
    columns: HashMap<String, usize>,
}

impl Keys {
    /// Takes columns that were found before.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let columns = names.iter().cloned().zip(0..).collect();
        Self { names, columns }
    }

    /// Finds the keys of a whole file.
    pub(crate) fn of(source: impl Read, start: Place) -> Result<Self, ReadFault> {
        let mut keys = Self::default();
        for record in Records::new(source, Layout::Lines, start) {
            let record = record?;
            let Some(line) = record.cells.get(0).filter(|_| record.fault.is_none()) else { continue };
            for (key, _) in flattened(line).unwrap_or_default() {
                if keys.columns.contains_key(&key) {
                    continue;
                }
                if keys.names.len() >= MAX_COLUMNS {
                    return Err(ReadFault::Refused(FileRefusal::new(
                        "too_many_columns",
                        format!("the file has more than {MAX_COLUMNS} different keys; leave some out"),
                    )));
                }
                keys.columns.insert(key.clone(), keys.names.len());
                keys.names.push(key);
            }
        }
        Ok(keys)
    }

    /// Gives the names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }
}

impl From<Keys> for Layout {
    fn from(keys: Keys) -> Self {
        Self::Ndjson(Arc::new(keys))
    }
}

/// Reads one line into the columns of its file.
pub(crate) fn cells(line: &[u8], keys: &Keys, fault: Option<Invalid>) -> (StringRecord, Option<Invalid>) {
    let whole = |fault| checked(ByteRecord::from(vec![line]), fault, MAX_CELL_BYTES);
    let Ok(text) = std::str::from_utf8(line) else { return whole(fault) };
    // A control character as it is makes the JSON malformed, but a NUL has a name of its own.
    if line.contains(&0) {
        return whole(fault);
    }
    let fields = match flattened(text) {
        Ok(fields) => fields,
        Err(malformed) => return whole(fault.or(Some(malformed))),
    };
    let mut row = vec![String::new(); keys.names.len()];
    for (key, value) in fields {
        if let Some(cell) = keys.columns.get(&key).and_then(|column| row.get_mut(*column)) {
            *cell = value;
        }
    }
    checked(ByteRecord::from(row), fault, MAX_CELL_BYTES)
}

fn flattened(line: &str) -> Result<Vec<(String, String)>, Invalid> {
    let mut fields = Vec::new();
    flatten("", line, 1, &mut fields).map_err(|error| {
        Invalid::new("malformed_json", format!("the line is no JSON object: {error}; mend it"))
    })?;
    Ok(fields)
}

fn flatten(
    prefix: &str,
    object: &str,
    depth: usize,
    into: &mut Vec<(String, String)>,
) -> serde_json::Result<()> {
    if depth > MAX_DEPTH {
        return Err(serde_json::Error::custom(format!("it is nested more than {MAX_DEPTH} deep")));
    }
    let Members(members) = serde_json::from_str(object)?;
    for (key, value) in members {
        let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        if value.get().starts_with('{') {
            flatten(&key, value.get(), depth + 1, into)?;
        } else {
            into.push((key, text(value.get())?));
        }
    }
    Ok(())
}

fn text(value: &str) -> serde_json::Result<String> {
    if value.starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value)?;
        if items.iter().any(|item| item.get().starts_with(['{', '['])) {
            return Ok(value.to_owned());
        }
        let items = items.into_iter().filter(|item| item.get() != "null");
        let items: Vec<String> = items.map(|item| text(item.get())).collect::<Result<_, _>>()?;
        return Ok(items.join(JOINT));
    }
    if value.starts_with('"') {
        return serde_json::from_str(value);
    }
    Ok(if value == "null" { String::new() } else { value.to_owned() })
}

/// Is an object with its members in order, their values as they are written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
