//! Changes by address, applied to whatever stands there: shared by create, upsert and batch.

use api::{ApiError, App, Caller};
use model::{Change, Contact, Decision, Email, Mode, Origin, Standing};
use store::{NewContact, ProfileUpdate, Write, Written};

use crate::Store;

/// Losing a race this often means that one contact is written all the time.
const ROUNDS: usize = 8;

/// Is one change for one address.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) email: Email,
    pub(crate) email_typed: String,
    pub(crate) change: Change,
    /// What stands at the address, as far as is known; a wrong belief is found out by the write.
    pub(crate) standing: Standing,
}

/// Says what a change came to.
#[derive(Debug, Clone)]
pub(crate) enum Applied {
    Created(Box<Contact>),
    Updated(Box<Contact>),
    Unchanged(Box<Contact>),
}

impl Applied {
    pub(crate) fn contact(&self) -> &Contact {
        match self {
            Self::Created(contact) | Self::Updated(contact) | Self::Unchanged(contact) => contact,
        }
    }
}

/// Applies changes of *different* addresses side by side, and answers in their order. `check` may
/// refuse a change for what stands at its address. What a run with the same `mark` created before
/// it died counts as created.
pub(crate) async fn apply_all<S: Store>(
    app: &App<S>,
    caller: &Caller,
    wanted: Vec<Wanted>,
    mode: Mode,
    mark: Option<[u8; 16]>,
    check: impl Fn(&Standing) -> Result<(), ApiError>,
) -> Vec<Result<Applied, ApiError>> {
    let mut results: Vec<Option<Result<Applied, ApiError>>> = wanted.iter().map(|_| None).collect();
    let mut open: Vec<(usize, Wanted)> = wanted.into_iter().enumerate().collect();
    for _ in 0..ROUNDS {
        let mut writes = Vec::new();
        let mut writing = Vec::new();
        for (index, wanted) in open {
            match decide(app, caller, &wanted, mode, mark, &check).await {
                Ok(Step::Finished(applied)) => set(&mut results, index, Ok(applied)),
                Ok(Step::Write(write)) => {
                    writing.push((index, wanted, matches!(write, Write::Create(_))));
                    writes.push(write);
                }
                Err(error) => set(&mut results, index, Err(error)),
            }
        }
        if writes.is_empty() {
            break;
        }
        let written = match app.store.write(&caller.tenant, writes, app.now()).await {
            Ok(written) => written,
            Err(error) => {
                // Told once for all; each of them may have happened or not.
                let problem = ApiError::from(error).to_problem();
                for (index, ..) in writing {
                    set(&mut results, index, Err(problem.clone().into()));
                }
                break;
            }
        };
        open = Vec::new();
        for ((index, wanted, creates), written) in writing.into_iter().zip(written) {
            match written {
                Ok(Written::Done(contact)) if creates => {
                    set(&mut results, index, Ok(Applied::Created(contact)));
                }
                Ok(Written::Done(contact)) => set(&mut results, index, Ok(Applied::Updated(contact))),
                Ok(Written::Lost { standing, .. }) => open.push((index, Wanted { standing, ..wanted })),
                Err(error) => set(&mut results, index, Err(error.into())),
            }
        }
    }
    results.into_iter().map(|result| result.unwrap_or_else(|| Err(ApiError::contended()))).collect()
}

fn set(results: &mut [Option<Result<Applied, ApiError>>], index: usize, result: Result<Applied, ApiError>) {
    if let Some(place) = results.get_mut(index) {
        *place = Some(result);
    }
}

enum Step {
    Finished(Applied),
    Write(Write),
}

async fn decide<S: Store>(
    app: &App<S>,
    caller: &Caller,
    wanted: &Wanted,
    mode: Mode,
    mark: Option<[u8; 16]>,
    check: &impl Fn(&Standing) -> Result<(), ApiError>,
) -> Result<Step, ApiError> {
    let Wanted { email, email_typed, change, standing } = wanted;
    let origin = mark.map(Origin::Request);
    if let Standing::Held(contact) = standing
        && origin.is_some()
        && contact.origin == origin
        && contact.version == 1
    {
        return Ok(Step::Finished(Applied::Created(contact.clone())));
    }
    check(standing)?;
    let decision = Decision::of(standing, mode, email, email_typed, change)
        .map_err(|invalid| ApiError::invalid_at(pointer_of(invalid.code), invalid))?;
    let consent = change.consent.clone();
    Ok(match (decision, standing) {
        (Decision::Create(profile), standing) => {
            let replaces = match standing {
                Standing::Suppressed(suppression) => Some(suppression.clone()),
                Standing::Free | Standing::Held(_) => None,
            };
            Step::Write(Write::Create(Box::new(NewContact {
                replaces,
                consent,
                origin,
                ..NewContact::of(*profile)
            })))
        }
        (Decision::Update(profile), Standing::Held(contact)) => {
            let before = (**contact).clone();
            let update = ProfileUpdate { before, profile: *profile, replaces: None, consent, origin: None };
            Step::Write(Write::Update(Box::new(update)))
        }
        (Decision::Unchanged, Standing::Held(contact)) => {
            if let Some(consent) = &consent {
                app.store.record_consent(&caller.tenant, contact.id, consent, app.now()).await?;
            }
            Step::Finished(Applied::Unchanged(contact.clone()))
        }
        (Decision::Exists, Standing::Held(contact)) => return Err(exists(contact)),
        (Decision::Missing, _) => return Err(ApiError::not_found("contact")),
        // The other pairs cannot be: only a contact is updated, unchanged or in the way.
        (_, Standing::Free | Standing::Suppressed(_)) => return Err(ApiError::contended()),
    })
}

/// Answers 409 for an address that is taken.
pub(crate) fn exists(contact: &Contact) -> ApiError {
    ApiError::conflict(
        "contact_exists",
        "there is a contact with this email; change it with PATCH, or use PUT",
        Some(contact.id.as_uuid()),
    )
}

/// Names the member that a fault of the whole change is about.
pub(crate) fn pointer_of(code: &str) -> &'static str {
    match code {
        "consent_required" => "/status",
        "required_attribute" => "/attributes",
        "suppressed_erased" => "/email",
        "too_many_tags" => "/tags",
        _ => "",
    }
}
