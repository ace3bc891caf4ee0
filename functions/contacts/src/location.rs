use api::{ApiError, Caller};
use model::{Contact, ContactId, Email, Standing};
use store::ContactStore;

/// Is what `{id}` of a path may be.
pub(crate) enum Location {
    Id(ContactId),
    Email(Email),
}

impl Location {
    /// Reads a UUID or an address.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.contains('@') {
            return Email::parse(text).map(Self::Email).map_err(|_| ApiError::not_found("contact"));
        }
        // What can be no id is no contact's id.
        ContactId::parse(text).map(Self::Id).map_err(|_| ApiError::not_found("contact"))
    }

    /// Reads the contact there.
    pub(crate) async fn find<S: ContactStore>(
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
