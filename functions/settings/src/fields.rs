//! The custom fields over HTTP. Renaming touches no contact; a new type is a new id, and a sweep
//! converts what is there.

use std::str::FromStr;

use api::{Answer, ApiError, Caller, IdempotencyKey, JsonObject, Members, PathText, Problem, once};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{AttributeType, AttributeValue, Field, FieldId, FieldSlug, Fields, Invalid, MAX_FIELDS, Sweep};
use serde_json::Value;
use store::{FieldWrite, Freshness, ItemOutcome, Outcome, SweepMessage};
use utoipa::ToSchema;

use crate::field_view::{FieldList, FieldView, view};
use crate::input::{boolean, name, required_name};
use crate::{Deps, Store, Sweeps};

const ROUNDS: usize = 8;

/// A field to make, or what changes of one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct FieldInput {
    /// What people call it. A new field needs one.
    #[schema(example = "Budget")]
    name: Option<String>,
    /// What programs call it; made of the name of a new field if absent.
    #[schema(example = "budget")]
    slug: Option<String>,
    /// `text`, `number`, `date` or `boolean`. A new field needs one.
    #[serde(rename = "type")]
    #[schema(example = "number")]
    kind: Option<String>,
    /// Whether no contact is created without a value, and none loses it.
    required: Option<bool>,
    /// The value of a contact that is created without one; null for none.
    #[schema(value_type = Option<Object>)]
    default: Option<Value>,
}

/// Holds what a body says of a field.
struct Wanted {
    name: Option<String>,
    slug: Option<FieldSlug>,
    kind: Option<AttributeType>,
    required: Option<bool>,
    /// Null is none.
    default: Option<Value>,
}

impl Wanted {
    fn read(members: &mut Members) -> Self {
        Self {
            name: members.read("name", name),
            slug: members.read("slug", slug),
            kind: members.parse("type"),
            required: members.read("required", boolean),
            default: members.take("default"),
        }
    }

    /// Gives the field as it is to be, under a type that may be new.
    fn applied(&self, field: &Field, kind: AttributeType) -> Result<Field, ApiError> {
        let default = match &self.default {
            None => field.default.clone(),
            Some(Value::Null) => None,
            Some(value) => {
                let value = AttributeValue::from_json(value, Some(kind));
                Some(value.map_err(|invalid| ApiError::invalid_at("/default", invalid))?.to_string())
            }
        };
        if default.as_deref().is_some_and(|text| AttributeValue::parse_as(text, kind).is_err()) {
            let detail = "the default does not convert to the new type; give one that does, or null";
            return Err(ApiError::invalid_at("/default", Invalid::new("wrong_type", detail)));
        }
        let slug = self.slug.clone().unwrap_or_else(|| field.slug.clone());
        Ok(Field {
            name: self.name.clone().unwrap_or_else(|| field.name.clone()),
            required: self.required.unwrap_or(field.required),
            default,
            ..field.clone().renamed(slug)
        })
    }
}

fn slug(value: Value) -> Result<FieldSlug, Invalid> {
    let slug = value.as_str().and_then(FieldSlug::from_name);
    slug.ok_or_else(|| Invalid::new("invalid_field", "a field name needs a letter or a digit"))
}

/// Lists the custom fields by their slugs.
#[utoipa::path(get, path = "/api/v1/fields", tag = "fields", responses((status = 200, body = FieldList)))]
pub async fn list<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
) -> Result<Json<FieldList>, ApiError> {
    let fields = app.store.fields(&caller.tenant, Freshness::Strong).await?;
    Ok(Json(FieldList { items: fields.iter().map(view).collect() }))
}

/// Reads a custom field, and how far its values are converted.
#[utoipa::path(
    get,
    path = "/api/v1/fields/{id}",
    tag = "fields",
    params(("id" = String, Path, description = "The field's id, such as `n12`")),
    responses((status = 200, body = FieldView), (status = 404, body = Problem, description = "`field_not_found`"))
)]
pub async fn read<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<Json<FieldView>, ApiError> {
    let field = found(&*app.store.fields(&caller.tenant, Freshness::Strong).await?, &id)?;
    Ok(Json(view(&field)))
}

/// Makes a custom field.
#[utoipa::path(
    post,
    path = "/api/v1/fields",
    tag = "fields",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sends the same request again safely, for 24 hours")),
    request_body = FieldInput,
    responses(
        (status = 201, body = FieldView),
        (status = 409, body = Problem, description = "`field_exists`"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn create<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    key: IdempotencyKey,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let key = key.request(&caller, &body.bytes);
    let is_typed = body.members.get("type").is_some_and(|kind| !kind.is_null());
    let mut members = Members::new(body.members);
    let name = required_name(&mut members).unwrap_or_default();
    let wanted = Wanted::read(&mut members);
    let slug = wanted.slug.clone().or_else(|| FieldSlug::from_name(&name));
    match (&slug, wanted.kind) {
        (Some(_), Some(_)) => {}
        (None, _) if name.is_empty() => {}
        (None, _) => {
            let detail = "the name has no letter or digit; give a `slug`";
            members.fault("slug", Invalid::new("invalid_field", detail));
        }
        (Some(_), None) if is_typed => {}
        (Some(_), None) => {
            let detail = "give `text`, `number`, `date` or `boolean`";
            members.fault("type", Invalid::new("required", detail));
        }
    }
    members.finish()?;
    let (Some(slug), Some(kind)) = (slug, wanted.kind) else { return Err(ApiError::malformed("no field")) };
    let act = async || {
        let fields = app.store.fields(&caller.tenant, Freshness::Strong).await?;
        if let Some(other) = fields.get(&slug) {
            return Err(exists(&slug, &other.slug));
        }
        check_room(&fields)?;
        let draft = Field::new(FieldId { kind, number: 0 }, slug.clone(), name);
        let draft = wanted.applied(&draft, kind)?;
        let field = Field { id: app.store.new_field_id(&caller.tenant, kind).await?, ..draft };
        if !app.store.insert_field(&caller.tenant, &field).await? {
            return Err(exists(&slug, &slug));
        }
        let whole = ItemOutcome { status: 201, id: None, code: None };
        let response = (StatusCode::CREATED, Json(view(&field))).into_response();
        Ok(Answer { response, outcome: Outcome { whole, items: Vec::new() } })
    };
    let replay = async |_| {
        let fields = app.store.fields(&caller.tenant, Freshness::Strong).await?;
        let field = fields.get(&slug).ok_or_else(|| ApiError::not_found("field"))?;
        Ok((StatusCode::CREATED, Json(view(field))).into_response())
    };
    once(&app.store, key, act, replay).await
}

/// Changes a custom field. A new name or slug touches no contact, and rules, files and clients may
/// go on to use the slugs that it had. A new type gives it a new id, and
/// its values are converted in the background: follow `conversion` of that id. That begins after two
/// minutes, when everybody knows the new type; until it is done, rules look at the field's contacts one by one.
#[utoipa::path(
    patch,
    path = "/api/v1/fields/{id}",
    tag = "fields",
    params(("id" = String, Path, description = "The field's id, such as `n12`")),
    request_body(content = FieldInput, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = FieldView),
        (status = 404, body = Problem, description = "`field_not_found`"),
        (status = 409, body = Problem, description = "`field_exists`: another field has the slug"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn patch<S: Store, Q: Sweeps>(
    State(Deps { app, queue, fields_known_after }): State<Deps<S, Q>>,
    caller: Caller,
    PathText(id): PathText,
    body: JsonObject,
) -> Result<Json<FieldView>, ApiError> {
    let mut members = Members::new(body.members);
    let wanted = Wanted::read(&mut members);
    members.finish()?;
    for _ in 0..ROUNDS {
        let fields = app.store.fields(&caller.tenant, Freshness::Strong).await?;
        let before = found(&fields, &id)?;
        if let Some(slug) = &wanted.slug
            && let Some(other) = fields.get(slug).filter(|other| other.id != before.id)
        {
            return Err(exists(slug, &other.slug));
        }
        let kind = wanted.kind.unwrap_or(before.id.kind);
        let mut after = wanted.applied(&before, kind)?;
        if kind != before.id.kind {
            let new_id = app.store.new_field_id(&caller.tenant, kind).await?;
            after = after.retyped(new_id, Sweep::from_ordinal(app.store.ordinals(&caller.tenant).await?.0));
        }
        match app.store.replace_field(&caller.tenant, &before, after.clone()).await? {
            FieldWrite::Done => {
                // Also where it is under way already: whoever lost the message starts it so.
                if after.sweep.is_some_and(|sweep| !sweep.done) && wanted.kind.is_some() {
                    queue
                        .send_sweep_later(
                            SweepMessage { tenant: caller.tenant.id, field: after.id },
                            fields_known_after,
                        )
                        .await?;
                }
                return Ok(Json(view(&after)));
            }
            // The next round tells by which.
            FieldWrite::SlugTaken | FieldWrite::Changed => {}
        }
    }
    Err(ApiError::contended())
}

/// Drops a custom field. Its values are shown no more, and are removed in the background.
#[utoipa::path(
    delete,
    path = "/api/v1/fields/{id}",
    tag = "fields",
    params(("id" = String, Path, description = "The field's id, such as `n12`")),
    responses(
        (status = 204, description = "Dropped"),
        (status = 404, body = Problem, description = "`field_not_found`"),
    )
)]
pub async fn drop<S: Store, Q: Sweeps>(
    State(Deps { app, queue, fields_known_after }): State<Deps<S, Q>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<StatusCode, ApiError> {
    for _ in 0..ROUNDS {
        let before = found(&*app.store.fields(&caller.tenant, Freshness::Strong).await?, &id)?;
        let sweep = Sweep::from_ordinal(app.store.ordinals(&caller.tenant).await?.0);
        let after = before.clone().into_dropped(sweep);
        if app.store.replace_field(&caller.tenant, &before, after).await? == FieldWrite::Done {
            queue
                .send_sweep_later(
                    SweepMessage { tenant: caller.tenant.id, field: before.id },
                    fields_known_after,
                )
                .await?;
            return Ok(StatusCode::NO_CONTENT);
        }
    }
    Err(ApiError::contended())
}

fn found(fields: &Fields, id: &str) -> Result<Field, ApiError> {
    let id = FieldId::from_str(id).map_err(|_| ApiError::not_found("field"))?;
    let field = fields.by_id(id).filter(|field| !field.dropped).cloned();
    field.ok_or_else(|| ApiError::not_found("field"))
}

fn exists(slug: &FieldSlug, today: &FieldSlug) -> ApiError {
    let detail = if slug == today {
        format!("there is a field `{slug}`; change it with PATCH, or choose another slug")
    } else {
        format!("`{slug}` is what rules, files and clients may still call `{today}`; choose another slug")
    };
    ApiError::conflict("field_exists", detail, None)
}

fn check_room(fields: &Fields) -> Result<(), ApiError> {
    if fields.count() < MAX_FIELDS {
        return Ok(());
    }
    let detail = format!("a tenant has at most {MAX_FIELDS} fields; drop one that nobody uses");
    Err(ApiError::invalid_at("", Invalid::new("too_many_fields", detail)))
}
