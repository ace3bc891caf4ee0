//! Lists: static ones, on which contacts are put, and segments, whose rule says who is in them.
//!
//! A rule names lists, and people rename them: rules are kept with the ids of the lists that they
//! name, and shown with their names of today.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Invalid;
use crate::rule::text::normal_form;
use crate::rule::{ListRef, Lists, Rule, Segment};

/// Most lists of a tenant, segments among them.
pub const MAX_LISTS: usize = 1_000;
/// Most static lists that one contact may be on.
pub const MAX_LISTS_A_CONTACT: usize = 200;
/// Longest name of a list, in characters.
pub const MAX_LIST_NAME_CHARS: usize = 100;

/// Names a list to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListId(pub Uuid);

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a list in the contacts and the index of its tenant, in few bytes; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListNumber(pub u32);

/// Names a list to people and in rules: trimmed, on one line, and no UUID, which would be an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListName(String);

impl ListName {
    /// Reads a name.
    ///
    /// # Errors
    /// `invalid_name` for blank text, control characters and UUIDs; `too_long` past 100 characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if normal_form(text).is_empty() || text.chars().any(char::is_control) {
            return Err(Invalid::new("invalid_name", "a name is visible text on one line"));
        }
        let chars = text.chars().count();
        if chars > MAX_LIST_NAME_CHARS {
            return Err(Invalid::too_long(MAX_LIST_NAME_CHARS, chars));
        }
        if Uuid::try_parse(text).is_ok() {
            return Err(Invalid::new("invalid_name", "a UUID would be taken for the id of a list"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Gives the text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ListName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is a static list or, with a rule, a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Names it to programs.
    pub id: ListId,
    /// Names it in contacts.
    pub number: ListNumber,
    /// Names it to people; unique in its tenant, whatever its case.
    pub name: ListName,
    /// Who is in a segment; the lists that it names stand there by their ids.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rule_text")]
    pub rule: Option<Rule>,
    /// Whether it is told who enters a segment and who leaves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub events: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its name or rule last changed, or whether its transitions are told.
    pub updated_at: DateTime<Utc>,
}

impl List {
    /// Gives the number under which it is kept who was told to be in it: there are 65,536 of them.
    pub fn members_number(&self) -> Option<u16> {
        u16::try_from(self.number.0).ok()
    }
}

/// Holds all lists of a tenant as they were at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListBook {
    revision: u64,
    next: u32,
    lists: BTreeMap<ListNumber, List>,
    ids: BTreeMap<ListId, ListNumber>,
    names: BTreeMap<String, ListNumber>,
}

impl ListBook {
    /// Gathers the lists of a revision; `next` is the lowest number that none of them ever had.
    pub fn new(revision: u64, next: u32, lists: impl IntoIterator<Item = List>) -> Self {
        let mut book = Self { revision, next, ..Self::default() };
        lists.into_iter().for_each(|list| book.put(list));
        book
    }

    /// Counts the changes of the tenant's lists: each of them needs the revision that it read.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Gives the number of a list that is made next.
    pub fn next_number(&self) -> ListNumber {
        ListNumber(self.next)
    }

    /// Tells whether the book knows if there is a list of this number.
    pub fn knows(&self, number: ListNumber) -> bool {
        number.0 < self.next
    }

    /// Adds a list, or puts it in the place of the one with its number.
    pub fn put(&mut self, list: List) {
        self.remove(list.id);
        self.ids.insert(list.id, list.number);
        self.names.insert(normal_form(list.name.as_str()), list.number);
        self.lists.insert(list.number, list);
    }

    /// Takes a list away.
    pub fn remove(&mut self, id: ListId) -> Option<List> {
        let list = self.lists.remove(&self.ids.remove(&id)?)?;
        self.names.remove(&normal_form(list.name.as_str()));
        Some(list)
    }

    /// Walks the lists, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &List> {
        self.lists.values()
    }

    /// Walks the segments whose transitions are told.
    pub fn watched(&self) -> impl Iterator<Item = &List> {
        self.iter().filter(|list| list.events && list.rule.is_some())
    }

    /// Counts the lists.
    pub fn count(&self) -> usize {
        self.lists.len()
    }

    /// Finds a list by its name, in any case.
    pub fn named(&self, name: &ListName) -> Option<&List> {
        self.lists.get(self.names.get(&normal_form(name.as_str()))?)
    }

    /// Finds a list by its id or its name.
    pub fn find(&self, list: &ListRef) -> Option<&List> {
        let number = match Uuid::try_parse(list.as_str()) {
            Ok(id) => self.ids.get(&ListId(id)),
            Err(_) => self.names.get(&normal_form(list.as_str())),
        };
        self.lists.get(number?)
    }

    /// Gives the ids of the lists that a contact is on; those that were deleted are left out.
    pub fn ids(&self, numbers: &BTreeSet<ListNumber>) -> Vec<ListId> {
        numbers.iter().filter_map(|number| self.lists.get(number)).map(|list| list.id).collect()
    }

    /// Gives the static lists by number.
    pub fn statics(&self) -> BTreeSet<ListNumber> {
        self.iter().filter(|list| list.rule.is_none()).map(|list| list.number).collect()
    }

    /// Spells the lists that a rule names by their ids, which stay.
    pub fn kept(&self, rule: &Rule) -> Rule {
        rule.with_lists(&mut |name| Some(self.find(name)?.id.to_string()))
    }

    /// Spells the lists that a rule names by their names of today.
    pub fn shown(&self, rule: &Rule) -> Rule {
        rule.with_lists(&mut |name| Some(self.find(name)?.name.to_string()))
    }

    /// Lists the segments whose rules name a list.
    pub fn naming(&self, id: ListId) -> Vec<&List> {
        let names = |rule: &Rule| {
            rule.named_lists().iter().any(|name| self.find(name).is_some_and(|list| list.id == id))
        };
        self.iter().filter(|list| list.rule.as_ref().is_some_and(names)).collect()
    }
}

impl Lists for ListBook {
    fn list(&self, name: &ListRef) -> Option<ListNumber> {
        self.find(name).filter(|list| list.rule.is_none()).map(|list| list.number)
    }

    fn segment(&self, name: &ListRef) -> Option<Segment> {
        let list = self.find(name)?;
        let rule = self.shown(list.rule.as_ref()?);
        Some(Segment { number: list.number, name: list.name.to_string(), rule })
    }

    fn statics(&self) -> BTreeSet<ListNumber> {
        Self::statics(self)
    }
}

/// Keeps a rule as the text of its tree, in one attribute.
mod rule_text {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::{Serialize, Serializer};

    use crate::rule::Rule;

    pub(super) fn serialize<S: Serializer>(rule: &Option<Rule>, serializer: S) -> Result<S::Ok, S::Error> {
        rule.as_ref().map(|rule| rule.to_json().to_string()).serialize(serializer)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<Rule>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| {
            let tree = serde_json::from_str(&text).map_err(Error::custom)?;
            Rule::of_kept(&tree).map_err(Error::custom)
        };
        text.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(number: u32, name: &str, rule: Option<&str>) -> List {
        List {
            id: ListId(Uuid::from_u128(number.into())),
            number: ListNumber(number),
            name: ListName::parse(name).unwrap(),
            rule: rule.map(|query| Rule::parse(query).unwrap().rule),
            events: false,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn named(name: &str) -> ListRef {
        ListRef::new(name).unwrap()
    }

    #[test]
    fn a_rule_that_names_lists_outlives_their_names() {
        let mut book = ListBook::new(1, 3, [list(0, "VIP", None), list(1, "Hot", Some("score:>50"))]);
        let rule = Rule::parse("list:vip AND (segment:Hot OR lists:has_none(VIP, 5)) AND a").unwrap().rule;
        let kept = book.kept(&rule);
        let id = "00000000-0000-0000-0000-00000000000";
        assert_eq!(
            kept.to_string(),
            format!("list:{id}0 AND (segment:{id}1 OR lists:has_none({id}0, 5)) AND a")
        );
        book.put(list(0, "Very important", None));
        assert_eq!(
            book.shown(&kept).to_string(),
            "list:\"Very important\" AND (segment:Hot OR lists:has_none(\"Very important\", 5)) AND a"
        );
        assert_eq!((book.find(&named("VIP")), book.count()), (None, 2));
        book.put(list(2, "All", Some("segment:hot")));
        assert_eq!(book.naming(ListId(Uuid::from_u128(1))), [book.find(&named("ALL")).unwrap()]);
    }

    #[test]
    fn a_list_comes_back_as_it_was_kept_and_a_rule_also_where_names_have_grown() {
        let rule = format!("lists:has_any({})", vec!["x"; 900].join(", "));
        let mut book = ListBook::new(1, 1, [list(0, "x", None)]);
        let list = List { rule: Some(book.kept(&Rule::parse(&rule).unwrap().rule)), ..list(1, "y", None) };
        assert!(list.rule.as_ref().unwrap().to_string().len() > crate::rule::MAX_BYTES);
        let kept = serde_json::to_value(&list).unwrap();
        assert_eq!(serde_json::from_value::<List>(kept).unwrap(), list);
        book.put(list.clone());
        assert_eq!(book.shown(list.rule.as_ref().unwrap()).to_string(), rule);
    }

    #[test]
    fn names_are_visible_and_no_ids() {
        assert_eq!(ListName::parse("  Hot US ").unwrap().as_str(), "Hot US");
        for (name, code) in [
            ("", "invalid_name"),
            (" \u{200b} ", "invalid_name"),
            ("a\nb", "invalid_name"),
            ("5e1c0f7a-0000-8000-8000-000000000000", "invalid_name"),
            (&"x".repeat(101), "too_long"),
        ] {
            assert_eq!(ListName::parse(name).unwrap_err().code, code, "{name}");
        }
    }
}
