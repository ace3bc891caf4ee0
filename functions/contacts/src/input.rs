//! From a JSON body to a change of a contact, with every fault at its place.

use std::collections::BTreeMap;

use api::Members;
use model::{
    Change, Consent, Edit, Email, FieldSlug, Invalid, MAX_NAME_CHARS, Phone, Status, Tag, TagChange,
    short_text,
};
use serde_json::{Map, Value};

const READ_ONLY: [&str; 17] = [
    "id",
    "email_display",
    "phone_e164",
    "score",
    "tier",
    "last_opened_at",
    "last_clicked_at",
    "last_replied_at",
    "last_visited_at",
    "opens",
    "clicks",
    "replies",
    "visits",
    "created_at",
    "updated_at",
    "version",
    "merged_into",
];

/// Says what a body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    Upsert,
    Patch,
}

/// Is one attribute as the body has it; its field is not known yet.
#[derive(Debug, Clone)]
pub(crate) struct RawAttribute {
    pub(crate) name: String,
    pub(crate) pointer: String,
    pub(crate) value: Value,
}

/// Is a body that was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Input {
    /// The address, with the form it was typed in.
    pub(crate) email: Option<(Email, String)>,
    /// Everything but the attributes.
    pub(crate) change: Change,
    pub(crate) attributes: BTreeMap<FieldSlug, RawAttribute>,
    /// `"attributes": null` of a patch.
    pub(crate) clears_attributes: bool,
}

impl Input {
    /// Takes a contact's members; what is wrong with them is noted there.
    pub(crate) fn read(members: &mut Members, purpose: Purpose) -> Self {
        let mut input = Self::default();
        input.read_email(members, purpose);
        input.change.first_name = text(members, "first_name", Some(MAX_NAME_CHARS));
        input.change.last_name = text(members, "last_name", Some(MAX_NAME_CHARS));
        input.change.company = text(members, "company", None);
        input.change.job_title = text(members, "job_title", None);
        input.change.phone = phone(members);
        input.change.status = status(members);
        input.change.consent = consent(members);
        if let Some(tags) = tags(members) {
            input.change.tags =
                if purpose == Purpose::Upsert { TagChange::Add(tags) } else { TagChange::Replace(tags) };
        }
        match members.take("attributes") {
            None => {}
            Some(Value::Null) => input.clears_attributes = purpose == Purpose::Patch,
            Some(Value::Object(attributes)) => input.read_attributes(members, attributes),
            Some(_) => members.fault("attributes", Invalid::new("wrong_type", "give an object")),
        }
        match members.take("lists") {
            None | Some(Value::Null) => {}
            Some(Value::Array(lists)) if lists.is_empty() => {}
            Some(_) => members.fault("lists", Invalid::new("not_available", "lists are not available yet")),
        }
        for name in READ_ONLY {
            if members.take(name).is_some() {
                members.fault(name, Invalid::new("read_only", "the product sets this; remove it"));
            }
        }
        input
    }

    fn read_email(&mut self, members: &mut Members, purpose: Purpose) {
        let given = match (purpose, members.take("email")) {
            (Purpose::Patch, None) => return,
            (_, None | Some(Value::Null)) => {
                Err(Invalid::new("missing_email", "an email address is required"))
            }
            (_, Some(Value::String(typed))) => {
                Email::parse(&typed).map(|email| (email, typed.trim().to_owned()))
            }
            (_, Some(_)) => Err(Invalid::new("wrong_type", "give text")),
        };
        match given {
            Ok(email) => self.email = Some(email),
            Err(invalid) => members.fault("email", invalid),
        }
    }

    fn read_attributes(&mut self, members: &mut Members, attributes: Map<String, Value>) {
        for (name, value) in attributes {
            let place = format!("attributes/{}", name.replace('~', "~0").replace('/', "~1"));
            let Some(slug) = FieldSlug::from_name(&name) else {
                members
                    .fault(&place, Invalid::new("invalid_field", "a field name needs a letter or a digit"));
                continue;
            };
            let pointer = format!("{}/{place}", members.base());
            let raw = RawAttribute { name, pointer, value };
            if let Some(other) = self.attributes.insert(slug, raw) {
                let detail = format!("this is the same field as `{}`; give one of them", other.name);
                members.fault(&place, Invalid::new("duplicate_field", detail));
            }
        }
    }
}

fn text(members: &mut Members, name: &str, limit: Option<usize>) -> Option<Edit<String>> {
    edit(members, name, |text| short_text(text, limit))
}

fn phone(members: &mut Members) -> Option<Edit<Phone>> {
    edit(
        members,
        "phone",
        |text| {
            if text.trim().is_empty() { Ok(None) } else { Phone::parse(text).map(Some) }
        },
    )
}

fn edit<T: Clone>(
    members: &mut Members,
    name: &str,
    read: impl FnOnce(&str) -> Result<Option<T>, Invalid>,
) -> Option<Edit<T>> {
    let read = match members.take(name)? {
        Value::Null => Ok(None),
        Value::String(text) => read(&text),
        _ => Err(Invalid::new("wrong_type", "give text or null")),
    };
    read.map(Edit::always).map_err(|invalid| members.fault(name, invalid)).ok()
}

fn status(members: &mut Members) -> Option<Status> {
    let read = match members.take("status")? {
        Value::String(text) => text.parse(),
        _ => Err(Invalid::new(
            "invalid_status",
            "a status is one of `active`, `pending`, `unsubscribed` and `bounced`",
        )),
    };
    read.map_err(|invalid| members.fault("status", invalid)).ok()
}

fn consent(members: &mut Members) -> Option<Consent> {
    let consent: Consent = members.parse("consent")?;
    match consent.check() {
        Ok(()) => Some(consent),
        Err((member, invalid)) => {
            members.fault(&format!("consent/{member}"), invalid);
            None
        }
    }
}

fn tags(members: &mut Members) -> Option<std::collections::BTreeSet<Tag>> {
    let wrong = |place: String| (place, Invalid::new("wrong_type", "give a list of texts"));
    let tags = match members.take("tags")? {
        Value::Null => return Some(Default::default()),
        Value::Array(tags) => tags
            .into_iter()
            .enumerate()
            .map(|(n, tag)| {
                let place = format!("tags/{n}");
                match tag {
                    Value::String(text) => Tag::parse(&text).map_err(|invalid| (place, invalid)),
                    _ => Err(wrong(place)),
                }
            })
            .collect(),
        _ => Err(wrong("tags".to_owned())),
    };
    tags.map_err(|(place, invalid)| members.fault(&place, invalid)).ok()
}
