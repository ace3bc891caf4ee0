use std::collections::BTreeSet;

use super::{Choice, Condition, FieldRef, ListRef, Literal, Rule, StandardField};
use crate::ListNumber;

/// Is a segment as rules name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Tells segments apart.
    pub number: ListNumber,
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub rule: Rule,
}

/// Finds the lists and segments that rules name.
pub trait Lists {
    /// Finds a static list.
    fn list(&self, name: &ListRef) -> Option<ListNumber>;

    /// Finds a segment.
    fn segment(&self, name: &ListRef) -> Option<Segment>;

    /// Gives all static lists: a contact that is on none of these is on none.
    fn statics(&self) -> BTreeSet<ListNumber>;
}

/// Is the lists of who has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLists;

impl Lists for NoLists {
    fn list(&self, _: &ListRef) -> Option<ListNumber> {
        None
    }

    fn segment(&self, _: &ListRef) -> Option<Segment> {
        None
    }

    fn statics(&self) -> BTreeSet<ListNumber> {
        BTreeSet::new()
    }
}

impl Rule {
    /// Tells whether it depends on lists.
    pub fn names_lists(&self) -> bool {
        let mut found = false;
        self.each_leaf(&mut |leaf| {
            found |= match leaf {
                Self::List(_) | Self::Segment(_) => true,
                Self::Field { field, .. } => *field == FieldRef::Standard(StandardField::Lists),
                _ => false,
            };
        });
        found
    }

    /// Gives the lists that it names.
    pub fn named_lists(&self) -> Vec<ListRef> {
        let mut named = Vec::new();
        self.each_leaf(&mut |leaf| match leaf {
            Self::List(list) | Self::Segment(list) => named.push(list.clone()),
            Self::Field {
                field: FieldRef::Standard(StandardField::Lists),
                condition: Condition::Many(_, names),
            } => named.extend(names.iter().filter_map(|name| ListRef::new(name.to_string()))),
            _ => {}
        });
        named
    }

    /// Spells lists otherwise; where `spell` gives none a name stays.
    #[must_use]
    pub fn with_lists(&self, spell: &mut impl FnMut(&ListRef) -> Option<String>) -> Self {
        let mut again = |list: &ListRef| spell(list).and_then(ListRef::new).unwrap_or_else(|| list.clone());
        match self {
            Self::All(rules) => Self::All(rules.iter().map(|rule| rule.with_lists(spell)).collect()),
            Self::Any(rules) => Self::Any(rules.iter().map(|rule| rule.with_lists(spell)).collect()),
            Self::Not(rule) => Self::Not(Box::new(rule.with_lists(spell))),
            Self::List(list) => Self::List(again(list)),
            Self::Segment(list) => Self::Segment(again(list)),
            Self::Field {
                field: field @ FieldRef::Standard(StandardField::Lists),
                condition:
                    Condition::Many(choice @ (Choice::HasAny | Choice::HasAll | Choice::HasNone), names),
            } => {
                let spelled = |name: &Literal| {
                    let list = ListRef::new(name.to_string());
                    list.and_then(|list| spell(&list)).map_or_else(|| name.clone(), Literal::Text)
                };
                let names = names.iter().map(spelled).collect();
                Self::Field { field: field.clone(), condition: Condition::Many(*choice, names) }
            }
            Self::Field { .. } | Self::Words(_) => self.clone(),
        }
    }
}
