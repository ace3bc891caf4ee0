use uuid::Uuid;

use super::{ListRef, Rule};

/// Names a static list in a contact's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub Uuid);

/// Finds the lists and segments that rules name.
pub trait Lists {
    /// Finds a static list.
    fn list(&self, name: &ListRef) -> Option<ListId>;

    /// Finds the rule of a segment.
    fn segment(&self, name: &ListRef) -> Option<Rule>;
}

/// Is the lists of who has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLists;

impl Lists for NoLists {
    fn list(&self, _: &ListRef) -> Option<ListId> {
        None
    }

    fn segment(&self, _: &ListRef) -> Option<Rule> {
        None
    }
}
