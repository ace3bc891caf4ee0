use model::{Contact, ContactId, Email, Standing};
use store::ContactStore;

use crate::{ApiError, Caller};

/// Is how a request names a contact: `{id}` of a path, and the like in bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// By its id.
    Id(ContactId),
    /// By its address.
    Email(Email),
}

impl Location {
    /// Reads a UUID or an address.
    ///
    /// # Errors
    /// 404 for what can be neither.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.contains('@') {
            return Email::parse(text).map(Self::Email).map_err(|_| ApiError::not_found("contact"));
        }
        // What can be no id is no contact's id.
        ContactId::parse(text).map(Self::Id).map_err(|_| ApiError::not_found("contact"))
    }

    /// Reads the contact there.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn find<S: ContactStore>(
        &self,
        store: &S,
        caller: &Caller,
    ) -> Result<Option<Contact>, ApiError> {
        Ok(match self {
            Self::Id(id) => store.by_id(&caller.tenant, *id).await?,
            Self::Email(email) => {
                match store.standings(&caller.tenant, std::slice::from_ref(email)).await?.pop() {
                    Some(Standing::Held(contact)) => Some(*contact),
                    _ => None,
                }
            }
        })
    }
}
