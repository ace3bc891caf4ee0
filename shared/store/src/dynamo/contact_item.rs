//! How a contact lies in its item.
//!
//! Names are short because they count towards the item's size, and a contact that fits 1 KB costs
//! one write unit. What a contact does not have is absent, never NULL. At the key of an address
//! lies either a contact or a *tombstone* (`gone`, `since`): the memory that the address must not be
//! written to. Sharing the key makes "is this address suppressed?" part of every
//! read and of every condition, so no interleaving can lose an unsubscribe.

use std::collections::BTreeMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue as Value;
use chrono::{DateTime, Utc};
use model::scoring::Fold;
use model::{
    AttributeType, AttributeValue, Contact, ContactId, Email, Engagement, FieldId, Grounds, ListNumber,
    Number, Ordinal, Origin, Phone, Profile, Standing, Suppression, SuppressionReason, Tag,
};
use uuid::Uuid;

use super::Item;
use super::addresses::Addresses;
use crate::StoreError;

/// What DynamoDB takes in one item.
pub(super) const MAX_ITEM_BYTES: usize = 400 * 1024;
const ENGAGEMENTS: [(Engagement, &str); 4] = [
    (Engagement::Opened, "opened"),
    (Engagement::Clicked, "clicked"),
    (Engagement::Replied, "replied"),
    (Engagement::Visited, "visited"),
];

/// Writes a contact into an item.
///
/// # Errors
/// [`StoreError::TooLarge`] past 400 KB.
pub(super) fn to_item(addresses: &Addresses, contact: &Contact) -> Result<Item, StoreError> {
    let profile = &contact.profile;
    let mut item = addresses.key(&profile.email);
    let mut set = |name: &str, value: Value| {
        item.insert(name.to_owned(), value);
    };
    set("email", Value::S(profile.email.to_string()));
    set("id", Value::B(Blob::new(contact.id.as_uuid().as_bytes())));
    set("ord", Value::N(contact.ordinal.0.to_string()));
    set("ver", Value::N(contact.version.to_string()));
    set("made", moment(contact.created_at));
    set("upd", moment(contact.updated_at));
    set("st", Value::S(profile.status.to_string()));
    if let Some(Grounds { reason, source }) = &profile.grounds {
        set("why", Value::S(reason.to_string()));
        if let Some(source) = source {
            set("from", Value::S(source.clone()));
        }
    }
    if profile.email_typed != profile.email.as_str() {
        set("typed", Value::S(profile.email_typed.clone()));
    }
    for (name, text) in [
        ("first", &profile.first_name),
        ("last", &profile.last_name),
        ("comp", &profile.company),
        ("title", &profile.job_title),
    ] {
        if let Some(text) = text {
            set(name, Value::S(text.clone()));
        }
    }
    if let Some(phone) = &profile.phone {
        set("phone", Value::S(phone.typed.clone()));
        if let Some(e164) = &phone.e164 {
            set("e164", Value::S(e164.clone()));
        }
    }
    if !profile.tags.is_empty() {
        set("tags", Value::Ss(profile.tags.iter().map(|tag| tag.as_str().to_owned()).collect()));
    }
    if !profile.lists.is_empty() {
        set("lists", Value::Ns(profile.lists.iter().map(|list| list.0.to_string()).collect()));
    }
    for (engagement, name) in ENGAGEMENTS {
        if let Some(at) = profile.engagement.get(&engagement) {
            set(name, moment(*at));
        }
    }
    if contact.score != 0 {
        set("score", Value::N(contact.score.to_string()));
    }
    if contact.fold != Fold::default() {
        set("fold", Value::S(serde_json::to_string(&contact.fold).map_err(malformed)?));
    }
    if let Some(origin) = &contact.origin {
        set("src", Value::B(Blob::new(origin_bytes(origin))));
    }
    for (id, value) in &profile.attributes {
        let value = match value {
            AttributeValue::Text(text) => Value::S(text.clone()),
            AttributeValue::Number(number) => Value::N(number.to_string()),
            AttributeValue::Date(day) => Value::S(day.to_string()),
            AttributeValue::Boolean(boolean) => Value::Bool(*boolean),
        };
        set(&format!("a.{id}"), value);
    }
    let size_bytes = size(&item);
    if size_bytes > MAX_ITEM_BYTES {
        return Err(StoreError::TooLarge { size_bytes, limit_bytes: MAX_ITEM_BYTES });
    }
    Ok(item)
}

/// Refuses, for the memory double, what a table would refuse.
#[cfg(feature = "testing")]
pub(crate) fn check_size(tenant: &model::Tenant, profile: &Profile) -> Result<(), StoreError> {
    let probe = Contact {
        id: ContactId::from_uuid(Uuid::max()),
        ordinal: Ordinal(u32::MAX),
        profile: profile.clone(),
        score: 0,
        fold: Fold::default(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        version: 1,
        origin: None,
    };
    to_item(&Addresses::of(tenant), &probe).map(|_| ())
}

/// Writes the memory of a suppressed address; of an erased person's nothing but its hash.
pub(super) fn tombstone(addresses: &Addresses, email: &Email, suppression: &Suppression) -> Item {
    let mut item = addresses.key(email);
    item.insert("gone".to_owned(), Value::S(suppression.reason.to_string()));
    item.insert("since".to_owned(), moment(suppression.since));
    if suppression.reason != SuppressionReason::Erased {
        item.insert("email".to_owned(), Value::S(email.to_string()));
        if let Some(source) = &suppression.source {
            item.insert("from".to_owned(), Value::S(source.clone()));
        }
    }
    item
}

/// Reads what an item at an address says.
pub(super) fn standing(item: &Item, tenant_email: &Email) -> Result<Standing, StoreError> {
    let read = Reader { item };
    if let Some(suppression) = suppression(&read)? {
        return Ok(Standing::Suppressed(suppression));
    }
    contact(&read, tenant_email).map(|contact| Standing::Held(Box::new(contact)))
}

/// Reads a tombstone, with its address unless the person was erased; none where a contact lies.
pub(super) fn remembered(item: &Item) -> Result<Option<(Option<Email>, Suppression)>, StoreError> {
    let read = Reader { item };
    let email = read.optional("email", Value::as_s)?.map(|email| Email::parse(email).map_err(malformed));
    let email = email.transpose()?;
    Ok(suppression(&read)?.map(|suppression| (email, suppression)))
}

fn suppression(read: &Reader<'_>) -> Result<Option<Suppression>, StoreError> {
    let Some(gone) = read.optional("gone", Value::as_s)? else { return Ok(None) };
    let source = read.optional("from", Value::as_s)?.cloned();
    Ok(Some(Suppression { reason: parsed(gone)?, since: read.moment("since")?, source }))
}

fn contact(read: &Reader<'_>, email: &Email) -> Result<Contact, StoreError> {
    let text = |name| Ok::<_, StoreError>(read.optional(name, Value::as_s)?.cloned());
    let mut engagement = BTreeMap::new();
    for (kind, name) in ENGAGEMENTS {
        if read.item.contains_key(name) {
            engagement.insert(kind, read.moment(name)?);
        }
    }
    let tags = match read.optional("tags", Value::as_ss)? {
        Some(tags) => tags.iter().map(|tag| Tag::parse(tag).map_err(malformed)).collect::<Result<_, _>>()?,
        None => Default::default(),
    };
    let lists = match read.optional("lists", Value::as_ns)? {
        Some(lists) => lists.iter().map(|list| parsed(list).map(ListNumber)).collect::<Result<_, _>>()?,
        None => Default::default(),
    };
    let phone = match text("phone")? {
        Some(typed) => Some(Phone { typed, e164: text("e164")? }),
        None => None,
    };
    let grounds = match read.optional("why", Value::as_s)? {
        Some(reason) => Some(Grounds { reason: parsed(reason)?, source: text("from")? }),
        None => None,
    };
    Ok(Contact {
        id: ContactId::from_uuid(
            Uuid::from_slice(read.required("id", Value::as_b)?.as_ref()).map_err(malformed)?,
        ),
        ordinal: Ordinal(read.number("ord")?),
        profile: Profile {
            email: email.clone(),
            email_typed: text("typed")?.unwrap_or_else(|| email.to_string()),
            first_name: text("first")?,
            last_name: text("last")?,
            company: text("comp")?,
            job_title: text("title")?,
            phone,
            status: parsed(read.required("st", Value::as_s)?)?,
            grounds,
            attributes: attributes(read.item)?,
            tags,
            lists,
            engagement,
        },
        score: if read.item.contains_key("score") { read.number("score")? } else { 0 },
        fold: match read.optional("fold", Value::as_s)? {
            Some(fold) => serde_json::from_str(fold).map_err(malformed)?,
            None => Fold::default(),
        },
        created_at: read.moment("made")?,
        updated_at: read.moment("upd")?,
        version: read.number("ver")?,
        origin: read.optional("src", Value::as_b)?.map(|bytes| origin(bytes.as_ref())).transpose()?,
    })
}

fn attributes(item: &Item) -> Result<BTreeMap<FieldId, AttributeValue>, StoreError> {
    let named = item.iter().filter_map(|(name, value)| name.strip_prefix("a.").map(|id| (id, value)));
    named
        .map(|(id, value)| {
            let id: FieldId = parsed(id)?;
            let value = match (id.kind, value) {
                (AttributeType::Text, Value::S(text)) => AttributeValue::Text(text.clone()),
                (AttributeType::Number, Value::N(text)) => AttributeValue::Number(number(text)?),
                (AttributeType::Date, Value::S(text)) => AttributeValue::Date(parsed(text)?),
                (AttributeType::Boolean, Value::Bool(boolean)) => AttributeValue::Boolean(*boolean),
                _ => return Err(StoreError::Malformed(format!("attribute {id} is of another type"))),
            };
            Ok((id, value))
        })
        .collect()
}

fn number(text: &str) -> Result<Number, StoreError> {
    let value: f64 = parsed(text)?;
    Number::new(value).ok_or_else(|| malformed("a number is out of range"))
}

/// The tag byte of contacts that an import created, and indexes together with others.
pub(super) const INDEXED_BY_IMPORT: u8 = b'b';

/// Tag byte, then the import's id and the row, or the request's mark.
fn origin_bytes(origin: &Origin) -> Vec<u8> {
    match origin {
        Origin::Row { job, row, created, indexed_by_import } => {
            let tag = match (created, indexed_by_import) {
                (true, true) => INDEXED_BY_IMPORT,
                (true, false) => b'c',
                (false, _) => b'u',
            };
            let mut bytes = vec![tag];
            bytes.extend_from_slice(job.as_bytes());
            // Leading zeros carry nothing and would be paid for.
            bytes.extend(row.to_be_bytes().into_iter().skip_while(|b| *b == 0));
            bytes
        }
        Origin::Request(mark) => [&b"r"[..], mark].concat(),
    }
}

fn origin(bytes: &[u8]) -> Result<Origin, StoreError> {
    let wrong = || StoreError::Malformed("src is of no known form".to_owned());
    let (&tag, rest) = bytes.split_first().ok_or_else(wrong)?;
    match tag {
        INDEXED_BY_IMPORT | b'c' | b'u' => {
            let (job, row) = rest.split_at_checked(16).ok_or_else(wrong)?;
            let row = row.iter().fold(0_u64, |row, byte| (row << 8) | u64::from(*byte));
            Ok(Origin::Row {
                job: Uuid::from_slice(job).map_err(malformed)?,
                row,
                created: tag != b'u',
                indexed_by_import: tag == INDEXED_BY_IMPORT,
            })
        }
        b'r' => Ok(Origin::Request(rest.try_into().map_err(|_| wrong())?)),
        _ => Err(wrong()),
    }
}

/// Counts an item as DynamoDB does: names and values, with the rounding of numbers left out.
pub(super) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(digits) => digits.len().div_ceil(2) + 1,
        Value::B(bytes) => bytes.as_ref().len(),
        Value::Ss(texts) => texts.iter().map(String::len).sum(),
        Value::Ns(numbers) => numbers.iter().map(|digits| digits.len().div_ceil(2) + 1).sum(),
        _ => 1,
    }
}

fn moment(at: DateTime<Utc>) -> Value {
    Value::N(at.timestamp_millis().to_string())
}

pub(super) fn malformed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Malformed(error.to_string())
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(malformed)
}

struct Reader<'a> {
    item: &'a Item,
}

impl<'a> Reader<'a> {
    fn optional<T>(
        &self,
        name: &str,
        kind: impl Fn(&'a Value) -> Result<&'a T, &'a Value>,
    ) -> Result<Option<&'a T>, StoreError> {
        let Some(value) = self.item.get(name) else { return Ok(None) };
        kind(value).map(Some).map_err(|_| StoreError::Malformed(format!("`{name}` is of another type")))
    }

    fn required<T>(
        &self,
        name: &str,
        kind: impl Fn(&'a Value) -> Result<&'a T, &'a Value>,
    ) -> Result<&'a T, StoreError> {
        self.optional(name, kind)?.ok_or_else(|| StoreError::Malformed(format!("`{name}` is missing")))
    }

    fn number<T: FromStr<Err: std::fmt::Display>>(&self, name: &str) -> Result<T, StoreError> {
        parsed(self.required(name, Value::as_n)?)
    }

    fn moment(&self, name: &str) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_millis(self.number(name)?)
            .ok_or_else(|| StoreError::Malformed(format!("`{name}` is no time")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::Status;

    use super::*;

    fn addresses() -> Addresses {
        Addresses::of(&crate::testing::tenant())
    }

    fn contact() -> Contact {
        let now = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        let text = FieldId { kind: AttributeType::Text, number: 1 };
        let date = FieldId { kind: AttributeType::Date, number: 2 };
        let amount = FieldId { kind: AttributeType::Number, number: 3 };
        let flag = FieldId { kind: AttributeType::Boolean, number: 4 };
        Contact {
            id: ContactId::from_uuid(Uuid::from_u128(7)),
            ordinal: Ordinal(70_000),
            profile: Profile {
                first_name: Some("Jane".into()),
                phone: Some(Phone::parse("+1 415 555 0100").unwrap()),
                attributes: BTreeMap::from([
                    (text, AttributeValue::infer("07001")),
                    (date, AttributeValue::infer("2025-03-01")),
                    (amount, AttributeValue::infer("-0.25")),
                    (flag, AttributeValue::infer("true")),
                ]),
                tags: BTreeSet::from([Tag::parse("partner").unwrap()]),
                lists: BTreeSet::from([ListNumber(7), ListNumber(12)]),
                engagement: BTreeMap::from([(Engagement::Opened, now)]),
                grounds: Some(Grounds { reason: SuppressionReason::Complaint, source: Some("loop".into()) }),
                ..Profile::new(
                    Email::parse("jane@example.com").unwrap(),
                    "Jane@Example.com",
                    Status::Unsubscribed,
                )
            },
            score: -50,
            fold: Fold::default(),
            created_at: now,
            updated_at: now,
            version: 3,
            origin: Some(Origin::Row {
                job: Uuid::from_u128(9),
                row: 65_536,
                created: true,
                indexed_by_import: false,
            }),
        }
    }

    #[test]
    fn a_contact_comes_back_as_it_was_stored() {
        for origin in [None, Some(Origin::Request([5; 16])), contact().origin] {
            let contact = Contact { origin, ..contact() };
            let item = to_item(&addresses(), &contact).unwrap();
            let read = standing(&item, &contact.profile.email).unwrap();
            assert_eq!(read, Standing::Held(Box::new(contact)));
        }
    }

    #[test]
    fn a_malformed_item_is_an_error_and_never_half_a_contact() {
        for name in ["id", "ord", "st", "lists", "a.d2", "src"] {
            let mut item = to_item(&addresses(), &contact()).unwrap();
            item.insert(name.to_owned(), Value::S("?".to_owned()));
            let read = standing(&item, &contact().profile.email);
            assert!(matches!(read, Err(StoreError::Malformed(_))), "{name}");
        }
    }

    #[test]
    fn an_item_past_400_kb_is_refused() {
        let mut contact = contact();
        contact.profile.company = Some("x".repeat(MAX_ITEM_BYTES));
        let refused = to_item(&addresses(), &contact);
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    }
}
