//! What somebody asks of an import, read from JSON.

use std::collections::{BTreeMap, BTreeSet};

use api::{ApiError, FieldError, Members};
use model::import::{ColumnChoice, ImportOptions, Target};
use model::rule::{ListRef, Lists};
use model::{Invalid, ListBook, ListNumber};
use serde_json::{Map, Value};
use utoipa::ToSchema;

const MAX_FILENAME_CHARS: usize = 255;

/// How a file is to be read and applied. All is optional.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description; `read` reads it")]
pub(crate) struct ImportInput {
    /// What the file is called.
    #[schema(example = "leads.csv")]
    filename: Option<String>,
    /// `upsert` (the default), `create_only` or `update_only`.
    mode: Option<String>,
    /// By column name: a contact field or custom attribute, null to leave the column out, or
    /// `{"field":…,"on_blank":…,"overwrite":…}`. Other columns map by their names.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Map<String, Value>>,
    /// What becomes of columns whose name tells nothing: `attribute` (the default) or `ignore`.
    unmapped_columns: Option<String>,
    /// What a blank cell means: `keep` (the default) or `clear`.
    on_blank: Option<String>,
    /// Whether values replace what is there: `always` (the default), `if_empty` or `never`.
    overwrite: Option<String>,
    /// Sets the status of every contact of the file.
    status: Option<String>,
    /// The status of contacts that the file creates; `active` if absent.
    status_if_new: Option<String>,
    /// Tags that every contact of the file gets.
    tags: Option<Vec<String>>,
    /// Static lists, by id or name, that every contact of the file is put on.
    #[schema(example = json!(["Newsletter"]))]
    lists: Option<Vec<String>>,
    /// The agreement that every person in the file gave: `{source, method, captured_at, text}`.
    #[schema(value_type = Option<Object>)]
    consent: Option<Map<String, Value>>,
}

/// Is what somebody asks of an import.
pub(crate) struct Asked {
    pub(crate) filename: String,
    /// Without the lists.
    pub(crate) options: ImportOptions,
    /// By id or name.
    pub(crate) lists: Vec<String>,
}

/// Takes the members of an import; what is wrong with them is noted there.
pub(crate) fn read(members: &mut Members) -> Asked {
    let filename = members.read("filename", filename).unwrap_or_else(|| "import.csv".to_owned());
    let options = ImportOptions {
        mode: members.parse("mode").unwrap_or_default(),
        mapping: mapping(members),
        unmapped_columns: members.parse("unmapped_columns").unwrap_or_default(),
        on_blank: members.parse("on_blank").unwrap_or_default(),
        overwrite: members.parse("overwrite").unwrap_or_default(),
        status: members.parse("status"),
        status_if_new: members.parse("status_if_new").unwrap_or(model::Status::Active),
        tags: members.parse("tags").unwrap_or_default(),
        consent: members.parse("consent"),
        lists: BTreeSet::new(),
    };
    if let Some(Err((member, invalid))) = options.consent.as_ref().map(model::Consent::check) {
        members.fault(&format!("consent/{member}"), invalid);
    }
    if members.take("dry_run").is_some_and(|value| value != Value::Bool(false) && !value.is_null()) {
        members.fault("dry_run", Invalid::new("not_available", "`dry_run` is not available yet"));
    }
    Asked { filename, options, lists: members.parse("lists").unwrap_or_default() }
}

/// Finds the static lists that an import names.
pub(crate) fn lists(book: &ListBook, names: &[String]) -> Result<BTreeSet<ListNumber>, ApiError> {
    let mut numbers = BTreeSet::new();
    let mut errors = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let list = ListRef::new(name.as_str());
        match list.as_ref().and_then(|list| book.list(list)) {
            Some(number) => {
                numbers.insert(number);
            }
            None => {
                let detail = match list.and_then(|list| book.segment(&list)) {
                    Some(_) => "this is a segment, whose rule says who is in it; name a static list",
                    None => "there is no list of this name or id; make it first",
                };
                errors.push(FieldError::new(format!("/lists/{place}"), Invalid::new("unknown_list", detail)));
            }
        }
    }
    if errors.is_empty() { Ok(numbers) } else { Err(ApiError::invalid(errors)) }
}

fn filename(value: Value) -> Result<String, Invalid> {
    let name = value.as_str().map(str::trim).filter(|name| {
        (1..=MAX_FILENAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    });
    name.map(str::to_owned).ok_or_else(|| {
        Invalid::new("invalid_filename", format!("give 1 to {MAX_FILENAME_CHARS} visible characters"))
    })
}

fn mapping(members: &mut Members) -> BTreeMap<String, ColumnChoice> {
    let columns = match members.take("mapping") {
        None | Some(Value::Null) => return BTreeMap::new(),
        Some(Value::Object(columns)) => columns,
        Some(_) => {
            members.fault("mapping", Invalid::new("wrong_type", "give an object by column name"));
            return BTreeMap::new();
        }
    };
    let mut mapping = BTreeMap::new();
    for (column, choice) in columns {
        let place = format!("mapping/{}", column.replace('~', "~0").replace('/', "~1"));
        let choice = match choice {
            Value::Null => Ok(ColumnChoice::default()),
            Value::String(field) => Ok(ColumnChoice { field: Some(field), ..ColumnChoice::default() }),
            object @ Value::Object(_) => serde_json::from_value(object)
                .map_err(|error| Invalid::new("invalid_value", error.to_string())),
            _ => Err(Invalid::new("wrong_type", "give a field name, null or an object")),
        };
        let checked = choice.and_then(|choice: ColumnChoice| {
            choice.field.as_deref().map(Target::parse).transpose()?;
            Ok(choice)
        });
        match checked {
            Ok(choice) => {
                mapping.insert(column, choice);
            }
            Err(invalid) => members.fault(&place, invalid),
        }
    }
    mapping
}
