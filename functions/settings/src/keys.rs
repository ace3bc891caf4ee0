use api::{ApiError, Caller, JsonObject, Members, PathText, Problem, Scope};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use model::Invalid;
use serde::Serialize;
use serde_json::Value;
use store::{ApiKey, EVERYTHING, KeyHash};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::{new_key, required_name};
use crate::{Deps, Store, Sweeps};

/// How many keys a tenant may have.
pub(crate) const MAX_KEYS: usize = 100;

/// A key to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct KeyInput {
    /// What people call it.
    #[schema(example = "nightly CRM sync")]
    name: String,
    /// What it may do, at most what the calling key may: `contacts:read`, `contacts:write`,
    /// `imports:read`, `imports:write`, `lists:read`, `lists:write`, `suppressions:read`,
    /// `suppressions:write`, `settings:read`, `settings:write`, `keys:read`, `keys:write`, or `*` for everything.
    #[schema(example = json!(["contacts:read", "contacts:write"]))]
    scopes: Vec<String>,
    /// From when on it is good for nothing; never if absent.
    expires_at: Option<DateTime<Utc>>,
}

/// A key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    id: Uuid,
    name: String,
    scopes: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    /// The last day on which it was used (UTC).
    last_used_on: Option<NaiveDate>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedKey {
    #[serde(flatten)]
    key: KeyView,
    /// The key itself. It is shown this once and kept nowhere.
    api_key: String,
}

/// All keys of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    items: Vec<KeyView>,
}

fn view(key: ApiKey) -> KeyView {
    KeyView {
        id: key.id,
        name: key.name,
        scopes: key.scopes.into_iter().collect(),
        created_at: moment(key.created_at),
        expires_at: key.expires_at.map(moment),
        last_used_on: key.last_used_on,
    }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Lists the keys of the tenant, the oldest first.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "settings", responses((status = 200, body = KeyList)))]
pub async fn list<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
) -> Result<Json<KeyList>, ApiError> {
    let keys = app.store.api_keys(caller.tenant.id).await?;
    Ok(Json(KeyList { items: keys.into_iter().map(view).collect() }))
}

/// Makes a key. It takes no `Idempotency-Key`: what it tells is kept nowhere.
#[utoipa::path(
    post,
    path = "/api/v1/api-keys",
    tag = "settings",
    request_body = KeyInput,
    responses(
        (status = 201, body = CreatedKey, description = "The key is shown this once"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn create<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let mut members = Members::new(body.members);
    let name = required_name(&mut members).unwrap_or_default();
    let scopes = scopes(&mut members, &caller);
    let expires_at = members.read("expires_at", expiry);
    members.finish()?;
    if app.store.api_keys(caller.tenant.id).await?.len() >= MAX_KEYS {
        let detail = format!("a tenant has at most {MAX_KEYS} keys; revoke one that nobody uses");
        return Err(ApiError::invalid_at("", Invalid::new("too_many_keys", detail)));
    }
    let key = ApiKey::new(caller.tenant.id, &name, scopes.iter().map(String::as_str), app.now());
    let key = ApiKey { expires_at, ..key };
    let api_key = new_key()?;
    app.store.put_api_key(KeyHash::of(&api_key), &key).await?;
    Ok((StatusCode::CREATED, Json(CreatedKey { key: view(key), api_key })).into_response())
}

/// Revokes a key. All instances follow within a minute.
#[utoipa::path(
    delete,
    path = "/api/v1/api-keys/{id}",
    tag = "settings",
    params(("id" = Uuid, Path)),
    responses(
        (status = 204, description = "Revoked"),
        (status = 404, body = Problem, description = "`api_key_not_found`"),
    )
)]
pub async fn revoke<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    PathText(id): PathText,
) -> Result<StatusCode, ApiError> {
    let id = Uuid::try_parse(&id).map_err(|_| ApiError::not_found("api_key"))?;
    app.store.revoke_api_key(caller.tenant.id, id).await?.ok_or_else(|| ApiError::not_found("api_key"))?;
    app.forget_callers();
    Ok(StatusCode::NO_CONTENT)
}

fn scopes(members: &mut Members, caller: &Caller) -> Vec<String> {
    let Some(value) = members.require("scopes") else { return Vec::new() };
    let Value::Array(given) = value else {
        members.fault("scopes", Invalid::new("wrong_type", "give a list of scopes"));
        return Vec::new();
    };
    if given.is_empty() {
        members.fault("scopes", Invalid::new("required", "a key without a scope is good for nothing"));
    }
    let mut scopes = Vec::new();
    for (place, scope) in given.into_iter().enumerate() {
        let known = scope.as_str().filter(|scope| {
            *scope == EVERYTHING || Scope::ALL.into_iter().any(|known| known.as_str() == *scope)
        });
        match known {
            None => {
                let all: Vec<String> = Scope::ALL.into_iter().map(|scope| format!("`{scope}`")).collect();
                let detail = format!("a scope is one of {} and `*`", all.join(", "));
                members.fault(&format!("scopes/{place}"), Invalid::new("unknown_scope", detail));
            }
            // Or who may make keys could do everything.
            Some(scope) if !caller.holds(scope) => {
                let detail = format!("the calling key lacks `{scope}` and cannot give it");
                members.fault(&format!("scopes/{place}"), Invalid::new("scope_not_held", detail));
            }
            Some(scope) => scopes.push(scope.to_owned()),
        }
    }
    scopes
}

fn expiry(value: Value) -> Result<DateTime<Utc>, Invalid> {
    let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    // Real time, as where it is checked.
    at.map(|at| at.to_utc()).filter(|at| *at > Utc::now()).ok_or_else(|| {
        Invalid::new("invalid_timestamp", "give an RFC 3339 time to come such as `2027-11-20T08:00:00Z`")
    })
}
