//! What one write wants of a contact, whichever way it came in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AttributeValue, Consent, Demands, Email, Engagement, FieldId, Invalid, ListNumber, MAX_LISTS_A_CONTACT,
    MAX_TAGS, Phone, Profile, Status, Suppression, Tag,
};

/// Says when a given value replaces one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overwrite {
    /// Whenever it is given.
    #[default]
    Always,
    /// Only where nothing is there.
    IfEmpty,
    /// Only on a contact that this write creates.
    Never,
}

/// Sets one field, or clears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<T> {
    /// The new value; none clears.
    pub value: Option<T>,
    /// Whether it yields to what is there.
    pub overwrite: Overwrite,
}

impl<T: Clone> Edit<T> {
    /// Sets or clears whatever is there.
    pub fn always(value: Option<T>) -> Self {
        Self { value, overwrite: Overwrite::Always }
    }

    fn apply(&self, place: &mut Option<T>, is_new: bool) {
        let may = match self.overwrite {
            Overwrite::Always => true,
            Overwrite::IfEmpty => place.is_none(),
            Overwrite::Never => is_new,
        };
        if may {
            place.clone_from(&self.value);
        }
    }
}

/// Changes the labels of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// Adds these.
    Add(BTreeSet<Tag>),
    /// Leaves exactly these.
    Replace(BTreeSet<Tag>),
}

impl Default for TagChange {
    fn default() -> Self {
        Self::Add(BTreeSet::new())
    }
}

/// Puts a contact on static lists, and takes it from others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// On these.
    pub add: BTreeSet<ListNumber>,
    /// From these.
    pub remove: BTreeSet<ListNumber>,
}

/// Lists what a write sets, clears and adds; what it does not name stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// First name.
    pub first_name: Option<Edit<String>>,
    /// Last name.
    pub last_name: Option<Edit<String>>,
    /// Company.
    pub company: Option<Edit<String>>,
    /// Job title.
    pub job_title: Option<Edit<String>>,
    /// Phone.
    pub phone: Option<Edit<Phone>>,
    /// Status asked for.
    pub status: Option<Status>,
    /// Status of a contact that this write creates, unless `status` says one.
    pub status_if_new: Option<Status>,
    /// The person's own agreement, given with this write.
    pub consent: Option<Consent>,
    /// Custom attributes.
    pub attributes: BTreeMap<FieldId, Edit<AttributeValue>>,
    /// Labels.
    pub tags: TagChange,
    /// Static lists.
    pub lists: Membership,
    /// Moments of engagement.
    pub engagement: BTreeMap<Engagement, Edit<DateTime<Utc>>>,
    /// What the tenant's fields demand of it.
    pub demands: Arc<Demands>,
}

impl Change {
    /// Makes the profile of a new contact at an address that `suppressed` may hold.
    ///
    /// # Errors
    /// `too_many_tags`, `too_many_lists`, `required_attribute`.
    pub fn create(
        &self,
        email: Email,
        email_typed: impl Into<String>,
        suppressed: Option<&Suppression>,
    ) -> Result<Profile, Invalid> {
        let wanted = self.status.or(self.status_if_new).unwrap_or(Status::Active);
        let held = suppressed.map(Suppression::status);
        let status = Status::at_birth(wanted, held, self.consent.as_ref());
        let grounds = suppressed.filter(|_| held == Some(status)).map(Suppression::grounds);
        let profile = Profile { grounds, ..Profile::new(email, email_typed, status) };
        let mut profile = self.edited(profile, true)?;
        let edited = self.demands.redirected(&self.attributes);
        self.demands.fill(|id| edited.contains_key(id), &mut profile.attributes);
        self.demands.check(&profile.attributes, |_| false)?;
        Ok(profile)
    }

    /// Makes the profile that an existing contact has after this write.
    ///
    /// # Errors
    /// `consent_required` when the write would end a suppression without a record;
    /// `too_many_tags`; `too_many_lists`; `required_attribute` when it would clear one.
    pub fn update(&self, profile: &Profile) -> Result<Profile, Invalid> {
        let status = match self.status {
            Some(wanted) => profile.status.moved_to(wanted, self.consent.as_ref())?,
            None => profile.status,
        };
        let grounds = profile.grounds.clone().filter(|_| status == profile.status);
        let mut before = Profile { status, grounds, ..profile.clone() };
        self.demands.settle(&mut before.attributes);
        let lacked = self.demands.lacked(&before.attributes);
        let mut after = self.edited(before, false)?;
        let edited = self.demands.redirected(&self.attributes);
        self.demands.forget_former(|id| edited.contains_key(id), &mut after.attributes);
        self.demands.check(&after.attributes, |id| lacked.contains(id))?;
        Ok(after)
    }

    fn edited(&self, mut profile: Profile, is_new: bool) -> Result<Profile, Invalid> {
        for (edit, place) in [
            (&self.first_name, &mut profile.first_name),
            (&self.last_name, &mut profile.last_name),
            (&self.company, &mut profile.company),
            (&self.job_title, &mut profile.job_title),
        ] {
            if let Some(edit) = edit {
                edit.apply(place, is_new);
            }
        }
        if let Some(edit) = &self.phone {
            edit.apply(&mut profile.phone, is_new);
        }
        apply_to_map(&self.demands.redirected(&self.attributes), &mut profile.attributes, is_new);
        apply_to_map(&self.engagement, &mut profile.engagement, is_new);
        match &self.tags {
            TagChange::Add(tags) => profile.tags.extend(tags.iter().cloned()),
            TagChange::Replace(tags) => profile.tags.clone_from(tags),
        }
        if profile.tags.len() > MAX_TAGS {
            return Err(Invalid::new("too_many_tags", format!("a contact carries at most {MAX_TAGS} tags")));
        }
        profile.lists.retain(|list| !self.lists.remove.contains(list));
        let before = profile.lists.len();
        profile.lists.extend(&self.lists.add);
        if profile.lists.len() > MAX_LISTS_A_CONTACT.max(before) {
            let detail = format!("a contact is on at most {MAX_LISTS_A_CONTACT} static lists");
            return Err(Invalid::new("too_many_lists", detail));
        }
        Ok(profile)
    }
}

fn apply_to_map<K: Ord + Copy, V: Clone>(
    edits: &BTreeMap<K, Edit<V>>,
    values: &mut BTreeMap<K, V>,
    is_new: bool,
) {
    for (key, edit) in edits {
        let mut place = values.remove(key);
        edit.apply(&mut place, is_new);
        if let Some(value) = place {
            values.insert(*key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Profile {
        Profile::new(Email::parse("jane@example.com").unwrap(), "jane@example.com", Status::Active)
    }

    fn company(value: Option<&str>, overwrite: Overwrite) -> Change {
        Change { company: Some(Edit { value: value.map(str::to_owned), overwrite }), ..Change::default() }
    }

    #[test]
    fn overwrite_says_what_yields() {
        let acme = Profile { company: Some("Acme".into()), ..jane() };
        let after = |overwrite, before: &Profile| {
            company(Some("Other"), overwrite).update(before).unwrap().company.unwrap_or_default()
        };
        assert_eq!(after(Overwrite::Always, &acme), "Other");
        assert_eq!(after(Overwrite::IfEmpty, &acme), "Acme");
        assert_eq!(after(Overwrite::IfEmpty, &jane()), "Other");
        assert_eq!(after(Overwrite::Never, &jane()), "");
        let born = company(Some("Other"), Overwrite::Never).create(jane().email, "jane@example.com", None);
        assert_eq!(born.unwrap().company.as_deref(), Some("Other"));
    }

    #[test]
    fn none_clears() {
        let acme = Profile { company: Some("Acme".into()), ..jane() };
        assert_eq!(company(None, Overwrite::Always).update(&acme).unwrap().company, None);
    }

    #[test]
    fn a_contact_is_on_so_many_lists_and_one_that_is_on_more_may_leave() {
        let lists = |numbers: std::ops::Range<u32>| numbers.map(ListNumber).collect::<BTreeSet<_>>();
        let on = Profile { lists: lists(0..199), ..jane() };
        let change = |add, remove| Change { lists: Membership { add, remove }, ..Change::default() };
        assert_eq!(change(lists(199..200), lists(0..0)).update(&on).unwrap().lists, lists(0..200));
        let refused = change(lists(199..201), lists(0..0)).update(&on).unwrap_err();
        assert_eq!(refused.code, "too_many_lists");
        let full = Profile { lists: lists(0..300), ..jane() };
        assert_eq!(change(lists(0..1), lists(299..300)).update(&full).unwrap().lists, lists(0..299));
    }

    #[test]
    fn status_if_new_leaves_an_existing_contact_alone() {
        let change = Change { status_if_new: Some(Status::Pending), ..Change::default() };
        assert_eq!(change.update(&jane()).unwrap(), jane());
        let born = change.create(jane().email, "jane@example.com", None).unwrap();
        assert_eq!(born.status, Status::Pending);
    }
}
