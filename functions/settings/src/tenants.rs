use api::{ApiError, App, EdgeStore, JsonObject, Members, Problem, presented_key, unauthorized};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use model::scoring::Published;
use model::{Generations, Settings, Tenant, TenantId, TenantSecret, TenantSlug};
use serde::Serialize;
use store::{ApiKey, EVERYTHING, KeyHash};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::input::{new_key, random, required_name};

/// So many tenants of one name are tried before the caller is asked for another.
const SLUGS_TRIED: u32 = 20;

/// Holds the app and who may make tenants.
#[derive(Debug, Clone)]
pub struct Operated<S> {
    pub(crate) app: App<S>,
    pub(crate) operator: Option<KeyHash>,
}

/// A tenant to make.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct TenantInput {
    /// What people call it.
    #[schema(example = "Acme, Inc.")]
    name: String,
}

/// A tenant that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedTenant {
    /// Its id.
    id: Uuid,
    /// Its name in object keys: files under `inbox/<slug>/` are its imports.
    slug: String,
    /// Its name to people.
    name: String,
    /// Its first key, with every scope. It is shown this once and kept nowhere.
    api_key: String,
}

/// Makes a tenant, under the operator's key.
#[utoipa::path(
    post,
    path = "/api/v1/admin/tenants",
    tag = "admin",
    request_body = TenantInput,
    responses(
        (status = 201, body = CreatedTenant),
        (status = 401, body = Problem, description = "Not the operator's key"),
        (status = 422, body = Problem),
    )
)]
pub async fn create<S: EdgeStore>(
    State(Operated { app, operator }): State<Operated<S>>,
    headers: HeaderMap,
    body: JsonObject,
) -> Result<Response, Response> {
    let key = presented_key(&headers).ok_or_else(unauthorized)?;
    if operator != Some(KeyHash::of(key)) {
        return Err(unauthorized());
    }
    made(&app, body).await.map_err(IntoResponse::into_response)
}

async fn made<S: EdgeStore>(app: &App<S>, body: JsonObject) -> Result<Response, ApiError> {
    let mut members = Members::new(body.members);
    let name = required_name(&mut members);
    members.finish()?;
    let name = name.ok_or_else(|| ApiError::malformed("no name"))?;

    let id = Uuid::new_v4();
    let secret = TenantSecret::new(random()?);
    let api_key = new_key()?;
    let key = ApiKey::new(TenantId(id), "first key", [EVERYTHING], app.now());
    for slug in slugs(&name, id) {
        let tenant = Tenant {
            id: TenantId(id),
            slug,
            name: name.clone(),
            secret: secret.clone(),
            settings: Settings::default(),
            scoring: Published::default(),
            generations: Generations::default(),
        };
        if app.store.create_tenant(&tenant, KeyHash::of(&api_key), &key).await? {
            let created = CreatedTenant { id, slug: tenant.slug.to_string(), name: tenant.name, api_key };
            return Ok((StatusCode::CREATED, Json(created)).into_response());
        }
    }
    Err(ApiError::conflict("name_taken", "there are many tenants of this name; choose another", None))
}

/// Gives the slugs to try: the name's own, then with a number, or the id's for a name without one.
fn slugs(name: &str, id: Uuid) -> impl Iterator<Item = TenantSlug> {
    let base = TenantSlug::from_name(name).map(|slug| slug.to_string());
    let base = base.unwrap_or_else(|| format!("tenant-{}", id.simple()));
    (1..=SLUGS_TRIED).filter_map(move |n| {
        // Cut first, so that the number stays.
        let stem: String = base.chars().take(36).collect();
        TenantSlug::from_name(&if n == 1 { base.clone() } else { format!("{stem}-{n}") })
    })
}
