use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Column, ImportOptions, OnBlank, Target};
use crate::{
    AttributeValue, Change, Edit, Email, FieldId, Invalid, MAX_NAME_CHARS, Phone, Status, Tag, TagChange,
    short_text,
};

/// Says how one column is read, with the id its attribute is stored under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedColumn {
    /// Its name, field and rules.
    #[serde(flatten)]
    pub column: Column,
    /// For an attribute, the field; none while every cell of the file is blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<FieldId>,
}

/// Says what is wrong with one cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFault {
    /// The column's place, from 0; none for a fault of the row as a whole.
    pub column: Option<usize>,
    /// The field the column is read into.
    pub field: String,
    /// The fault.
    pub invalid: Invalid,
}

/// Holds what a good row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose row it is.
    pub email: Email,
    /// The address as the file spells it.
    pub email_typed: String,
    /// What it sets and clears.
    pub change: Change,
    /// Cells that were left out because they did not convert.
    pub warnings: Vec<CellFault>,
}

/// Reads the rows of one file.
#[derive(Debug, Clone)]
pub struct RowReader {
    columns: Vec<PlannedColumn>,
    /// What every row starts from.
    template: Change,
}

impl RowReader {
    /// Prepares to read rows of these columns.
    pub fn new(columns: Vec<PlannedColumn>, options: &ImportOptions) -> Self {
        let template = Change {
            status: options.status,
            status_if_new: Some(options.status_if_new),
            consent: options.consent.clone(),
            tags: TagChange::Add(options.tags.clone()),
            ..Change::default()
        };
        Self { columns, template }
    }

    /// Reads one row. A short row is padded with blank cells; blank cells past the header are
    /// tolerated, others are not: something has shifted, and guessing would mix up columns.
    ///
    /// # Errors
    /// Every fault of the row, in the order of its columns.
    pub fn read<'a>(&self, cells: impl Iterator<Item = &'a str>) -> Result<Row, Vec<CellFault>> {
        let mut reading =
            Reading { change: self.template.clone(), email: None, faults: Vec::new(), warnings: Vec::new() };
        let mut count = 0;
        for (index, cell) in cells.enumerate() {
            match self.columns.get(index) {
                Some(planned) => reading.cell(index, planned, cell),
                None if cell.trim().is_empty() => {}
                None => {
                    reading.faults.push(CellFault {
                        column: None,
                        field: String::new(),
                        invalid: Invalid::new(
                            "too_many_fields",
                            format!(
                                "the row has more cells than the header's {}; is a quote or separator missing?",
                                self.columns.len()
                            ),
                        ),
                    });
                    break;
                }
            }
            count = index + 1;
        }
        for (index, planned) in self.columns.iter().enumerate().skip(count) {
            reading.cell(index, planned, "");
        }
        match reading.email {
            Some((email, email_typed)) if reading.faults.is_empty() => {
                Ok(Row { email, email_typed, change: reading.change, warnings: reading.warnings })
            }
            _ => Err(reading.faults),
        }
    }
}

struct Reading {
    change: Change,
    email: Option<(Email, String)>,
    faults: Vec<CellFault>,
    warnings: Vec<CellFault>,
}

impl Reading {
    fn cell(&mut self, index: usize, planned: &PlannedColumn, cell: &str) {
        let Some(target) = &planned.column.field else { return };
        if let Err(invalid) = self.read(target, planned, cell) {
            let fault = CellFault { column: Some(index), field: target.to_string(), invalid };
            // A value of the wrong type costs its cell, everything else costs the row.
            if matches!(target, Target::Attribute(_)) && fault.invalid.code == "wrong_type" {
                self.warnings.push(fault);
            } else {
                self.faults.push(fault);
            }
        }
    }

    fn read(&mut self, target: &Target, planned: &PlannedColumn, cell: &str) -> Result<(), Invalid> {
        let overwrite = planned.column.overwrite;
        if *target == Target::Email {
            let email = Email::parse(cell)?;
            self.email = Some((email, cell.trim().to_owned()));
            return Ok(());
        }
        let blank = cell.trim().is_empty();
        if blank && planned.column.on_blank == OnBlank::Keep {
            return Ok(());
        }
        let text = |limit| Ok(Some(Edit { value: short_text(cell, limit)?, overwrite }));
        match target {
            Target::Email => {}
            Target::FirstName => self.change.first_name = text(Some(MAX_NAME_CHARS))?,
            Target::LastName => self.change.last_name = text(Some(MAX_NAME_CHARS))?,
            Target::Company => self.change.company = text(None)?,
            Target::JobTitle => self.change.job_title = text(None)?,
            Target::Phone => {
                let value = (!blank).then(|| Phone::parse(cell)).transpose()?;
                self.change.phone = Some(Edit { value, overwrite });
            }
            // A status cannot be cleared; a blank cell leaves it.
            Target::Status if blank => {}
            Target::Status => {
                self.change.status = Some(status(cell).map_or_else(|| cell.trim().parse(), Ok)?);
            }
            Target::Tags => self.tags(cell)?,
            Target::Engagement(engagement) => {
                let value = (!blank).then(|| moment(cell)).transpose()?;
                self.change.engagement.insert(*engagement, Edit { value, overwrite });
            }
            Target::Attribute(_) => {
                // Without an id every cell of the column is blank and nobody has the field.
                let Some(id) = planned.id else { return Ok(()) };
                let value = (!blank).then(|| AttributeValue::parse_as(cell, id.kind)).transpose()?;
                self.change.attributes.insert(id, Edit { value, overwrite });
            }
        }
        Ok(())
    }

    fn tags(&mut self, cell: &str) -> Result<(), Invalid> {
        let mut tags = match std::mem::take(&mut self.change.tags) {
            TagChange::Add(tags) | TagChange::Replace(tags) => tags,
        };
        let found: Result<BTreeSet<Tag>, Invalid> =
            cell.split([',', ';', '|']).filter(|part| !part.trim().is_empty()).map(Tag::parse).collect();
        tags.extend(found?);
        self.change.tags = TagChange::Add(tags);
        Ok(())
    }
}

/// Reads a status as exports of other tools spell it.
pub(super) fn status(cell: &str) -> Option<Status> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "active" | "subscribed" => Some(Status::Active),
        "pending" | "unconfirmed" => Some(Status::Pending),
        "unsubscribed" => Some(Status::Unsubscribed),
        "bounced" | "cleaned" => Some(Status::Bounced),
        _ => None,
    }
}

fn moment(cell: &str) -> Result<DateTime<Utc>, Invalid> {
    DateTime::parse_from_rfc3339(cell.trim()).map(|moment| moment.to_utc()).map_err(|_| {
        Invalid::new("invalid_timestamp", "give an RFC 3339 time such as `2026-11-20T08:00:00Z`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttributeType, FieldSlug, Overwrite};

    fn column(field: Target, id: Option<FieldId>, on_blank: OnBlank) -> PlannedColumn {
        let name = field.to_string();
        PlannedColumn {
            column: Column { name, field: Some(field), on_blank, overwrite: Overwrite::Always },
            id,
        }
    }

    fn reader(on_blank: OnBlank) -> RowReader {
        let number = FieldId { kind: AttributeType::Number, number: 1 };
        let slug = FieldSlug::from_name("budget").unwrap();
        RowReader::new(
            vec![
                column(Target::Email, None, on_blank),
                column(Target::FirstName, None, on_blank),
                column(Target::Attribute(slug), Some(number), on_blank),
            ],
            &ImportOptions::default(),
        )
    }

    fn codes(row: Result<Row, Vec<CellFault>>) -> Vec<&'static str> {
        row.expect_err("a bad row").into_iter().map(|fault| fault.invalid.code).collect()
    }

    #[test]
    fn a_short_row_is_padded_and_blank_extras_are_tolerated() {
        let reader = reader(OnBlank::Keep);
        let row = reader.read(["jane@example.com"].into_iter()).unwrap();
        assert_eq!(row.change.first_name, None);
        assert!(reader.read(["jane@example.com", "Jane", "5", "", " "].into_iter()).is_ok());
        assert_eq!(
            codes(reader.read(["jane@example.com", "Jane", "5", "x"].into_iter())),
            ["too_many_fields"]
        );
    }

    #[test]
    fn a_blank_cell_keeps_or_clears_as_asked() {
        let row = reader(OnBlank::Clear).read(["jane@example.com", ""].into_iter()).unwrap();
        assert_eq!(row.change.first_name, Some(Edit::always(None)));
    }

    #[test]
    fn a_value_of_the_wrong_type_costs_its_cell_and_not_its_row() {
        let row = reader(OnBlank::Keep).read(["jane@example.com", "Jane", "1.234,56"].into_iter()).unwrap();
        assert!(row.change.attributes.is_empty());
        assert_eq!(row.warnings.len(), 1);
        assert_eq!(row.warnings[0].field, "attributes.budget");
    }

    #[test]
    fn a_row_names_all_its_faults() {
        let long = "x".repeat(101);
        assert_eq!(
            codes(reader(OnBlank::Keep).read(["nobody", &long].into_iter())),
            ["invalid_email", "too_long"]
        );
        assert_eq!(codes(reader(OnBlank::Keep).read([""].into_iter())), ["missing_email"]);
    }
}
