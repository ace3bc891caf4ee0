//! Whether a rule holds of one contact: the exact meaning, which an index has to meet.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::RangeBounds;

use super::bound::{Bound, Leaf, Node, NumberTest, SetTest, Source, Test, TextTest, Value};
use super::calendar::has_anniversary;
use super::text::{normal_form, words};
use super::{Moment, StandardField};
use crate::scoring::Tiers;
use crate::{AttributeValue, Contact, ListNumber, Number};

/// Is a contact with the static lists that it is on.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'c> {
    /// The contact.
    pub contact: &'c Contact,
    /// Its lists.
    pub lists: &'c BTreeSet<ListNumber>,
}

impl<'c> Subject<'c> {
    /// Takes a contact as it is.
    pub fn of(contact: &'c Contact) -> Self {
        Self { contact, lists: &contact.profile.lists }
    }
}

impl Bound {
    /// Tells whether the rule holds.
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        self.node.holds(subject, &self.moment)
    }
}

impl Node {
    fn holds(&self, subject: Subject<'_>, moment: &Moment) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(subject, moment)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(subject, moment)),
            Self::Not(node) => !node.holds(subject, moment),
            Self::Leaf(leaf) => leaf.holds(leaf.source.read(subject, moment.tiers).as_ref(), moment),
            Self::Segment(segment) => segment.1.holds(subject, moment),
        }
    }
}

impl Leaf {
    /// Tells whether the condition holds of a value that was read, at the moment it was bound to.
    pub fn holds(&self, value: Option<&Value<'_>>, moment: &Moment) -> bool {
        value.is_some_and(|value| self.test.passes(value, moment)) != self.is_negated
    }
}

impl Test {
    fn passes(&self, value: &Value<'_>, moment: &Moment) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::Text(test), Value::Text(text)) => test.passes(&normal_form(text)),
            (Self::Number(test), Value::Number(number)) => test.passes(*number),
            (Self::Boolean(wanted), Value::Boolean(boolean)) => wanted.contains(boolean),
            (Self::Days(ranges, _), Value::Day(day)) => ranges.iter().any(|range| range.contains(day)),
            (Self::Instants(ranges, _), Value::Instant(instant)) => {
                ranges.iter().any(|range| range.contains(instant))
            }
            (Self::Anniversary(span), Value::Day(day)) => has_anniversary(*day, *span, moment.today),
            (Self::Anniversary(span), Value::Instant(instant)) => {
                has_anniversary(moment.zone.day_of(*instant), *span, moment.today)
            }
            (Self::Tags(test), Value::Tags(tags)) => {
                test.passes(&tags.iter().map(|tag| normal_form(tag)).collect())
            }
            (Self::Lists(test), Value::Lists(lists)) => test.passes(lists),
            (Self::Words(pieces), Value::Words(profile)) => {
                let names = [&profile.first_name, &profile.last_name, &profile.company];
                let among: Vec<String> = names.into_iter().flatten().flat_map(|name| words(name)).collect();
                !pieces.is_empty() && pieces.iter().all(|piece| piece.is_found(&among, &profile.email))
            }
            // A stored attribute has the type of its id, so this does not come about.
            _ => false,
        }
    }
}

impl TextTest {
    fn passes(&self, form: &str) -> bool {
        match self {
            Self::OneOf(forms) => forms.contains(form),
            Self::Contains(part) => form.contains(part.as_str()),
            Self::StartsWith(part) => form.starts_with(part.as_str()),
            Self::EndsWith(part) => form.ends_with(part.as_str()),
        }
    }
}

impl NumberTest {
    fn passes(&self, number: Number) -> bool {
        match self {
            Self::OneOf(numbers) => numbers.contains(&number),
            Self::Other(other) => *other != number,
            Self::Within(range) => range.contains(&number),
        }
    }
}

impl<T: Ord> SetTest<T> {
    fn passes(&self, set: &BTreeSet<T>) -> bool {
        match self {
            Self::Any(wanted) => !wanted.is_disjoint(set),
            Self::All(wanted) => wanted.is_subset(set),
        }
    }
}

impl Source {
    /// Reads a contact's value; none is a missing one.
    pub fn read<'c>(&self, subject: Subject<'c>, tiers: Tiers) -> Option<Value<'c>> {
        let contact = subject.contact;
        match self {
            Self::Standard(field) => standard(*field, subject, tiers),
            Self::Attribute(id) => {
                contact.profile.attributes.get(id).map(|value| attribute(Cow::Borrowed(value)))
            }
            Self::Converting(id, former) => {
                let values = &contact.profile.attributes;
                let converted = || former.iter().find_map(|old| values.get(old)?.converted(id.kind));
                values.get(id).map(Cow::Borrowed).or_else(|| converted().map(Cow::Owned)).map(attribute)
            }
            Self::Unknown => None,
            Self::Words => Some(Value::Words(&contact.profile)),
            Self::List(list) => subject.lists.contains(list).then_some(Value::Boolean(true)),
        }
    }
}

fn attribute(value: Cow<'_, AttributeValue>) -> Value<'_> {
    if let Cow::Borrowed(AttributeValue::Text(text)) = value {
        return Value::Text(Cow::Borrowed(text));
    }
    match value.into_owned() {
        AttributeValue::Text(text) => Value::Text(Cow::Owned(text)),
        AttributeValue::Number(number) => Value::Number(number),
        AttributeValue::Date(day) => Value::Day(day),
        AttributeValue::Boolean(boolean) => Value::Boolean(boolean),
    }
}

fn standard<'c>(field: StandardField, subject: Subject<'c>, tiers: Tiers) -> Option<Value<'c>> {
    let Subject { contact, lists } = subject;
    let profile = &contact.profile;
    let text = |text: &'c Option<String>| text.as_deref().map(|text| Value::Text(Cow::Borrowed(text)));
    match field {
        StandardField::Id => Some(Value::Text(Cow::Owned(contact.id.to_string()))),
        StandardField::Email => Some(Value::Text(Cow::Borrowed(profile.email.as_str()))),
        StandardField::FirstName => text(&profile.first_name),
        StandardField::LastName => text(&profile.last_name),
        StandardField::Company => text(&profile.company),
        StandardField::JobTitle => text(&profile.job_title),
        StandardField::Phone => {
            let phone = profile.phone.as_ref()?;
            Some(Value::Text(Cow::Borrowed(phone.e164.as_deref().unwrap_or(&phone.typed))))
        }
        StandardField::Status => Some(Value::Text(Cow::Borrowed(profile.status.as_str()))),
        StandardField::Score => Number::new(contact.score as f64).map(Value::Number),
        StandardField::Tier => Some(Value::Text(Cow::Borrowed(tiers.of(contact.score).as_str()))),
        StandardField::Tags => {
            let tags: Vec<&str> = profile.tags.iter().map(crate::Tag::as_str).collect();
            (!tags.is_empty()).then_some(Value::Tags(tags))
        }
        StandardField::Lists => (!lists.is_empty()).then_some(Value::Lists(lists)),
        StandardField::LastEngaged(kind) => profile.engagement.get(&kind).copied().map(Value::Instant),
        StandardField::Engagements(kind) => Number::new(contact.engagements(kind).into()).map(Value::Number),
        StandardField::CreatedAt => Some(Value::Instant(contact.created_at)),
        StandardField::UpdatedAt => Some(Value::Instant(contact.updated_at)),
    }
}
