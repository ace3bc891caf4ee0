use std::collections::{BTreeMap, BTreeSet};

use api::{ApiError, FieldError};
use model::{AttributeValue, Change, Edit, FieldId, FieldSlug, Invalid, MAX_FIELDS, Tenant};
use serde_json::Value;
use store::{FieldStore, Freshness};

use crate::input::RawAttribute;

/// Reads attributes into the types of their fields, and tells the change what the fields demand. A
/// name that nobody used yet becomes a field of its value's type, unless the tenant wants none.
///
/// # Errors
/// 422 naming each value that does not convert, and each name that stays unknown.
pub(crate) async fn typed<S: FieldStore>(
    store: &S,
    tenant: &Tenant,
    raw: BTreeMap<FieldSlug, RawAttribute>,
    change: &mut Change,
) -> Result<(), ApiError> {
    let mut fields = store.fields(tenant, Freshness::Cached).await?;
    if raw.iter().any(|(slug, raw)| fields.get(slug).is_none() && !is_blank(&raw.value)) {
        // Somebody may have made it within the last minute, and given it another name.
        fields = store.fields(tenant, Freshness::Strong).await?;
    }
    change.demands = fields.demands();
    let mut edits = BTreeMap::new();
    let mut errors = Vec::new();
    // First what can fail: a request that is refused defines no field.
    let (mut unknown, mut taken) = (Vec::new(), BTreeSet::new());
    for (slug, raw) in raw {
        match fields.get(&slug) {
            Some(field) if !taken.insert(field.id) => {
                let detail = format!("`{}` is given by another of its names, too; give one", field.slug);
                errors.push(FieldError::new(raw.pointer, Invalid::new("conflict", detail)));
            }
            Some(field) => take(field.id, &raw, &mut edits, &mut errors),
            None if is_blank(&raw.value) => {}
            None if !tenant.settings.infer_attributes => {
                let detail =
                    format!("there is no field `{slug}`; make it with POST /fields, or leave it out");
                errors.push(FieldError::new(raw.pointer, Invalid::new("unknown_field", detail)));
            }
            None if fields.count() + unknown.len() >= MAX_FIELDS => {
                let detail = format!("a tenant has at most {MAX_FIELDS} fields; drop one that nobody uses");
                errors.push(FieldError::new(raw.pointer, Invalid::new("too_many_fields", detail)));
            }
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
    change.attributes = edits;
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(errors)) }
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
