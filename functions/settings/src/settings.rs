use api::{
    ApiError, BATCH_BYTES, BODY_BYTES, Caller, JsonObject, Members, Problem, REQUESTS_A_WINDOW, WINDOW_S,
};
use axum::Json;
use axum::extract::State;
use model::{Invalid, MAX_FIELDS, MAX_LISTS, MAX_LISTS_A_CONTACT, MAX_TAGS, Settings, Tenant, ZoneName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::boolean;
use crate::keys::MAX_KEYS;
use crate::{Deps, Store, Sweeps};

/// What a tenant decides for itself. What is left out takes its default.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct SettingsInput {
    /// Where its days, weeks and months begin: an IANA name; `UTC` if absent.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// Whether an attribute that nobody used before becomes a field of the type it looks like;
    /// `true` if absent.
    infer_attributes: Option<bool>,
    /// What becomes of engagement events of unknown addresses: `park` (the default: they
    /// wait for a contact for 30 days) or `create` (a `pending` contact).
    unknown_addresses: Option<String>,
}

/// What a tenant decides for itself, and what holds for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    tenant: TenantView,
    /// Where its days, weeks and months begin.
    #[schema(example = "Europe/Berlin")]
    time_zone: String,
    /// Whether an attribute that nobody used before becomes a field of the type it looks like.
    infer_attributes: bool,
    /// What becomes of engagement events of unknown addresses: `park` or `create`.
    #[schema(value_type = String, example = "park")]
    unknown_addresses: model::UnknownAddresses,
    limits: Limits,
}

/// Whose settings these are.
#[derive(Debug, Serialize, ToSchema)]
struct TenantView {
    id: Uuid,
    /// Its name in object keys: files under `inbox/<slug>/` are its imports.
    slug: String,
    name: String,
}

/// How much there may be of what.
#[derive(Debug, Serialize, ToSchema)]
struct Limits {
    /// Requests that one key may send in a window; over that 429 with `Retry-After`.
    requests_a_key: u32,
    /// How long a window is.
    window_seconds: u32,
    /// Imports under way at once; over that 429.
    imports_at_once: usize,
    /// Imports, and conversions of fields, that are worked on at once; the others wait their turn.
    loaders_at_once: u8,
    fields: usize,
    api_keys: usize,
    tags_a_contact: usize,
    /// Static lists and segments together.
    lists: usize,
    static_lists_a_contact: usize,
    list_contacts_a_call: usize,
    contact_bytes: usize,
    contacts_a_batch: usize,
    suppressions_a_call: usize,
    body_bytes: usize,
    batch_body_bytes: usize,
}

const LIMITS: Limits = Limits {
    requests_a_key: REQUESTS_A_WINDOW,
    window_seconds: WINDOW_S,
    imports_at_once: store::IMPORTS_AT_ONCE,
    loaders_at_once: store::LOADERS_A_TENANT,
    fields: MAX_FIELDS,
    api_keys: MAX_KEYS,
    tags_a_contact: MAX_TAGS,
    lists: MAX_LISTS,
    static_lists_a_contact: MAX_LISTS_A_CONTACT,
    list_contacts_a_call: 1_000,
    contact_bytes: 400 * 1024,
    contacts_a_batch: 1_000,
    suppressions_a_call: 1_000,
    body_bytes: BODY_BYTES,
    batch_body_bytes: BATCH_BYTES,
};

fn view(tenant: Tenant) -> SettingsView {
    let Settings { time_zone, infer_attributes, unknown_addresses } = tenant.settings;
    SettingsView {
        tenant: TenantView { id: tenant.id.0, slug: tenant.slug.to_string(), name: tenant.name },
        time_zone: time_zone.to_string(),
        infer_attributes,
        unknown_addresses,
        limits: LIMITS,
    }
}

/// Reads the settings of the tenant, and the limits that hold for it.
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings", responses((status = 200, body = SettingsView)))]
pub async fn read<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
) -> Result<Json<SettingsView>, ApiError> {
    // Not the caller's copy, which may be a minute old.
    let tenant = app.store.tenant(caller.tenant.id).await?;
    Ok(Json(view(tenant.ok_or_else(|| ApiError::not_found("tenant"))?)))
}

/// Replaces the settings of the tenant. All instances follow within a minute.
#[utoipa::path(
    put,
    path = "/api/v1/settings",
    tag = "settings",
    request_body = SettingsInput,
    responses((status = 200, body = SettingsView), (status = 422, body = Problem, description = "Each fault with its pointer"))
)]
pub async fn replace<S: Store, Q: Sweeps>(
    State(Deps { app, .. }): State<Deps<S, Q>>,
    caller: Caller,
    body: JsonObject,
) -> Result<Json<SettingsView>, ApiError> {
    let mut members = Members::new(body.members);
    let defaults = Settings::default();
    let settings = Settings {
        time_zone: members.read("time_zone", time_zone).unwrap_or(defaults.time_zone),
        infer_attributes: members.read("infer_attributes", boolean).unwrap_or(defaults.infer_attributes),
        unknown_addresses: members.parse("unknown_addresses").unwrap_or(defaults.unknown_addresses),
    };
    members.finish()?;
    if !app.store.save_settings(caller.tenant.id, &settings).await? {
        return Err(ApiError::not_found("tenant"));
    }
    app.forget_callers();
    Ok(Json(view(Tenant { settings, ..(*caller.tenant).clone() })))
}

fn time_zone(value: Value) -> Result<ZoneName, Invalid> {
    let wrong = || Invalid::new("wrong_type", "give the name of a time zone such as `Europe/Berlin`");
    ZoneName::parse(value.as_str().ok_or_else(wrong)?)
}
