//! Whose scores time changes.

use chrono::{DateTime, Utc};
use index::{IndexTable, Question};
use model::Ordinal;

use crate::{ContactSearch, ContactStore, SearchError, StoreError};

impl<S: ContactStore + IndexTable<Error = StoreError>> ContactSearch<'_, S> {
    /// Finds the contacts whose scores decay by a moment, or within its minute, in the order of their
    /// ordinals. The index tells it; where it is behind, a contact comes twice or a little later.
    ///
    /// # Errors
    /// When a table fails.
    pub async fn scores_due(&self, moment: DateTime<Utc>) -> Result<Vec<Ordinal>, SearchError> {
        let question = Question::score_changes_by(moment);
        let reader = self.reader(self.store.ordinals(self.tenant).await?);
        let answers = reader.read([&question], None).await?;
        Ok(answers.to(&question).certain.into_iter().map(Ordinal).collect())
    }
}
