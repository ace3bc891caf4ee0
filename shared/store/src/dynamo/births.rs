//! Many contacts created in one call: PartiQL takes up to 25 inserts at once, and each succeeds
//! or fails by itself, as a conditional put does and at its price.

use std::collections::HashSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{
    AttributeValue as Value, BatchStatementError, BatchStatementErrorCodeEnum, BatchStatementRequest,
    ReturnConsumedCapacity,
};
use model::{Contact, Email, Standing, Tenant};

use super::addresses::Addresses;
use super::contact_item::{size, to_item};
use super::contact_plan::PutCondition;
use super::schema::refused;
use super::{DynamoStore, Item};
use crate::StoreError;
use crate::contacts::{ContactStore, Written};
use crate::sdk::store_error;

/// What one BatchExecuteStatement takes.
const INSERTS_A_CALL: usize = 25;
/// What a statement may have; its values are parameters and do not count.
const MAX_STATEMENT_CHARS: usize = 8_192;
/// Keeps a call far below the 16 MB that it may have; a larger item goes alone.
const MAX_ITEM_BYTES: usize = 64 * 1024;

/// Is a contact to create where nothing is, among others, with its place among the writes.
pub(super) struct Birth {
    pub(super) place: usize,
    pub(super) contact: Contact,
    pub(super) item: Item,
}

/// Collects births that may go together.
#[derive(Default)]
pub(super) struct Births {
    births: Vec<Birth>,
    emails: HashSet<Email>,
}

impl Births {
    /// Tells whether a contact may go together with those that are here.
    pub(super) fn takes(&self, contact: &Contact, item: &Item) -> bool {
        // One call refuses an address that comes twice.
        !self.emails.contains(&contact.profile.email)
            && size(item) <= MAX_ITEM_BYTES
            && statement_chars(item) <= MAX_STATEMENT_CHARS
    }

    pub(super) fn add(&mut self, birth: Birth) {
        self.emails.insert(birth.contact.profile.email.clone());
        self.births.push(birth);
    }

    /// Gives what goes into one call each.
    pub(super) fn calls(mut self) -> Vec<Vec<Birth>> {
        let mut calls = Vec::new();
        while !self.births.is_empty() {
            let rest = self.births.split_off(self.births.len().min(INSERTS_A_CALL));
            calls.push(std::mem::replace(&mut self.births, rest));
        }
        calls
    }
}

impl DynamoStore {
    /// Creates contacts in one call and gives what became of each, with its place.
    pub(super) async fn create_together(
        &self,
        tenant: &Tenant,
        births: Vec<Birth>,
    ) -> Result<Vec<(usize, Result<Written, StoreError>)>, StoreError> {
        let addresses = Addresses::of(tenant);
        let mut statements = Vec::with_capacity(births.len());
        let mut contacts = Vec::with_capacity(births.len());
        for Birth { place, contact, item } in births {
            statements.push(insert(&self.tables.contacts, item)?);
            contacts.push((place, contact));
        }
        let call = self
            .client
            .batch_execute_statement()
            .set_statements(Some(statements))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = match call.send().await.map_err(store_error) {
            Ok(answer) => answer,
            // Only these failed: what other calls did is known.
            Err(error) => return Ok(each_failed(contacts, error)),
        };
        answer.consumed_capacity().iter().for_each(|used| self.wrote(Some(used)));
        if answer.responses().len() != contacts.len() {
            return Err(StoreError::Malformed("the table answered another number of statements".to_owned()));
        }
        let mut written = Vec::with_capacity(contacts.len());
        let mut taken = Vec::new();
        for ((place, contact), response) in contacts.into_iter().zip(answer.responses()) {
            let outcome = match response.error().map(BatchStatementError::code) {
                None => Ok(Written::Done(Box::new(contact))),
                Some(Some(BatchStatementErrorCodeEnum::DuplicateItem)) => {
                    taken.push((place, contact));
                    continue;
                }
                // Alone it is tried again where that helps.
                Some(_) => match to_item(&addresses, &contact) {
                    Ok(item) => self.put(contact, item, PutCondition::Free(None)).await,
                    Err(error) => Err(error),
                },
            };
            written.push((place, outcome));
        }
        written.extend(self.what_was_first(tenant, taken).await);
        Ok(written)
    }

    /// Reads what stands where contacts were to be created: that may be themselves, if the answer
    /// to a first call was lost and the SDK sent a second.
    async fn what_was_first(
        &self,
        tenant: &Tenant,
        contacts: Vec<(usize, Contact)>,
    ) -> Vec<(usize, Result<Written, StoreError>)> {
        if contacts.is_empty() {
            return Vec::new();
        }
        let emails: Vec<Email> = contacts.iter().map(|(_, contact)| contact.profile.email.clone()).collect();
        let standings = match self.standings(tenant, &emails).await {
            Ok(standings) => standings,
            Err(error) => return each_failed(contacts, error),
        };
        let outcomes = contacts.into_iter().zip(emails).zip(standings);
        outcomes
            .map(|(((place, contact), email), standing)| match standing {
                Standing::Held(found) if *found == contact => (place, Ok(Written::Done(found))),
                standing => (place, Ok(Written::Lost { email, standing })),
            })
            .collect()
    }
}

/// Tells a failed call of each contact in it.
fn each_failed(
    contacts: Vec<(usize, Contact)>,
    error: StoreError,
) -> Vec<(usize, Result<Written, StoreError>)> {
    let error = Arc::new(error);
    let of_one = || match *error {
        StoreError::Unavailable(_) => StoreError::Unavailable(Box::new(Arc::clone(&error))),
        StoreError::TooLarge { .. }
        | StoreError::ObjectGone
        | StoreError::Malformed(_)
        | StoreError::Refused(_) => StoreError::Refused(Box::new(Arc::clone(&error))),
    };
    contacts.into_iter().map(|(place, _)| (place, Err(of_one()))).collect()
}

/// Counts what [`insert`] writes.
fn statement_chars(item: &Item) -> usize {
    const AROUND_A_NAME: usize = "'': ?, ".len();
    const AROUND_ALL: usize = 300;
    AROUND_ALL + item.keys().map(|name| name.len() + AROUND_A_NAME).sum::<usize>()
}

/// Writes `INSERT INTO "table" VALUE {'name': ?, …}`, which fails where the key is taken. The
/// names are this crate's own and need no escaping.
fn insert(table: &str, item: Item) -> Result<BatchStatementRequest, StoreError> {
    let mut statement = format!("INSERT INTO \"{table}\" VALUE {{");
    let mut parameters: Vec<Value> = Vec::with_capacity(item.len());
    for (name, value) in item {
        if !parameters.is_empty() {
            statement.push_str(", ");
        }
        statement.push('\'');
        statement.push_str(&name);
        statement.push_str("': ?");
        parameters.push(value);
    }
    statement.push('}');
    BatchStatementRequest::builder()
        .statement(statement)
        .set_parameters(Some(parameters))
        .build()
        .map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_a_parameter_for_each_attribute_and_the_length_that_is_reckoned_with() {
        for attributes in [1, 20, 300] {
            let item: Item =
                (0..attributes).map(|n| (format!("a.t{n}"), Value::S("it's".to_owned()))).collect();
            let chars = statement_chars(&item);
            let built = insert(&"t".repeat(255), item).unwrap();
            assert_eq!(built.parameters().len(), attributes);
            assert_eq!(built.statement().matches('?').count(), attributes);
            assert!(built.statement().len() <= chars, "{} > {chars}", built.statement().len());
        }
    }
}
