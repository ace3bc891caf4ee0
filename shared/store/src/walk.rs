//! Walks over whom a rule meant when they began: whoever came since is not among them, and whoever
//! is reached and is not meant any more is left out.

use std::collections::HashMap;

use chrono::TimeDelta;
use index::IndexTable;
use model::rule::Bound;
use model::{Contact, Ordinal};
use uuid::Uuid;

use crate::search::{FILLS, means};
use crate::{Consistency, ContactSearch, ContactStore, FrozenPage, FrozenStore, Matches, StoreError};

/// How long a walk may take, from its first page on.
pub const WALKS_LIVE_FOR: TimeDelta = TimeDelta::hours(24);

/// Says where those lie whom a walk goes through.
#[derive(Debug, Clone, Copy)]
pub enum Walked<'a> {
    /// They were just found.
    Found(&'a Matches),
    /// They were kept, under this id.
    Kept(Uuid),
}

/// Holds some of the contacts of a walk.
#[derive(Debug)]
pub struct WalkPage {
    /// The contacts, as they are now, the newest first.
    pub contacts: Vec<Contact>,
    /// Below which the next page begins; none at the end.
    pub next_below: Option<Ordinal>,
}

impl<S: ContactStore + FrozenStore + IndexTable<Error = StoreError>> ContactSearch<'_, S> {
    /// Keeps whom a rule means, so that a walk over them goes on in other calls.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn keep(&self, matches: &Matches) -> Result<Uuid, StoreError> {
        let id = Uuid::new_v4();
        self.store.freeze(self.tenant.id, id, matches.ordinals(), WALKS_LIVE_FOR).await?;
        Ok(id)
    }

    /// Reads the next contacts of a walk, each as it is at this moment, and leaves out whom the rule
    /// does not mean any more. A page may have fewer than `limit` before the end. None where the walk
    /// took too long.
    ///
    /// # Errors
    /// When a table fails.
    pub async fn walk_page(
        &self,
        rule: &Bound,
        walked: Walked<'_>,
        below: Option<Ordinal>,
        limit: usize,
    ) -> Result<Option<WalkPage>, StoreError> {
        let mut page = WalkPage { contacts: Vec::with_capacity(limit), next_below: below };
        for _ in 0..FILLS {
            let missing = limit - page.contacts.len();
            let found = match walked {
                Walked::Found(matches) => Some(FrozenPage::of(matches.ordinals(), page.next_below, missing)),
                Walked::Kept(id) => self.store.frozen(self.tenant.id, id, page.next_below, missing).await?,
            };
            let Some(FrozenPage { ordinals, remaining }) = found else { return Ok(None) };
            // Strongly: whoever unsubscribed before this call is not among them.
            let contacts = self.store.by_ordinals(self.tenant, &ordinals, Consistency::Strong).await?;
            let mut contacts: HashMap<Ordinal, Contact> =
                contacts.into_iter().map(|contact| (contact.ordinal, contact)).collect();
            let contacts = ordinals.iter().filter_map(|ordinal| contacts.remove(ordinal));
            page.contacts.extend(contacts.filter(|contact| means(rule, contact)));
            page.next_below = ordinals.last().copied().filter(|_| remaining > 0);
            if page.next_below.is_none() || page.contacts.len() == limit {
                break;
            }
        }
        Ok(Some(page))
    }
}
