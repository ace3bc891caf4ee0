//! `leads fields`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::connection::{Connection, ended, shown, table};
use crate::client::{Api, Call, ClientError};

#[derive(Debug, Args)]
pub(super) struct FieldsArgs {
    #[command(subcommand)]
    command: FieldsCommand,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Subcommand)]
enum FieldsCommand {
    /// List the custom fields.
    List,
    /// Make a custom field.
    Create {
        /// What people call it.
        name: String,
        #[command(flatten)]
        traits: Traits,
    },
    /// Change a custom field. A new type converts its values in the background.
    Change {
        /// Its id or slug.
        field: String,
        /// What people call it.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        traits: Traits,
    },
    /// Drop a custom field with its values.
    Drop {
        /// Its id or slug.
        field: String,
    },
}

#[derive(Debug, Args)]
struct Traits {
    /// What programs call it.
    #[arg(long)]
    slug: Option<String>,
    /// text, number, date or boolean.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Whether no contact is created without a value.
    #[arg(long, value_name = "BOOLEAN")]
    required: Option<bool>,
    /// The value of contacts that are created without one; an empty one for none.
    #[arg(long, value_name = "VALUE")]
    default: Option<String>,
}

impl Traits {
    fn body(self, name: Option<String>) -> Value {
        let default = self.default.map(|value| if value.is_empty() { Value::Null } else { value.into() });
        let members = [
            ("name", name.map(Value::from)),
            ("slug", self.slug.map(Value::from)),
            ("type", self.kind.map(Value::from)),
            ("required", self.required.map(Value::from)),
            ("default", default),
        ];
        let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

pub(super) fn run(args: FieldsArgs) -> ExitCode {
    ended(act(args))
}

fn act(args: FieldsArgs) -> Result<(), ClientError> {
    let api = args.connection.api()?;
    match args.command {
        FieldsCommand::List => show(&listed(&api)?),
        FieldsCommand::Create { name, traits } => {
            show(&json!([api.call(Call::Post(&traits.body(Some(name))), "/fields")?]));
        }
        FieldsCommand::Change { field, name, traits } => {
            let path = path(&api, &field)?;
            show(&json!([api.call(Call::Patch(&traits.body(name)), &path)?]));
        }
        FieldsCommand::Drop { field } => {
            api.call(Call::Delete, &path(&api, &field)?)?;
        }
    }
    Ok(())
}

fn show(fields: &Value) {
    table(&["id", "slug", "type", "name", "required", "default"], fields);
}

fn listed(api: &Api) -> Result<Value, ClientError> {
    Ok(api.call(Call::Get, "/fields")?.get("items").cloned().unwrap_or_default())
}

/// Finds the path of a field by its slug, or else takes what was given for its id.
fn path(api: &Api, field: &str) -> Result<String, ClientError> {
    let fields = listed(api)?;
    let by_slug =
        fields.as_array().into_iter().flatten().find(|found| found.get("slug") == Some(&field.into()));
    let id = by_slug.and_then(|found| found.get("id")).map_or(field.to_owned(), shown);
    Ok(format!("/fields/{id}"))
}
