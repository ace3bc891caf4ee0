//! The custom fields of a tenant, and what they demand of its contacts.
//!
//! Values lie on contacts under a field's id, so a new name touches no contact. A new type is a new
//! id: from then on values are written under it, and those under a *former* id are read as the new
//! type. A sweep then moves them in the background; so does every write of a contact that comes
//! before it. A value that does not convert stays where it is and is no longer shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rule::Source;
use crate::{AttributeType, AttributeValue, Edit, FieldId, FieldSlug, Invalid};

/// How many custom fields a tenant may have.
pub const MAX_FIELDS: usize = 1_000;

/// Describes one custom field of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// What values are stored under.
    pub id: FieldId,
    /// What programs call it.
    pub slug: FieldSlug,
    /// What programs called it before, and may call it still: rules, files and clients stay right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_slugs: Vec<FieldSlug>,
    /// What people call it.
    pub name: String,
    /// Whether no contact is created without a value, and none loses it.
    #[serde(default)]
    pub required: bool,
    /// The value, as text, of a contact that is created without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Ids that values may still lie under, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<FieldId>,
    /// Whether the field is dropped, and only its values are left to remove.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// How far values under other ids are moved or removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// Counts its changes.
    #[serde(default)]
    pub revision: u32,
}

/// Says how far the contacts of a tenant were gone through for a field, from the newest down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The ordinal it started below.
    pub start: u32,
    /// The ordinal below which nothing is done yet.
    pub below: u32,
    /// Contacts that were changed.
    pub changed: u64,
    /// Contacts whose value does not convert.
    pub kept: u64,
    /// Whether all contacts were seen.
    pub done: bool,
}

impl Sweep {
    /// Starts below an ordinal.
    pub fn from_ordinal(start: u32) -> Self {
        Self { start, below: start, changed: 0, kept: 0, done: false }
    }

    /// Tells how much is done, from 0 to 1.
    pub fn progress(&self) -> f64 {
        if self.done || self.start == 0 {
            return if self.done { 1.0 } else { 0.0 };
        }
        1.0 - f64::from(self.below) / f64::from(self.start)
    }
}

impl Field {
    /// Describes a field that demands nothing.
    pub fn new(id: FieldId, slug: FieldSlug, name: impl Into<String>) -> Self {
        Self {
            id,
            slug,
            former_slugs: Vec::new(),
            name: name.into(),
            required: false,
            default: None,
            formerly: Vec::new(),
            dropped: false,
            sweep: None,
            revision: 0,
        }
    }

    /// Gives the field with another slug; it is found by those before, too.
    #[must_use]
    pub fn renamed(mut self, slug: FieldSlug) -> Self {
        if slug != self.slug {
            self.former_slugs.retain(|former| *former != slug);
            self.former_slugs.push(std::mem::replace(&mut self.slug, slug));
        }
        self
    }

    /// Gives the field with another type: a new id, under which values are sought from now on.
    #[must_use]
    pub fn retyped(mut self, id: FieldId, sweep: Sweep) -> Self {
        self.formerly.push(self.id);
        Self { id, sweep: Some(sweep), ..self }
    }

    /// Gives what is left of a field that is dropped. Its names are free again.
    #[must_use]
    pub fn into_dropped(self, sweep: Sweep) -> Self {
        let slug = FieldSlug::of_dropped(self.id);
        Self {
            slug,
            former_slugs: Vec::new(),
            required: false,
            default: None,
            dropped: true,
            sweep: Some(sweep),
            ..self
        }
    }

    /// Says what a condition on the field reads.
    pub fn source(&self) -> Source {
        if self.formerly.is_empty() || self.sweep.is_none_or(|sweep| sweep.done) {
            return Source::Attribute(self.id);
        }
        // In the order in which values are moved.
        let former: BTreeSet<FieldId> = self.formerly.iter().copied().collect();
        Source::Converting(self.id, former.into_iter().collect())
    }

    /// Reads the default into the field's type.
    ///
    /// # Errors
    /// `wrong_type`.
    pub fn default_value(&self) -> Result<Option<AttributeValue>, Invalid> {
        self.default.as_deref().map(|text| AttributeValue::parse_as(text, self.id.kind)).transpose()
    }
}

/// Holds edits of attributes.
type Attributes = BTreeMap<FieldId, Edit<AttributeValue>>;

/// Says what fields demand of every write of a contact, whichever way it comes in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demands {
    required: BTreeMap<FieldId, FieldSlug>,
    defaults: BTreeMap<FieldId, AttributeValue>,
    /// Where values of former ids belong; none for those of dropped fields.
    former: BTreeMap<FieldId, Option<FieldId>>,
}

impl Demands {
    /// Moves values from former ids to today's, and removes those of dropped fields.
    pub(crate) fn settle(&self, attributes: &mut BTreeMap<FieldId, AttributeValue>) {
        for (old, new) in &self.former {
            let Some(value) = attributes.remove(old) else { continue };
            let Some(new) = new else { continue };
            match value.converted(new.kind) {
                _ if attributes.contains_key(new) => {}
                Some(converted) => {
                    attributes.insert(*new, converted);
                }
                None => {
                    attributes.insert(*old, value);
                }
            }
        }
    }

    /// Gives edits as they are meant today: those that were planned for a former id, in an import
    /// that began before, go to its field; those of dropped fields go nowhere.
    pub(crate) fn redirected<'a>(&self, edits: &'a Attributes) -> Cow<'a, Attributes> {
        if !self.former.keys().any(|old| edits.contains_key(old)) {
            return Cow::Borrowed(edits);
        }
        let redirect = |(id, edit): (&FieldId, &Edit<AttributeValue>)| match self.former.get(id) {
            None => Some((*id, edit.clone())),
            Some(None) => None,
            Some(Some(new)) => {
                let value = match &edit.value {
                    Some(value) => Some(value.converted(new.kind)?),
                    None => None,
                };
                Some((*new, Edit { value, overwrite: edit.overwrite }))
            }
        };
        Cow::Owned(edits.iter().filter_map(redirect).collect())
    }

    /// Forgets what does not convert where a write says something of today's field.
    pub(crate) fn forget_former(
        &self,
        edited: impl Fn(&FieldId) -> bool,
        attributes: &mut BTreeMap<FieldId, AttributeValue>,
    ) {
        let said = |new: &Option<FieldId>| new.as_ref().is_some_and(&edited);
        for (old, _) in self.former.iter().filter(|(_, new)| said(new)) {
            attributes.remove(old);
        }
    }

    /// Fills in what a new contact was not told.
    pub(crate) fn fill(
        &self,
        edited: impl Fn(&FieldId) -> bool,
        attributes: &mut BTreeMap<FieldId, AttributeValue>,
    ) {
        for (id, value) in self.defaults.iter().filter(|(id, _)| !edited(id)) {
            attributes.entry(*id).or_insert_with(|| value.clone());
        }
    }

    /// Tells whether any field is required.
    pub(crate) fn requires(&self) -> bool {
        !self.required.is_empty()
    }

    /// Lists what is required and not there.
    pub(crate) fn lacked(&self, attributes: &BTreeMap<FieldId, AttributeValue>) -> BTreeSet<FieldId> {
        self.required.keys().filter(|id| !attributes.contains_key(id)).copied().collect()
    }

    /// Refuses attributes that lack what is required, unless they lacked it before.
    pub(crate) fn check(
        &self,
        attributes: &BTreeMap<FieldId, AttributeValue>,
        lacked_before: impl Fn(&FieldId) -> bool,
    ) -> Result<(), Invalid> {
        match self.required.iter().find(|(id, _)| !attributes.contains_key(id) && !lacked_before(id)) {
            Some((_, slug)) => Err(Invalid::new(
                "required_attribute",
                format!("the field `{slug}` is required; give `attributes.{slug}` a value"),
            )),
            None => Ok(()),
        }
    }
}

/// Finds a tenant's fields by slug and by id.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    by_slug: BTreeMap<FieldSlug, Field>,
    /// Today's slugs by the former ones.
    former_slugs: HashMap<FieldSlug, FieldSlug>,
    slugs: HashMap<FieldId, FieldSlug>,
    dropped: BTreeSet<FieldId>,
    demands: Arc<Demands>,
}

impl Fields {
    /// Finds a field by what programs call it, or called it once.
    pub fn get(&self, slug: &FieldSlug) -> Option<&Field> {
        let former = || self.by_slug.get(self.former_slugs.get(slug)?);
        self.by_slug.get(slug).or_else(former).filter(|field| !field.dropped)
    }

    /// Finds what programs call a stored id.
    pub fn slug(&self, id: FieldId) -> Option<&FieldSlug> {
        self.slugs.get(&id).filter(|_| !self.dropped.contains(&id))
    }

    /// Finds a field by its id, also a dropped one.
    pub fn by_id(&self, id: FieldId) -> Option<&Field> {
        self.by_slug.get(self.slugs.get(&id)?)
    }

    /// Tells whether an id is today's or was once; another may have been defined since.
    pub fn knows(&self, id: FieldId) -> bool {
        self.slugs.contains_key(&id) || self.demands.former.contains_key(&id)
    }

    /// Says what the fields demand of every write.
    pub fn demands(&self) -> Arc<Demands> {
        self.demands.clone()
    }

    /// Adds a field that was read or defined.
    pub fn insert(&mut self, field: Field) {
        let demands = Arc::make_mut(&mut self.demands);
        let place = (!field.dropped).then_some(field.id);
        demands.former.extend(field.formerly.iter().map(|old| (*old, place)));
        if field.dropped {
            self.dropped.insert(field.id);
            demands.former.insert(field.id, None);
        }
        if field.required {
            demands.required.insert(field.id, field.slug.clone());
        }
        if let Ok(Some(value)) = field.default_value() {
            demands.defaults.insert(field.id, value);
        }
        self.slugs.insert(field.id, field.slug.clone());
        self.former_slugs
            .extend(field.former_slugs.iter().map(|former| (former.clone(), field.slug.clone())));
        self.by_slug.insert(field.slug.clone(), field);
    }

    /// Walks the fields in the order of their slugs.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.by_slug.values().filter(|field| !field.dropped)
    }

    /// Counts the fields.
    pub fn count(&self) -> usize {
        self.by_slug.len() - self.dropped.len()
    }

    /// Names the values of a contact as its fields are called and typed today.
    pub fn named(&self, attributes: &BTreeMap<FieldId, AttributeValue>) -> Vec<(&FieldSlug, AttributeValue)> {
        let current = attributes.iter().filter_map(|(id, value)| Some((self.slug(*id)?, value.clone())));
        let former = attributes.iter().filter_map(|(old, value)| {
            let id = self.demands.former.get(old).copied().flatten()?;
            let converted = value.converted(id.kind).filter(|_| !attributes.contains_key(&id))?;
            Some((self.slug(id)?, converted))
        });
        former.chain(current).collect()
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut all = Self::default();
        fields.into_iter().for_each(|field| all.insert(field));
        all
    }
}

impl AttributeValue {
    /// Reads the value into another type; none where it does not say such a value.
    pub fn converted(&self, kind: AttributeType) -> Option<Self> {
        Self::parse_as(&self.to_string(), kind).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Email, Profile, Status};

    const TEXT: FieldId = FieldId { kind: AttributeType::Text, number: 1 };
    const NUMBER: FieldId = FieldId { kind: AttributeType::Number, number: 2 };

    fn budget() -> Field {
        Field::new(TEXT, FieldSlug::from_name("budget").unwrap(), "Budget")
    }

    fn jane(value: &str) -> Profile {
        let email = Email::parse("jane@example.com").unwrap();
        let attributes = BTreeMap::from([(TEXT, AttributeValue::Text(value.to_owned()))]);
        Profile { attributes, ..Profile::new(email, "jane@example.com", Status::Active) }
    }

    fn under(fields: &Fields) -> Change {
        Change { demands: fields.demands(), ..Change::default() }
    }

    #[test]
    fn a_new_type_is_read_at_once_and_written_with_the_next_change() {
        let fields = Fields::from_iter([budget().retyped(NUMBER, Sweep::from_ordinal(9))]);
        let shown = |profile: &Profile| {
            let named = fields.named(&profile.attributes).into_iter();
            named.map(|(slug, value)| format!("{slug}={}", value.to_json())).collect::<Vec<_>>()
        };
        assert_eq!(shown(&jane("12")), ["budget=12"]);
        assert_eq!(shown(&jane("a lot")), Vec::<String>::new());
        let moved = under(&fields).update(&jane("12")).unwrap();
        assert_eq!(moved.attributes, BTreeMap::from([(NUMBER, AttributeValue::infer("12"))]));
        let kept = under(&fields).update(&jane("a lot")).unwrap();
        assert_eq!(kept, jane("a lot"));
        let edit = Edit::always(Some(AttributeValue::infer("5")));
        let change = Change { attributes: [(NUMBER, edit)].into(), ..under(&fields) };
        assert_eq!(shown(&change.update(&jane("a lot")).unwrap()), ["budget=5"]);
        assert!(fields.knows(TEXT) && fields.knows(NUMBER));
        // An import that was planned before still writes the former type.
        let edit = Edit::always(Some(AttributeValue::Text("7".into())));
        let late = Change { attributes: [(TEXT, edit)].into(), ..under(&fields) };
        assert_eq!(shown(&late.update(&moved).unwrap()), ["budget=7"]);
    }

    #[test]
    fn a_field_is_found_by_every_name_that_it_had() {
        let [budget_slug, spend, money] =
            ["budget", "spend", "money"].map(|name| FieldSlug::from_name(name).unwrap());
        let found = |field: &Field, slugs: [&FieldSlug; 3]| {
            let fields = Fields::from_iter([field.clone()]);
            slugs.map(|slug| fields.get(slug).is_some())
        };
        let field = budget().renamed(spend.clone());
        assert_eq!(
            (&field.slug, found(&field, [&budget_slug, &spend, &money])),
            (&spend, [true, true, false])
        );
        let field = field.renamed(money.clone()).renamed(spend.clone());
        assert_eq!((&field.slug, &field.former_slugs), (&spend, &vec![budget_slug.clone(), money.clone()]));
        let fields = Fields::from_iter([field, Field::new(NUMBER, money.clone(), "Money")]);
        assert_eq!(fields.get(&money).map(|field| field.id), Some(NUMBER), "today's name goes before");
        assert_eq!(fields.count(), 2);
    }

    #[test]
    fn a_dropped_field_is_shown_no_more_and_goes_with_the_next_change() {
        let fields = Fields::from_iter([budget().into_dropped(Sweep::from_ordinal(9))]);
        assert!(fields.named(&jane("12").attributes).is_empty());
        assert!(under(&fields).update(&jane("12")).unwrap().attributes.is_empty());
        assert_eq!((fields.count(), fields.get(&budget().slug), fields.slug(TEXT)), (0, None, None));
    }

    #[test]
    fn a_default_fills_what_a_new_contact_was_not_told_and_required_holds() {
        let city = FieldId { number: 7, ..TEXT };
        let city = Field {
            default: Some("Oslo".into()),
            ..Field::new(city, FieldSlug::from_name("city").unwrap(), "City")
        };
        let fields = Fields::from_iter([Field { required: true, ..budget() }, city.clone()]);
        let create = |change: Change| change.create(jane("").email, "jane@example.com", None);
        assert_eq!(create(under(&fields)).unwrap_err().code, "required_attribute");
        let told = Edit::always(Some(AttributeValue::Text("12".into())));
        let change = Change { attributes: [(TEXT, told)].into(), ..under(&fields) };
        assert_eq!(create(change).unwrap().attributes[&city.id].to_string(), "Oslo");
        let cleared = Change { attributes: [(TEXT, Edit::always(None))].into(), ..under(&fields) };
        assert_eq!(cleared.update(&jane("12")).unwrap_err().code, "required_attribute");
        // Who never had a value can still be changed.
        let before = Profile { attributes: BTreeMap::new(), ..jane("") };
        assert!(under(&fields).update(&before).is_ok());
    }
}
