//! From a rule to the contacts that it means, through the search index.

use std::collections::{BTreeMap, HashMap};

use index::{AddressBook, Answers, IndexTable, MAX_WALKED_ITEMS, Planner, ReadError, Reader, Sort, SortKey};
use model::rule::{Bound, Subject};
use model::{Contact, Email, Ordinal, Standing, Tenant};
use roaring::RoaringBitmap;

use crate::{Consistency, ContactStore, StoreError, index_generation};

/// Most contacts that are looked at because the index does not tell whether a rule means them.
pub const MAX_LOOKED_AT: u64 = 10_000;

/// Most ordinals of a tenant whose addresses are read where the index tells too little of them.
pub const MAX_ADDRESSES: u32 = 4_000_000;

/// To look at a contact costs about as much as to read so many addresses.
const ADDRESSES_A_CONTACT: u64 = 100;

/// How often a page is filled up whose contacts no longer match, before it ends early.
pub(crate) const FILLS: usize = 4;

/// Says why a rule has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The index leaves too many contacts to be looked at.
    #[error("{0} contacts would have to be looked at, over {MAX_LOOKED_AT}")]
    TooManyToLookAt(u64),
    /// What a condition asks a part of has too many different values.
    #[error("more than {MAX_WALKED_ITEMS} items of the index would have to be read")]
    TooManyValues,
    /// A table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ReadError<StoreError>> for SearchError {
    fn from(error: ReadError<StoreError>) -> Self {
        match error {
            ReadError::Table(error) => error.into(),
            ReadError::TooManyItems => Self::TooManyValues,
            ReadError::Malformed(error) => StoreError::Malformed(error.to_string()).into(),
        }
    }
}

/// Finds contacts of one tenant.
#[derive(Debug)]
pub struct ContactSearch<'a, S> {
    /// Where the contacts and the index are.
    pub store: &'a S,
    /// Whose.
    pub tenant: &'a Tenant,
}

/// Is whom a rule means.
#[derive(Debug)]
pub struct Matches {
    answers: Answers,
    ordinals: RoaringBitmap,
    rule: Bound,
    sort: Option<Sort>,
}

impl Matches {
    /// Gives their ordinals.
    pub fn ordinals(&self) -> &RoaringBitmap {
        &self.ordinals
    }

    /// Counts them.
    pub fn total(&self) -> u64 {
        self.ordinals.len()
    }

    /// Counts those that were born before another one.
    pub fn older_than(&self, ordinal: Ordinal) -> u64 {
        self.ordinals.range_cardinality(..ordinal.0)
    }
}

/// Holds some of the contacts that a rule means.
#[derive(Debug)]
pub struct MatchesPage {
    /// The contacts, each with its place in the order.
    pub contacts: Vec<(SortKey, Contact)>,
    /// Behind which the next page begins; none at the end.
    pub next_after: Option<SortKey>,
}

impl<S: ContactStore + IndexTable<Error = StoreError>> ContactSearch<'_, S> {
    /// Finds out whom a rule means, and reads what an order of them needs.
    ///
    /// # Errors
    /// [`SearchError::TooManyToLookAt`] where the index alone does not tell.
    pub async fn find(&self, rule: Bound, sort: Option<Sort>) -> Result<Matches, SearchError> {
        let addresses = self.addresses(&[&rule]).await?;
        let id_key = self.tenant.secret.id_key();
        let question = Planner { id_key: &id_key, addresses: &addresses }.question(&rule);
        let next = self.store.ordinals(self.tenant).await?;
        let reader = self.reader(next);
        let mut answers = reader.read([&question], sort).await?;
        let mut answer = answers.to(&question);
        let is_dear = answer.open().len().saturating_mul(ADDRESSES_A_CONTACT) > u64::from(next.0);
        if is_dear
            && next.0 <= MAX_ADDRESSES
            && let Some(mut book) = AddressBook::of(&question)
        {
            let see = &mut |ordinal: Ordinal, email: &Email| book.see(ordinal.0, email.as_str());
            self.store.each_address(self.tenant, see).await?;
            answers.learn(book);
            answer = answers.to(&question);
        }
        if answer.open().len() > MAX_LOOKED_AT {
            // Perhaps of a crowd that did something within one minute, or was made within one second.
            answers.to_the_step();
            answer = answers.to(&question);
        }
        let open = answer.open();
        if open.len() > MAX_LOOKED_AT {
            return Err(SearchError::TooManyToLookAt(open.len()));
        }
        let mut ordinals = answer.certain;
        if !open.is_empty() {
            let open: Vec<Ordinal> = open.into_iter().map(Ordinal).collect();
            let contacts = self.store.by_ordinals(self.tenant, &open, Consistency::Eventual).await?;
            let meant = contacts.iter().filter(|contact| means(&rule, contact));
            ordinals.extend(meant.map(|contact| contact.ordinal.0));
        }
        Ok(Matches { answers, ordinals, rule, sort })
    }

    /// Reads contacts behind a place in the order; who no longer matches is left out.
    ///
    /// # Errors
    /// When a table fails.
    pub async fn page(
        &self,
        matches: &Matches,
        after: Option<SortKey>,
        limit: usize,
    ) -> Result<MatchesPage, SearchError> {
        let mut page = MatchesPage { contacts: Vec::with_capacity(limit), next_after: after };
        for _ in 0..FILLS {
            let missing = limit - page.contacts.len();
            let keys =
                matches.answers.page(&matches.ordinals, matches.sort, page.next_after.as_ref(), missing + 1);
            let is_last = keys.len() <= missing;
            let keys = keys.get(..missing).unwrap_or(&keys);
            let ordinals: Vec<Ordinal> = keys.iter().map(|key| Ordinal(key.ordinal)).collect();
            let contacts = self.store.by_ordinals(self.tenant, &ordinals, Consistency::Eventual).await?;
            let mut contacts: HashMap<u32, Contact> =
                contacts.into_iter().map(|contact| (contact.ordinal.0, contact)).collect();
            let found = keys.iter().filter_map(|key| Some((key.clone(), contacts.remove(&key.ordinal)?)));
            page.contacts.extend(found.filter(|(_, contact)| means(&matches.rule, contact)));
            page.next_after = keys.last().cloned().filter(|_| !is_last);
            if is_last || page.contacts.len() == limit {
                break;
            }
        }
        Ok(page)
    }

    /// Reads up to the ordinal that comes next.
    pub(crate) fn reader(&self, next: Ordinal) -> Reader<'_, S> {
        let slabs = next.0.div_ceil(1 << 18) as u16;
        Reader::new(self.store, index_generation(self.tenant), slabs)
    }

    /// Finds the ordinals of the contacts at the addresses that rules name.
    pub(crate) async fn addresses(&self, rules: &[&Bound]) -> Result<BTreeMap<String, u32>, StoreError> {
        let named = rules.iter().flat_map(|rule| Planner::emails(rule));
        let emails: Vec<Email> =
            named.filter_map(|form| Email::parse(form).ok().filter(|email| email.as_str() == form)).collect();
        if emails.is_empty() {
            return Ok(BTreeMap::new());
        }
        let standings = self.store.standings(self.tenant, &emails).await?;
        let held = emails.into_iter().zip(standings).filter_map(|(email, standing)| match standing {
            Standing::Held(contact) => Some((email.to_string(), contact.ordinal.0)),
            Standing::Suppressed(_) | Standing::Free => None,
        });
        Ok(held.collect())
    }
}

pub(crate) fn means(rule: &Bound, contact: &Contact) -> bool {
    rule.matches(Subject::of(contact))
}
