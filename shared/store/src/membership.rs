//! Putting contacts on a static list and taking them off, each under its own condition.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use model::{Change, Contact, Invalid, ListBook, ListNumber, Membership, Origin, Standing, Tenant};
use serde::{Deserialize, Serialize};

use crate::{ContactStore, ProfileUpdate, StoreError, Write, Written};

/// Losing a race this often means that the contact is changed all the time.
const ROUNDS: usize = 8;

/// Says which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListEdit {
    /// Onto the list.
    Add,
    /// Off it.
    Remove,
}

impl ListEdit {
    /// Names it as the API does.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// Says why a contact is not on the list, or still on it.
#[derive(Debug)]
pub enum NotEdited {
    /// It cannot be.
    Refused(Invalid),
    /// The contact is not there any more.
    Gone,
    /// Somebody else changed it all the time.
    Contended,
    /// The store failed at this one.
    Store(StoreError),
    /// The store failed at all of them: see [`Edited::failure`]. It may have happened or not.
    Unknown,
}

/// Says what became of contacts.
#[derive(Debug)]
pub struct Edited {
    /// Of each contact, in their order: whether it changed.
    pub results: Vec<Result<bool, NotEdited>>,
    /// Why nothing more was tried.
    pub failure: Option<StoreError>,
}

/// Changes who is on a static list.
#[derive(Debug)]
pub struct ListEditor<'a, S> {
    store: &'a S,
    tenant: &'a Tenant,
    list: ListNumber,
    /// All static lists: whatever else a contact holds was deleted, and makes room.
    statics: BTreeSet<ListNumber>,
    /// By what a contact is known again that was changed before, where that matters.
    origin: Option<Origin>,
}

impl<'a, S: ContactStore> ListEditor<'a, S> {
    /// Changes a list of this book.
    pub fn new(store: &'a S, tenant: &'a Tenant, book: &ListBook, list: ListNumber) -> Self {
        Self { store, tenant, list, statics: book.statics(), origin: None }
    }

    /// Leaves a mark at each contact, and counts those that have it as changed by this.
    #[must_use]
    pub fn marking(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }

    /// Changes *different* contacts side by side.
    pub async fn edit(&self, edit: ListEdit, contacts: Vec<Contact>, now: DateTime<Utc>) -> Edited {
        let mut results: Vec<Option<Result<bool, NotEdited>>> = contacts.iter().map(|_| None).collect();
        let mut set = |index: usize, result| {
            if let Some(place) = results.get_mut(index) {
                *place = Some(result);
            }
        };
        let mut failure = None;
        let mut open: Vec<(usize, Contact)> = contacts.into_iter().enumerate().collect();
        for _ in 0..ROUNDS {
            let mut writing = Vec::new();
            let mut writes = Vec::new();
            for (index, contact) in open {
                match self.write(edit, &contact) {
                    Ok(None) => set(index, Ok(self.origin.is_some() && contact.origin == self.origin)),
                    Ok(Some(write)) => {
                        writing.push((index, contact));
                        writes.push(write);
                    }
                    Err(invalid) => set(index, Err(NotEdited::Refused(invalid))),
                }
            }
            open = Vec::new();
            if writes.is_empty() {
                break;
            }
            let written = match self.store.write(self.tenant, writes, now).await {
                Ok(written) => written,
                Err(error) => {
                    writing.into_iter().for_each(|(index, _)| set(index, Err(NotEdited::Unknown)));
                    failure = Some(error);
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
                    Ok(Written::Lost { .. }) => match self.store.by_id(self.tenant, contact.id).await {
                        Ok(Some(now)) => open.push((index, now)),
                        Ok(None) => set(index, Err(NotEdited::Gone)),
                        Err(error) => set(index, Err(NotEdited::Store(error))),
                    },
                    Err(error) => set(index, Err(NotEdited::Store(error))),
                }
            }
        }
        let results = results.into_iter().map(|result| result.unwrap_or(Err(NotEdited::Contended)));
        Edited { results: results.collect(), failure }
    }

    /// Gives the write that it takes; none where nothing changes.
    fn write(&self, edit: ListEdit, contact: &Contact) -> Result<Option<Write>, Invalid> {
        let on = &contact.profile.lists;
        if on.contains(&self.list) == (edit == ListEdit::Add) {
            return Ok(None);
        }
        let list = BTreeSet::from([self.list]);
        let deleted = on.difference(&self.statics).copied();
        let lists = match edit {
            ListEdit::Add => Membership { add: list, remove: deleted.collect() },
            ListEdit::Remove => Membership { remove: list, ..Membership::default() },
        };
        let profile = Change { lists, ..Change::default() }.update(&contact.profile)?;
        Ok(Some(Write::Update(Box::new(ProfileUpdate {
            before: contact.clone(),
            profile,
            replaces: None,
            consent: None,
            origin: self.origin.clone(),
        }))))
    }
}
