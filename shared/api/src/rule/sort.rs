//! Orders by name: `score`, `-created_at`, `budget`.

use axum::http::StatusCode;
use index::{Direction, Sort};
use model::Invalid;
use model::rule::{FieldRef, Source};
use store::{FieldStore, Freshness};

use crate::{ApiError, Caller, FieldError, Problem};

/// Reads an order: a field, and `-` in front of it for the largest first.
pub(super) async fn sort<S: FieldStore>(store: &S, caller: &Caller, text: &str) -> Result<Sort, ApiError> {
    let (direction, name) = match text.strip_prefix('-') {
        Some(name) => (Direction::Descending, name),
        None => (Direction::Ascending, text),
    };
    let source = match FieldRef::parse(name) {
        Some(FieldRef::Standard(field)) => Some(Source::Standard(field)),
        Some(FieldRef::Attribute(slug)) => {
            let mut fields = store.fields(&caller.tenant, Freshness::Cached).await?;
            if fields.get(&slug).is_none() {
                // Another instance may have defined it since.
                fields = store.fields(&caller.tenant, Freshness::Strong).await?;
            }
            fields.get(&slug).map(model::Field::source)
        }
        None => None,
    };
    let Some(source) = source else {
        return Err(refused("unknown_field", format!("there is no field `{name}`")));
    };
    if let Source::Converting(..) = source {
        let detail = format!("the values of `{name}` are being converted; sort by it when that is done");
        return Err(refused("not_sortable", detail));
    }
    Sort::by(source, direction).ok_or_else(|| {
        let detail = format!(
            "there is no order by `{name}`; sort by `score`, `created_at`, `last_opened_at` and its like, \
             `first_name`, `last_name`, `company`, `job_title`, or a custom number, date or text"
        );
        refused("not_sortable", detail)
    })
}

fn refused(code: &'static str, detail: String) -> ApiError {
    let problem = Problem::of_errors(vec![FieldError::new("/sort", Invalid::new(code, detail))]);
    Problem { status: StatusCode::BAD_REQUEST.as_u16(), ..problem }.into()
}
