use api::{ApiError, App, Caller, JsonObject, Location, Members, PathText, Preconditions, Problem};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use model::{Change, Contact, Edit, Profile, Standing, Status, Suppression};
use store::{ProfileUpdate, Write, Written};

use crate::Store;
use crate::apply::{exists, pointer_of};
use crate::attributes::typed;
use crate::create::shown;
use crate::input::{Input, Purpose};

const ROUNDS: usize = 8;

/// Changes a contact by a JSON merge patch: null clears, what is absent stays. Another email moves
/// the contact, which keeps its id.
#[utoipa::path(
    patch,
    path = "/api/v1/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The UUID, or the URL-encoded email"),
        ("If-Match" = Option<String>, Header, description = "Only if the contact is in this state"),
    ),
    request_body(content = crate::schema::ContactInput, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = api::ContactView),
        (status = 404, body = Problem, description = "`contact_not_found`"),
        (status = 409, body = Problem, description = "`contact_exists`: the new email is taken"),
        (status = 412, body = Problem, description = "Not in the state that the conditions name"),
        (status = 422, body = Problem, description = "Each fault with its pointer"),
    )
)]
pub async fn patch<S: Store>(
    State(app): State<App<S>>,
    caller: Caller,
    PathText(id): PathText,
    conditions: Preconditions,
    body: JsonObject,
) -> Result<Response, ApiError> {
    let mut members = Members::new(body.members);
    let mut input = Input::read(&mut members, Purpose::Patch);
    members.finish()?;
    let location = Location::parse(&id)?;
    let found = location.find(&app.store, &caller).await?;
    let mut contact = found.ok_or_else(|| ApiError::not_found("contact"))?;
    conditions.check(Some(&contact))?;
    let attributes = std::mem::take(&mut input.attributes);
    typed(&app.store, &caller.tenant, attributes, &mut input.change).await?;
    for _ in 0..ROUNDS {
        conditions.check(Some(&contact))?;
        let (profile, replaces) = patched(&app, &caller, &input, &contact).await?;
        if profile == contact.profile {
            if let Some(consent) = &input.change.consent {
                app.store.record_consent(&caller.tenant, contact.id, consent, app.now()).await?;
            }
            return shown(&app, &caller, &contact, StatusCode::OK).await;
        }
        let new_email = profile.email.clone();
        let consent = input.change.consent.clone();
        let update = ProfileUpdate { before: contact.clone(), profile, replaces, consent, origin: None };
        let written =
            app.store.write(&caller.tenant, vec![Write::Update(Box::new(update))], app.now()).await?;
        match written.into_iter().next().ok_or_else(ApiError::contended)?? {
            Written::Done(contact) => return shown(&app, &caller, &contact, StatusCode::OK).await,
            Written::Lost { email, standing: Standing::Held(other) }
                if email == new_email && other.id != contact.id =>
            {
                return Err(exists(&other));
            }
            Written::Lost { standing: Standing::Held(now), .. } if now.id == contact.id => contact = *now,
            Written::Lost { .. } => {
                let found = location.find(&app.store, &caller).await?;
                contact = found.ok_or_else(|| ApiError::not_found("contact"))?;
            }
        }
    }
    Err(ApiError::contended())
}

/// Makes the profile after the patch, and names the suppression that a move takes into account.
async fn patched<S: Store>(
    app: &App<S>,
    caller: &Caller,
    input: &Input,
    contact: &Contact,
) -> Result<(Profile, Option<Suppression>), ApiError> {
    let mut change = input.change.clone();
    if input.clears_attributes {
        let all = contact.profile.attributes.keys();
        change.attributes = all.map(|id| (*id, Edit::always(None))).collect();
    }
    let refused = |invalid: model::Invalid| ApiError::invalid_at(pointer_of(invalid.code), invalid);
    let mut profile = change.update(&contact.profile).map_err(refused)?;
    let Some((email, email_typed)) = &input.email else { return Ok((profile, None)) };
    profile.email_typed.clone_from(email_typed);
    if *email == contact.profile.email {
        return Ok((profile, None));
    }
    profile.email = email.clone();
    match app.store.standings(&caller.tenant, std::slice::from_ref(email)).await?.pop() {
        Some(Standing::Held(other)) => Err(exists(&other)),
        Some(Standing::Suppressed(suppression)) => {
            suppression.admit(change.consent.is_some()).map_err(refused)?;
            arrive(&change, &mut profile, &suppression);
            Ok((profile, Some(suppression)))
        }
        Some(Standing::Free) | None => Ok((profile, None)),
    }
}

/// A contact that moves to an address which does not want mail is not to be written to there.
fn arrive(change: &Change, profile: &mut Profile, suppression: &Suppression) {
    if profile.status.is_suppressed() {
        return;
    }
    let held = suppression.status();
    profile.status = Status::at_birth(profile.status, Some(held), change.consent.as_ref());
    profile.grounds = (profile.status == held).then(|| suppression.grounds());
}
