//! Putting contacts on a static list and taking them off, each under its own condition.

use std::collections::BTreeSet;

use api::rule::RuleStore;
use api::{ApiError, App, Caller};
use model::{Change, Contact, ListNumber, Membership, Standing};
use store::{ProfileUpdate, Write, Written};

use crate::input::ROUNDS;

/// Says which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Add,
    Remove,
}

impl Direction {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// Is a static list among the others.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) list: ListNumber,
    /// All static lists: whatever else a contact holds was deleted, and makes room.
    pub(crate) statics: BTreeSet<ListNumber>,
}

impl Target {
    /// Gives the write that it takes; none where nothing changes.
    fn write(&self, direction: Direction, contact: &Contact) -> Result<Option<Write>, ApiError> {
        let on = &contact.profile.lists;
        if on.contains(&self.list) == (direction == Direction::Add) {
            return Ok(None);
        }
        let list = BTreeSet::from([self.list]);
        let deleted = on.difference(&self.statics).copied();
        let lists = match direction {
            Direction::Add => Membership { add: list, remove: deleted.collect() },
            Direction::Remove => Membership { remove: list, ..Membership::default() },
        };
        let profile = Change { lists, ..Change::default() }
            .update(&contact.profile)
            .map_err(|invalid| ApiError::invalid_at("", invalid))?;
        Ok(Some(Write::Update(Box::new(ProfileUpdate {
            before: contact.clone(),
            profile,
            replaces: None,
            consent: None,
            origin: None,
        }))))
    }
}

/// Changes *different* contacts side by side, and tells in their order whether each changed.
pub(crate) async fn apply<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    target: &Target,
    direction: Direction,
    contacts: Vec<Contact>,
) -> Vec<Result<bool, ApiError>> {
    let mut results: Vec<Option<Result<bool, ApiError>>> = contacts.iter().map(|_| None).collect();
    let mut set = |index: usize, result| {
        if let Some(place) = results.get_mut(index) {
            *place = Some(result);
        }
    };
    let mut open: Vec<(usize, Contact)> = contacts.into_iter().enumerate().collect();
    for _ in 0..ROUNDS {
        let mut writing = Vec::new();
        let mut writes = Vec::new();
        for (index, contact) in open {
            match target.write(direction, &contact) {
                Ok(None) => set(index, Ok(false)),
                Ok(Some(write)) => {
                    writing.push((index, contact));
                    writes.push(write);
                }
                Err(error) => set(index, Err(error)),
            }
        }
        open = Vec::new();
        if writes.is_empty() {
            break;
        }
        let written = match app.store.write(&caller.tenant, writes, app.now()).await {
            Ok(written) => written,
            Err(error) => {
                // Told once for all; each of them may have happened or not.
                let problem = ApiError::from(error).to_problem();
                writing.into_iter().for_each(|(index, _)| set(index, Err(problem.clone().into())));
                break;
            }
        };
        for ((index, contact), written) in writing.into_iter().zip(written) {
            match written {
                Ok(Written::Done(_)) => set(index, Ok(true)),
                Ok(Written::Lost { standing: Standing::Held(now), .. }) if now.id == contact.id => {
                    open.push((index, *now));
                }
                // It moved, or went away.
                Ok(Written::Lost { .. }) => match app.store.by_id(&caller.tenant, contact.id).await {
                    Ok(Some(now)) => open.push((index, now)),
                    Ok(None) => set(index, Err(ApiError::not_found("contact"))),
                    Err(error) => set(index, Err(error.into())),
                },
                Err(error) => set(index, Err(error.into())),
            }
        }
    }
    results.into_iter().map(|result| result.unwrap_or_else(|| Err(ApiError::contended()))).collect()
}
