//! From ids and addresses to contacts, many at once.

use std::collections::{BTreeMap, HashMap};

use api::rule::RuleStore;
use api::{ApiError, App, Caller, Location};
use model::{Contact, ContactId, Email, Ordinal, Standing};
use store::Consistency;

/// Reads the contacts that texts name, in their order; what names none is 404.
pub(crate) async fn named<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    texts: &[String],
) -> Result<Vec<Result<Contact, ApiError>>, ApiError> {
    let locations: Vec<Result<Location, ApiError>> = texts.iter().map(|text| Location::parse(text)).collect();
    let mut emails: Vec<Email> = Vec::new();
    let mut ordinals: Vec<Ordinal> = Vec::new();
    let id_key = caller.tenant.secret.id_key();
    for location in locations.iter().flatten() {
        match location {
            Location::Email(email) => emails.push(email.clone()),
            Location::Id(id) => ordinals.push(id.ordinal(&id_key)),
        }
    }
    let mut by_email: BTreeMap<Email, Contact> = BTreeMap::new();
    if !emails.is_empty() {
        for (email, standing) in emails.iter().zip(app.store.standings(&caller.tenant, &emails).await?) {
            if let Standing::Held(contact) = standing {
                by_email.insert(email.clone(), *contact);
            }
        }
    }
    let mut by_id: HashMap<ContactId, Contact> = HashMap::new();
    if !ordinals.is_empty() {
        ordinals.sort_unstable();
        ordinals.dedup();
        let found = app.store.by_ordinals(&caller.tenant, &ordinals, Consistency::Strong).await?;
        by_id.extend(found.into_iter().map(|contact| (contact.id, contact)));
    }
    let found = |location: &Location| match location {
        Location::Email(email) => by_email.get(email).cloned(),
        Location::Id(id) => by_id.get(id).cloned(),
    };
    let contact = |location: Result<Location, ApiError>| {
        location.and_then(|location| found(&location).ok_or_else(|| ApiError::not_found("contact")))
    };
    Ok(locations.into_iter().map(contact).collect())
}
