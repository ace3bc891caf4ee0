//! `leads search`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::connection::{Connection, ended, heading, rows_of, shown};
use super::print;
use super::terminal::Terminal;
use crate::client::{Call, ClientError};

/// The most that a page of the API holds.
const MAX_PAGE: u64 = 200;
const COLUMNS: &str = "email,first_name,last_name,company,status,score,tier";

pub(super) const AFTER_HELP: &str = "\
Examples:
  leads search 'industry:SaaS score:>50' --sort=-score
  leads search 'jan* -status:unsubscribed' --columns email,attributes.industry
  leads search 'tag:partner' --limit 10000 --ndjson > partners.ndjson

The contacts go to stdout; how many there are in all, and what is odd about the query, to stderr.";

#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// Whom to find, such as 'industry:SaaS AND score:>50'.
    query: String,
    /// The field to sort by, with `-` in front for the largest first; the newest come first without it.
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Most contacts to show.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u64,
    /// The members to show, separated by commas; custom fields as attributes.NAME.
    #[arg(long, value_name = "MEMBERS", default_value = COLUMNS, value_delimiter = ',')]
    columns: Vec<String>,
    /// Print whole contacts as JSON, one a line.
    #[arg(long, conflicts_with = "columns")]
    ndjson: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: SearchArgs) -> ExitCode {
    ended(search(args))
}

fn search(args: SearchArgs) -> Result<(), ClientError> {
    let SearchArgs { query, sort, limit, columns, ndjson, connection } = args;
    let api = connection.api()?;
    let terminal = Terminal::default();
    let mut shown_so_far = 0;
    let mut cursor = Value::Null;
    loop {
        let missing = (limit - shown_so_far).clamp(1, MAX_PAGE);
        let body = json!({ "query": query, "sort": sort, "limit": missing, "cursor": cursor });
        let page = api.call(Call::Post(&body), "/contacts/search")?;
        let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if shown_so_far == 0 {
            let total = page.get("total").and_then(Value::as_u64).unwrap_or_default();
            terminal.line(format_args!("{total} contacts"));
            for warning in page.get("warnings").and_then(Value::as_array).into_iter().flatten() {
                terminal.line(format_args!("{}", warned(warning)));
            }
        }
        if ndjson {
            items.iter().for_each(|item| print(format_args!("{item}")));
        } else {
            let names: Vec<&str> = columns.iter().map(String::as_str).collect();
            let rows = items.iter().map(|item| row(item, &names)).collect();
            if shown_so_far == 0 {
                heading(&names);
            }
            rows_of(&names, &Value::Array(rows));
        }
        shown_so_far += items.len() as u64;
        let next = page.get("next_cursor").filter(|next| !next.is_null());
        let Some(next) = next.filter(|_| shown_so_far < limit) else { return Ok(()) };
        cursor = next.clone();
    }
}

/// Gives the members of a contact under the names of the columns.
fn row(item: &Value, names: &[&str]) -> Value {
    let member = |name: &&str| match name.strip_prefix("attributes.") {
        Some(slug) => item.get("attributes").and_then(|all| all.get(slug)),
        None => item.get(*name),
    };
    let cells = names.iter().map(|name| ((*name).to_owned(), member(name).cloned().unwrap_or_default()));
    Value::Object(cells.collect())
}

fn warned(warning: &Value) -> String {
    let member = |name: &str| warning.get(name).filter(|value| !value.is_null()).map(shown);
    let what = member("value").or(member("field")).unwrap_or_default();
    let meant = member("did_you_mean").map(|meant| format!("; did you mean `{meant}`?"));
    format!("warning: nobody has `{what}`{}", meant.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_members_that_are_asked_for() {
        let item = json!({"email": "a@example.com", "attributes": {"industry": "SaaS"}});
        let names = ["attributes.industry", "email", "phone"];
        let expected = json!({"attributes.industry": "SaaS", "email": "a@example.com", "phone": null});
        assert_eq!(row(&item, &names), expected);
    }

    #[test]
    fn a_warning_says_what_may_have_been_meant() {
        let warning = json!({"code": "unknown_field", "field": "scroe", "did_you_mean": "score"});
        assert_eq!(warned(&warning), "warning: nobody has `scroe`; did you mean `score`?");
    }
}
