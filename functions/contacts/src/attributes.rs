use std::collections::BTreeMap;

use api::{ApiError, FieldError};
use model::{AttributeValue, Edit, FieldId, FieldSlug, Tenant};
use serde_json::Value;
use store::{FieldStore, Freshness};

use crate::input::RawAttribute;

/// Reads attributes into the types of their fields; a name that nobody used yet becomes a field
/// of its value's type.
///
/// # Errors
/// 422 naming each value that does not convert.
pub(crate) async fn typed<S: FieldStore>(
    store: &S,
    tenant: &Tenant,
    raw: BTreeMap<FieldSlug, RawAttribute>,
) -> Result<BTreeMap<FieldId, Edit<AttributeValue>>, ApiError> {
    if raw.is_empty() {
        return Ok(BTreeMap::new());
    }
    let fields = store.fields(tenant, Freshness::Cached).await?;
    let mut edits = BTreeMap::new();
    let mut errors = Vec::new();
    // First what can fail: a request that is refused defines no field.
    let mut unknown = Vec::new();
    for (slug, raw) in raw {
        match fields.get(&slug) {
            Some(field) => take(field.id, &raw, &mut edits, &mut errors),
            None if is_blank(&raw.value) => {}
            None => match AttributeValue::from_json(&raw.value, None) {
                Ok(value) => unknown.push((slug, raw, value.kind())),
                Err(invalid) => errors.push(FieldError::new(raw.pointer, invalid)),
            },
        }
    }
    if errors.is_empty() {
        for (slug, raw, kind) in unknown {
            let field = store.define_field(tenant, &slug, &raw.name, kind).await?;
            // Somebody else may have been first, with another type.
            take(field.id, &raw, &mut edits, &mut errors);
        }
    }
    if errors.is_empty() { Ok(edits) } else { Err(ApiError::invalid(errors)) }
}

fn take(
    id: FieldId,
    raw: &RawAttribute,
    edits: &mut BTreeMap<FieldId, Edit<AttributeValue>>,
    errors: &mut Vec<FieldError>,
) {
    if is_blank(&raw.value) {
        edits.insert(id, Edit::always(None));
        return;
    }
    match AttributeValue::from_json(&raw.value, Some(id.kind)) {
        Ok(value) => {
            edits.insert(id, Edit::always(Some(value)));
        }
        Err(invalid) => errors.push(FieldError::new(raw.pointer.clone(), invalid)),
    }
}

/// Null clears, and blank text is no value.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}
