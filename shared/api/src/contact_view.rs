use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use model::scoring::Tiers;
use model::{Contact, Engagement, Fields, ListBook, ListNumber, Status, Tenant, Tier};
use serde::Serialize;
use serde_json::{Map, Value};
use store::{FieldStore, Freshness, ListStore, StoreError};
use utoipa::ToSchema;
use uuid::Uuid;

/// Is a contact as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    /// Never changes, also when the email does.
    pub id: Uuid,
    /// The address in its normal form, unique in the tenant.
    #[schema(example = "jane@example.com")]
    pub email: String,
    /// The address as it was first typed.
    pub email_display: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Phone as it was given.
    pub phone: Option<String>,
    /// Phone in E.164, where it is a valid international number.
    #[schema(example = "+14155550100")]
    pub phone_e164: Option<String>,
    /// Whether the contact may be written to.
    #[schema(value_type = String, example = "active")]
    pub status: Status,
    /// Custom attributes by the slug of their field.
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    /// Labels.
    pub tags: Vec<String>,
    /// Static lists by id.
    pub lists: Vec<Uuid>,
    /// Points from engagement.
    pub score: i64,
    /// Rank by score.
    #[schema(value_type = String, example = "cold")]
    pub tier: Tier,
    /// Last open.
    pub last_opened_at: Option<String>,
    /// Last click.
    pub last_clicked_at: Option<String>,
    /// Last reply.
    pub last_replied_at: Option<String>,
    /// Last visit.
    pub last_visited_at: Option<String>,
    /// How many opens are known.
    pub opens: u32,
    /// How many clicks are known.
    pub clicks: u32,
    /// How many replies are known.
    pub replies: u32,
    /// How many visits are known.
    pub visits: u32,
    /// Birth.
    pub created_at: String,
    /// Last change.
    pub updated_at: String,
    /// Counts changes; with the id it makes the `ETag`.
    pub version: u64,
}

/// Shows contacts, with the fields and lists of their tenant.
///
/// # Errors
/// What the store answers to the look-up of fields and lists.
pub async fn views<S: FieldStore + ListStore>(
    store: &S,
    tenant: &Tenant,
    contacts: &[Contact],
) -> Result<Vec<ContactView>, StoreError> {
    let mut fields = store.fields(tenant, Freshness::Cached).await?;
    let mut ids = contacts.iter().flat_map(|contact| contact.profile.attributes.keys());
    // Another instance may have defined a field since.
    if ids.any(|id| !fields.knows(*id)) {
        fields = store.fields(tenant, Freshness::Strong).await?;
    }
    let newest = contacts.iter().filter_map(|contact| contact.profile.lists.last().copied()).max();
    let lists = match newest {
        Some(newest) => lists_with(store, tenant, newest).await?,
        None => Arc::default(),
    };
    Ok(contacts.iter().map(|contact| view(contact, &fields, &lists, tenant.scoring.tiers)).collect())
}

/// Reads lists, those up to this number among them.
async fn lists_with<S: ListStore>(
    store: &S,
    tenant: &Tenant,
    newest: ListNumber,
) -> Result<Arc<ListBook>, StoreError> {
    let lists = store.lists(tenant, Freshness::Cached).await?;
    if lists.knows(newest) {
        return Ok(lists);
    }
    // Another instance may have made a list since.
    store.lists(tenant, Freshness::Strong).await
}

fn view(contact: &Contact, fields: &Fields, lists: &ListBook, tiers: Tiers) -> ContactView {
    let profile = &contact.profile;
    let engaged = |kind| profile.engagement.get(&kind).map(moment);
    let attributes = fields.named(&profile.attributes).into_iter();
    let attributes = attributes.map(|(slug, value)| (slug.to_string(), value.to_json()));
    ContactView {
        id: contact.id.as_uuid(),
        email: profile.email.to_string(),
        email_display: profile.email_typed.clone(),
        first_name: profile.first_name.clone(),
        last_name: profile.last_name.clone(),
        company: profile.company.clone(),
        job_title: profile.job_title.clone(),
        phone: profile.phone.as_ref().map(|phone| phone.typed.clone()),
        phone_e164: profile.phone.as_ref().and_then(|phone| phone.e164.clone()),
        status: profile.status,
        attributes: attributes.collect(),
        tags: profile.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        lists: lists.ids(&profile.lists).into_iter().map(|list| list.0).collect(),
        score: contact.score,
        tier: tiers.of(contact.score),
        last_opened_at: engaged(Engagement::Opened),
        last_clicked_at: engaged(Engagement::Clicked),
        last_replied_at: engaged(Engagement::Replied),
        last_visited_at: engaged(Engagement::Visited),
        opens: contact.engagements(Engagement::Opened),
        clicks: contact.engagements(Engagement::Clicked),
        replies: contact.engagements(Engagement::Replied),
        visits: contact.engagements(Engagement::Visited),
        created_at: moment(&contact.created_at),
        updated_at: moment(&contact.updated_at),
        version: contact.version,
    }
}

fn moment(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
