//! Pages of contacts: their limits, and their JSON.

use axum::http::StatusCode;
use model::Contact;
use model::Tenant;
use store::{FieldStore, ListStore, StoreError};

use crate::{ApiError, Problem, views};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
/// Lambda answers with at most 6 MB; pages end early well before.
const PAGE_BYTES: usize = 4_000_000;

/// Reads how many contacts a page is to have.
///
/// # Errors
/// 400 `invalid_limit`.
pub fn page_limit(limit: Option<usize>) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let detail = format!("`limit` is 1 to {MAX_LIMIT}");
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_limit", detail).into())
}

/// Writes contacts as a JSON array, as many as an answer can hold, and tells how many that are.
///
/// # Errors
/// What the store answers to the look-up of fields and lists.
pub async fn page_items<S: FieldStore + ListStore>(
    store: &S,
    tenant: &Tenant,
    contacts: &[Contact],
) -> Result<(Vec<u8>, usize), StoreError> {
    let mut items = b"[".to_vec();
    let mut count = 0;
    for view in views(store, tenant, contacts).await? {
        let item = serde_json::to_vec(&view).map_err(|e| StoreError::Malformed(e.to_string()))?;
        if count > 0 {
            if items.len() + item.len() > PAGE_BYTES {
                break;
            }
            items.push(b',');
        }
        items.extend(item);
        count += 1;
    }
    items.push(b']');
    Ok((items, count))
}
