//! Going on with changes of lists, page by page. Each page is one revision of its job, saved behind
//! its writes: whoever dies in between leaves it to be done again, and contacts that were changed
//! before are known by the job's mark.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use model::rule::ListRef;
use model::{Contact, List, ListBook, Ordinal, Origin, Tenant};
use sha2::{Digest, Sha256};

use crate::list_jobs::MAX_FAILURES_SHOWN;
use crate::{
    Consistency, ContactStore, Freshness, FrozenStore, ListEdit, ListEditor, ListJob, ListJobFailure,
    ListJobPlace, ListJobProblem, ListJobStore, ListStore, NamedPart, NotEdited, StoreError, contacts_named,
};

/// Contacts of one page of those whom a rule meant.
const CONTACTS_A_PAGE: usize = 500;

/// Works on the jobs of a tenant.
#[derive(Debug)]
pub struct ListWork<'a, S> {
    /// Where everything is kept.
    pub store: &'a S,
    /// Whose jobs.
    pub tenant: &'a Tenant,
}

/// Is what one page changed, by the places of its names.
type Results = Vec<(Option<u64>, Result<bool, String>)>;

/// Is a page and what comes behind it.
struct Page {
    edit: ListEdit,
    /// How many contacts it stands for.
    size: u64,
    results: Results,
    next: Option<ListJobPlace>,
}

impl<S: ContactStore + ListStore + FrozenStore + ListJobStore> ListWork<'_, S> {
    /// Does the next page of the job that was asked for first, and tells whether there was one.
    ///
    /// # Errors
    /// When the store fails. The page is done again then.
    pub async fn go_on(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let jobs = self.store.list_jobs(self.tenant.id).await?;
        let Some(job) = jobs.into_iter().rfind(|job| job.finished_at.is_none()) else { return Ok(false) };
        self.page(job, now).await?;
        Ok(true)
    }

    async fn page(&self, job: ListJob, now: DateTime<Utc>) -> Result<(), StoreError> {
        let book = self.store.lists(self.tenant, Freshness::Strong).await?;
        let list = ListRef::new(job.list.to_string()).and_then(|list| book.find(&list).cloned());
        let Some(list) = list.filter(|list| list.rule.is_none()) else {
            return self.end(job, Some(ListJobProblem::ListNotFound), now).await;
        };
        let done = match job.place {
            ListJobPlace::Names(part) => {
                let Some(named) = self.store.named_part(self.tenant.id, job.id, part).await? else {
                    return self.end(job, Some(ListJobProblem::Expired), now).await;
                };
                self.named(&job, &book, &list, named, part, now).await?
            }
            ListJobPlace::Meant(below) => {
                let Some(edit) = job.meant.filter(|_| job.counts.done < job.total) else {
                    return self.end(job, None, now).await;
                };
                match self.meant(&job, &book, &list, edit, below, now).await? {
                    Some(page) => page,
                    None => return self.end(job, Some(ListJobProblem::Expired), now).await,
                }
            }
        };
        let job = job.after(done, now);
        let forgotten = match job.place {
            ListJobPlace::Names(next) => next.checked_sub(1),
            ListJobPlace::Meant(_) => job.parts.checked_sub(1),
        };
        let id = job.id;
        self.save(job).await?;
        if let Some(part) = forgotten {
            self.store.forget_named_part(self.tenant.id, id, part).await?;
        }
        Ok(())
    }

    async fn named(
        &self,
        job: &ListJob,
        book: &ListBook,
        list: &List,
        named: NamedPart,
        part: u32,
        now: DateTime<Utc>,
    ) -> Result<Page, StoreError> {
        let contacts = contacts_named(self.store, self.tenant, &named.names).await?;
        let different: BTreeMap<Ordinal, Contact> =
            contacts.iter().flatten().map(|contact| (contact.ordinal, contact.clone())).collect();
        let ordinals: Vec<Ordinal> = different.keys().copied().collect();
        let results = self.edit(job, book, list, named.edit, different.into_values().collect(), now).await?;
        let mut results: HashMap<Ordinal, Result<bool, String>> = ordinals.into_iter().zip(results).collect();
        let size = contacts.len() as u64;
        let result = |(index, contact): (u64, Option<Contact>)| match contact {
            // Of one that is named twice the second one changes nothing.
            Some(contact) => (Some(index), results.remove(&contact.ordinal).unwrap_or(Ok(false))),
            None => (Some(index), Err("contact_not_found".to_owned())),
        };
        let results = (named.first..).zip(contacts).map(result).collect();
        let next = match job.meant {
            None if part + 1 == job.parts => None,
            Some(_) if part + 1 == job.parts => Some(ListJobPlace::Meant(None)),
            _ => Some(ListJobPlace::Names(part + 1)),
        };
        Ok(Page { edit: named.edit, size, results, next })
    }

    async fn meant(
        &self,
        job: &ListJob,
        book: &ListBook,
        list: &List,
        edit: ListEdit,
        below: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<Option<Page>, StoreError> {
        let below = below.map(Ordinal);
        let frozen = self.store.frozen(self.tenant.id, job.id, below, CONTACTS_A_PAGE).await?;
        let Some(frozen) = frozen else { return Ok(None) };
        let contacts = self.store.by_ordinals(self.tenant, &frozen.ordinals, Consistency::Strong).await?;
        let results = self.edit(job, book, list, edit, contacts, now).await?;
        let next = frozen.ordinals.last().filter(|_| frozen.remaining > 0);
        Ok(Some(Page {
            edit,
            size: frozen.ordinals.len() as u64,
            results: results.into_iter().map(|result| (None, result)).collect(),
            next: next.map(|below| ListJobPlace::Meant(Some(below.0))),
        }))
    }

    /// Changes contacts, and tells by a code why one could not be.
    async fn edit(
        &self,
        job: &ListJob,
        book: &ListBook,
        list: &List,
        edit: ListEdit,
        contacts: Vec<Contact>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Result<bool, String>>, StoreError> {
        let editor = ListEditor::new(self.store, self.tenant, book, list.number);
        let editor = editor.marking(Origin::Request(mark(job)));
        let edited = editor.edit(edit, contacts, now).await;
        if let Some(failure) = edited.failure {
            return Err(failure);
        }
        let code = |result: Result<bool, NotEdited>| match result {
            Ok(changed) => Ok(Ok(changed)),
            Err(NotEdited::Refused(invalid)) => Ok(Err(invalid.code.to_string())),
            Err(NotEdited::Gone) => Ok(Err("contact_not_found".to_owned())),
            Err(NotEdited::Store(StoreError::TooLarge { .. })) => Ok(Err("contact_too_large".to_owned())),
            Err(NotEdited::Contended | NotEdited::Unknown) => Ok(Err("contended".to_owned())),
            Err(NotEdited::Store(error)) => Err(error),
        };
        edited.results.into_iter().map(code).collect()
    }

    async fn end(
        &self,
        job: ListJob,
        problem: Option<ListJobProblem>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.save(ListJob { problem, finished_at: Some(now), ..job }).await
    }

    /// Saves the next revision. Where somebody else was first, that one stands.
    async fn save(&self, job: ListJob) -> Result<(), StoreError> {
        let job = ListJob { revision: job.revision + 1, ..job };
        self.store.save_list_job(self.tenant.id, &job).await.map(|_| ())
    }
}

/// By this a page that is done again knows what it changed before: another page left another mark.
fn mark(job: &ListJob) -> [u8; 16] {
    let hash = Sha256::digest([job.id.as_bytes().as_slice(), &job.revision.to_be_bytes()].concat());
    let mut mark = [0; 16];
    mark.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    mark
}

impl ListJob {
    fn after(mut self, page: Page, now: DateTime<Utc>) -> Self {
        self.counts.done += page.size;
        for (index, result) in page.results {
            let count = match (&result, page.edit) {
                (Ok(true), ListEdit::Add) => &mut self.counts.added,
                (Ok(true), ListEdit::Remove) => &mut self.counts.removed,
                (Ok(false), _) => &mut self.counts.unchanged,
                (Err(_), _) => &mut self.counts.failed,
            };
            *count += 1;
            if let Err(code) = result
                && self.failures.len() < MAX_FAILURES_SHOWN
            {
                self.failures.push(ListJobFailure { edit: page.edit, index, code });
            }
        }
        match page.next {
            Some(place) => self.place = place,
            None => self.finished_at = Some(now),
        }
        self
    }
}
