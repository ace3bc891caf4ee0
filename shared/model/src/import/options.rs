use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Consent, ListNumber, Mode, Overwrite, Status, Tag};

/// Says what a blank cell means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBlank {
    /// The file says nothing about the field.
    #[default]
    Keep,
    /// The field is empty.
    Clear,
}

/// Says what becomes of columns that no one mapped and whose name tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmappedColumns {
    /// Each becomes a custom attribute.
    #[default]
    Attribute,
    /// They are left out.
    Ignore,
}

/// Holds what somebody asked of one column.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnChoice {
    /// The contact field or custom attribute; none leaves the column out.
    pub field: Option<String>,
    /// Instead of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_blank: Option<OnBlank>,
    /// Instead of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwrite: Option<Overwrite>,
}

/// Says how a file is to be read and applied; the default is what a dropped file gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// Which contacts may be touched.
    pub mode: Mode,
    /// Choices by column name.
    pub mapping: BTreeMap<String, ColumnChoice>,
    /// What becomes of the other columns.
    pub unmapped_columns: UnmappedColumns,
    /// What a blank cell means.
    pub on_blank: OnBlank,
    /// Whether given values yield to what is there.
    pub overwrite: Overwrite,
    /// Sets the status of every contact of the file; a status column goes before it.
    pub status: Option<Status>,
    /// The status of contacts that the file creates.
    pub status_if_new: Status,
    /// Tags that every contact of the file gets.
    pub tags: BTreeSet<Tag>,
    /// Static lists that every contact of the file is put on.
    pub lists: BTreeSet<ListNumber>,
    /// The agreement that every person in the file gave.
    pub consent: Option<Consent>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            mapping: BTreeMap::new(),
            unmapped_columns: UnmappedColumns::default(),
            on_blank: OnBlank::default(),
            overwrite: Overwrite::default(),
            status: None,
            status_if_new: Status::Active,
            tags: BTreeSet::new(),
            lists: BTreeSet::new(),
            consent: None,
        }
    }
}
