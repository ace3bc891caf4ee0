//! From ids and addresses to contacts, many at once.

use std::collections::HashMap;

use model::{Contact, ContactId, Email, Ordinal, Standing, Tenant};

use crate::{Consistency, ContactStore, StoreError};

/// Reads the contacts that texts name, in their order. Strongly consistent.
///
/// # Errors
/// When the store fails.
pub async fn contacts_named<S: ContactStore>(
    store: &S,
    tenant: &Tenant,
    names: &[String],
) -> Result<Vec<Option<Contact>>, StoreError> {
    let id_key = tenant.secret.id_key();
    let emails: Vec<Email> = names.iter().filter_map(|name| Email::parse(name).ok()).collect();
    let ids = names.iter().filter_map(|name| ContactId::parse(name).ok());
    let mut ordinals: Vec<Ordinal> = ids.map(|id| id.ordinal(&id_key)).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let (mut by_email, mut by_id) = (HashMap::new(), HashMap::new());
    if !emails.is_empty() {
        let standings = store.standings(tenant, &emails).await?;
        for (email, standing) in emails.into_iter().zip(standings) {
            if let Standing::Held(contact) = standing {
                by_email.insert(email, *contact);
            }
        }
    }
    if !ordinals.is_empty() {
        let found = store.by_ordinals(tenant, &ordinals, Consistency::Strong).await?;
        by_id.extend(found.into_iter().map(|contact| (contact.id, contact)));
    }
    let find = |name: &String| match Email::parse(name) {
        Ok(email) => by_email.get(&email).cloned(),
        Err(_) => ContactId::parse(name).ok().and_then(|id| by_id.get(&id).cloned()),
    };
    Ok(names.iter().map(find).collect())
}
