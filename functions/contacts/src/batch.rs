use std::collections::BTreeSet;

use api::{Answer, ApiError, App, BATCH_BYTES, Caller, IdempotencyKey, JsonObject, Members, Problem, once};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{Invalid, Mode, Standing};
use serde::Serialize;
use serde_json::Value;
use store::{ItemOutcome, Outcome};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Store;
use crate::apply::{Applied, Wanted, apply_all};
use crate::attributes::typed;
use crate::input::{Input, Purpose};

const MAX_ITEMS: usize = 1_000;

/// Up to 1,000 contacts at once.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is only a description")]
pub(crate) struct BatchInput {
    /// `upsert` (the default), `create_only` or `update_only`.
    mode: Option<String>,
    contacts: Vec<crate::schema::ContactInput>,
}

/// What became of one item.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemResult {
    /// Its place in the request.
    index: usize,
    /// The status that the item alone would have had.
    status: u16,
    /// The contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Why it failed; pointers start at the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What became of each item, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchResult {
    results: Vec<ItemResult>,
    created: usize,
    updated: usize,
    unchanged: usize,
    failed: usize,
}

/// Creates and changes up to 1,000 contacts, each by itself.
#[utoipa::path(
    post,
    path = "/api/v1/contacts/batch",
    tag = "contacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sends the same request again safely, for 24 hours")),
    request_body = BatchInput,
    responses(
        (status = 200, body = BatchResult, description = "Each item has a result of its own"),
        (status = 413, body = Problem, description = "Over 4 MB"),
        (status = 422, body = Problem, description = "Over 1,000 items, or no batch at all"),
    )
)]
pub async fn batch<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    key: IdempotencyKey,
    body: JsonObject<BATCH_BYTES>,
) -> Result<Response, ApiError> {
    let key = key.request(&caller, &body.bytes);
    let mut members = Members::new(body.members);
    let mode: Mode = members.parse("mode").unwrap_or_default();
    let contacts = match members.require("contacts") {
        Some(Value::Array(contacts)) if contacts.len() > MAX_ITEMS => {
            let detail = format!("a batch has at most {MAX_ITEMS} contacts");
            members.fault("contacts", Invalid::new("too_many_items", detail));
            Vec::new()
        }
        Some(Value::Array(contacts)) => contacts,
        Some(_) => {
            members.fault("contacts", Invalid::new("wrong_type", "give a list of contacts"));
            Vec::new()
        }
        None => Vec::new(),
    };
    members.finish()?;
    let mark = key.as_ref().map(store::RequestKey::mark);
    let act = async || {
        let results = run(&app, &caller, contacts, mode, mark).await;
        let told: Vec<Told> = results.iter().map(Told::of).collect();
        let whole = ItemOutcome { status: 200, id: None, code: None };
        let outcome = Outcome { whole, items: told.iter().map(Told::outcome).collect() };
        Ok(Answer { response: answer(told), outcome })
    };
    let replay =
        async |outcome: Outcome| Ok(answer(outcome.items.into_iter().map(Told::remembered).collect()));
    once(&app.store, key, act, replay).await
}

type Done = Result<Applied, ApiError>;

async fn run<S: Store>(
    app: &App<S>,
    caller: &Caller,
    contacts: Vec<Value>,
    mode: Mode,
    mark: Option<[u8; 16]>,
) -> Vec<Done> {
    let mut results: Vec<Option<Done>> = contacts.iter().map(|_| None).collect();
    let mut open = Vec::new();
    for (index, contact) in contacts.into_iter().enumerate() {
        match wanted(app, caller, contact).await {
            Ok(wanted) => open.push((index, wanted)),
            Err(error) => set(&mut results, index, Err(error)),
        }
    }
    // Items of one address take effect one after the other, in their order.
    while !open.is_empty() {
        let mut seen = BTreeSet::new();
        let (now, later): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(_, wanted)| seen.insert(wanted.email.clone()));
        let (indices, wanted): (Vec<usize>, Vec<Wanted>) = now.into_iter().unzip();
        for (index, result) in indices.into_iter().zip(wave(app, caller, wanted, mode, mark).await) {
            set(&mut results, index, result);
        }
        open = later;
    }
    results.into_iter().map(|result| result.unwrap_or_else(|| Err(ApiError::contended()))).collect()
}

fn set(results: &mut [Option<Done>], index: usize, result: Done) {
    if let Some(place) = results.get_mut(index) {
        *place = Some(result);
    }
}

async fn wanted<S: Store>(app: &App<S>, caller: &Caller, contact: Value) -> Result<Wanted, ApiError> {
    let Value::Object(contact) = contact else {
        return Err(ApiError::invalid_at("", Invalid::new("wrong_type", "give an object")));
    };
    let mut members = Members::new(contact);
    let mut input = Input::read(&mut members, Purpose::Upsert);
    members.finish()?;
    typed(&app.store, &caller.tenant, input.attributes, &mut input.change).await?;
    let (email, email_typed) = input.email.ok_or_else(|| ApiError::malformed("no email"))?;
    Ok(Wanted { email, email_typed, change: input.change, standing: Standing::Free })
}

async fn wave<S: Store>(
    app: &App<S>,
    caller: &Caller,
    mut wanted: Vec<Wanted>,
    mode: Mode,
    mark: Option<[u8; 16]>,
) -> Vec<Done> {
    let emails: Vec<_> = wanted.iter().map(|wanted| wanted.email.clone()).collect();
    match app.store.standings(&caller.tenant, &emails).await {
        Ok(standings) => {
            for (wanted, standing) in wanted.iter_mut().zip(standings) {
                wanted.standing = standing;
            }
            apply_all(app, caller, wanted, mode, mark, |_| Ok(())).await
        }
        Err(error) => {
            let problem = ApiError::from(error).to_problem();
            emails.iter().map(|_| Err(problem.clone().into())).collect()
        }
    }
}

/// Is what is told, and remembered, of one item.
struct Told {
    status: u16,
    id: Option<Uuid>,
    unchanged: bool,
    error: Option<Problem>,
}

/// Marks an item that changed nothing, where otherwise the code of a problem is kept.
const UNCHANGED: &str = "unchanged";

impl Told {
    fn of(done: &Done) -> Self {
        match done {
            Ok(applied) => Self {
                status: if matches!(applied, Applied::Created(_)) { 201 } else { 200 },
                id: Some(applied.contact().id.as_uuid()),
                unchanged: matches!(applied, Applied::Unchanged(_)),
                error: None,
            },
            Err(error) => {
                let problem = error.to_problem();
                Self { status: problem.status, id: problem.id, unchanged: false, error: Some(problem) }
            }
        }
    }

    fn remembered(outcome: ItemOutcome) -> Self {
        let ItemOutcome { status, id, code } = outcome;
        match code {
            Some(code) if code != UNCHANGED => {
                let http = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
                let detail = "the first request under this `Idempotency-Key` was answered so";
                let error = Some(Problem { id, ..Problem::new(http, code, detail) });
                Self { status, id, unchanged: false, error }
            }
            code => Self { status, id, unchanged: code.is_some(), error: None },
        }
    }

    fn outcome(&self) -> ItemOutcome {
        let code = match &self.error {
            Some(problem) => Some(problem.code.to_string()),
            None => self.unchanged.then(|| UNCHANGED.to_owned()),
        };
        ItemOutcome { status: self.status, id: self.id, code }
    }
}

fn answer(items: Vec<Told>) -> Response {
    let mut batch = BatchResult { results: Vec::new(), created: 0, updated: 0, unchanged: 0, failed: 0 };
    for (index, Told { status, id, unchanged, error }) in items.into_iter().enumerate() {
        let count = match (&error, unchanged, status) {
            (Some(_), _, _) => &mut batch.failed,
            (None, true, _) => &mut batch.unchanged,
            (None, false, 201) => &mut batch.created,
            (None, false, _) => &mut batch.updated,
        };
        *count += 1;
        // A problem names what stands in the way itself.
        let id = id.filter(|_| error.is_none());
        batch.results.push(ItemResult { index, status, id, error });
    }
    Json(batch).into_response()
}
