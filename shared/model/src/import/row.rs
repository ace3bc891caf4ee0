use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::opt_out::OptOut;
use super::{Column, ImportOptions, OnBlank, Target, cell};
use crate::{
    AttributeValue, Change, Demands, Edit, Email, FieldId, Invalid, MAX_NAME_CHARS, Membership, Phone,
    Status, TagChange, short_text,
};

/// Says how one column is read, with the id its attribute is stored under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedColumn {
    /// Its name, field and rules.
    #[serde(flatten)]
    pub column: Column,
    /// The field of [`Column::attribute`]; none while every cell of the file is blank.
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
    /// Cells that were left out, or a part of them, because they did not convert.
    pub warnings: Vec<CellFault>,
}

/// Reads the rows of one file.
#[derive(Debug, Clone)]
pub struct RowReader {
    columns: Vec<PlannedColumn>,
    /// What every row starts from.
    template: Change,
    /// How a phone number is read.
    phone: fn(&str) -> Result<Phone, Invalid>,
}

impl RowReader {
    /// Prepares to read rows of these columns.
    pub fn new(columns: Vec<PlannedColumn>, options: &ImportOptions) -> Self {
        let template = Change {
            status: options.status,
            status_if_new: Some(options.status_if_new),
            consent: options.consent.clone(),
            tags: TagChange::Add(options.tags.clone()),
            lists: Membership { add: options.lists.clone(), ..Membership::default() },
            ..Change::default()
        };
        Self { columns, template, phone: Phone::parse }
    }

    /// Applies what the tenant's fields demand to every row.
    #[must_use]
    pub fn demanding(mut self, demands: Arc<Demands>) -> Self {
        self.template.demands = demands;
        self
    }

    /// Leaves out of every row what says nothing of whether it is good, and takes long to find.
    #[must_use]
    pub fn cursory(mut self) -> Self {
        self.phone = Phone::as_typed;
        self
    }

    /// Tells whether a row that creates may be refused for what one that updates need not say.
    pub fn requires_attributes(&self) -> bool {
        self.template.demands.requires()
    }

    /// Reads one row. A short row is padded with blank cells; blank cells past the header are
    /// tolerated, others are not: something has shifted, and guessing would mix up columns.
    ///
    /// # Errors
    /// Every fault of the row, in the order of its columns.
    pub fn read<'a>(&self, cells: impl Iterator<Item = &'a str>) -> Result<Row, Vec<CellFault>> {
        let mut reading = Reading::new(self);
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
        // Whatever the file says of the status otherwise: it says that this person wants no mail.
        reading.change.status = reading.opted_out.or(reading.change.status);
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
    phone: fn(&str) -> Result<Phone, Invalid>,
    email: Option<(Email, String)>,
    /// What columns of opt-outs say together.
    opted_out: Option<Status>,
    faults: Vec<CellFault>,
    warnings: Vec<CellFault>,
}

impl Reading {
    fn new(reader: &RowReader) -> Self {
        Self {
            change: reader.template.clone(),
            phone: reader.phone,
            email: None,
            opted_out: None,
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn cell(&mut self, index: usize, planned: &PlannedColumn, cell: &str) {
        let Some(target) = &planned.column.field else { return };
        if let Err(invalid) = self.read(index, target, planned, cell) {
            let fault = fault(index, target, invalid);
            // A value of the wrong type costs its cell, everything else costs the row.
            if matches!(target, Target::Attribute(_)) && fault.invalid.code == "wrong_type" {
                self.warnings.push(fault);
            } else {
                self.faults.push(fault);
            }
        }
    }

    fn read(
        &mut self,
        index: usize,
        target: &Target,
        planned: &PlannedColumn,
        cell: &str,
    ) -> Result<(), Invalid> {
        let overwrite = planned.column.overwrite;
        if *target == Target::Email {
            return self.email(index, planned, cell);
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
                let mut numbers = cell::values(cell);
                let value = numbers.next().map(self.phone).transpose()?;
                if numbers.next().is_some() {
                    self.warnings.push(fault(index, target, more_values()));
                }
                if blank || value.is_some() {
                    self.change.phone = Some(Edit { value, overwrite });
                }
            }
            // A status cannot be cleared; a blank cell leaves it.
            Target::Status | Target::Unsubscribed | Target::Subscribed | Target::Bounced if blank => {}
            Target::Status => {
                self.change.status = Some(status_of(cell).map_or_else(|| cell.trim().parse(), Ok)?);
            }
            Target::Unsubscribed | Target::Subscribed | Target::Bounced => self.opt_out(index, target, cell),
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

    fn email(&mut self, index: usize, planned: &PlannedColumn, cell: &str) -> Result<(), Invalid> {
        let read = cell::emails(cell)?;
        let (email, typed) = read.email;
        self.email = Some((email, typed.to_owned()));
        let mut warn = |invalid| self.warnings.push(fault(index, &Target::Email, invalid));
        read.faults.into_iter().for_each(&mut warn);
        let value = match planned.id {
            Some(id) if !read.others.is_empty() => {
                AttributeValue::parse_as(&read.others.join(", "), id.kind).map(Some)
            }
            Some(_) if planned.column.on_blank == OnBlank::Clear => Ok(None),
            None if !read.others.is_empty() => Err(more_values()),
            Some(_) | None => return Ok(()),
        };
        match (value, planned.id) {
            (Ok(value), Some(id)) => {
                let edit = Edit { value, overwrite: planned.column.overwrite };
                self.change.attributes.insert(id, edit);
            }
            (Ok(_), None) => {}
            (Err(invalid), _) => warn(invalid),
        }
        Ok(())
    }

    fn opt_out(&mut self, index: usize, target: &Target, cell: &str) {
        let read = match target {
            Target::Subscribed => OptOut::read_opt_in(cell),
            _ => OptOut::read(cell),
        };
        if read == OptOut::No {
            return;
        }
        if read == OptOut::Unclear {
            let detail = "this is neither yes, no nor a time; nobody is written to by mistake, so it counts \
                          as yes";
            self.warnings.push(fault(index, target, Invalid::new("unclear_opt_out", detail)));
        }
        // The person's own word outranks what became of a mail.
        if self.opted_out != Some(Status::Unsubscribed) {
            self.opted_out = target.opt_out();
        }
    }

    fn tags(&mut self, cell: &str) -> Result<(), Invalid> {
        let mut tags = match std::mem::take(&mut self.change.tags) {
            TagChange::Add(tags) | TagChange::Replace(tags) => tags,
        };
        tags.extend(cell::tags(cell)?);
        self.change.tags = TagChange::Add(tags);
        Ok(())
    }
}

fn fault(index: usize, target: &Target, invalid: Invalid) -> CellFault {
    CellFault { column: Some(index), field: target.to_string(), invalid }
}

fn more_values() -> Invalid {
    Invalid::new("more_values", "the cell holds several values; only the first one is kept")
}

/// Reads a status as exports of other tools spell it.
pub fn status_of(cell: &str) -> Option<Status> {
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
            column: Column { name, field: Some(field), on_blank, overwrite: Overwrite::Always, others: None },
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
    fn what_a_cell_holds_beside_its_first_value_is_kept_or_told() {
        let others = FieldId { kind: AttributeType::Text, number: 2 };
        let read = |id, on_blank, email: &str, phone: &str| {
            let columns = vec![column(Target::Email, id, on_blank), column(Target::Phone, None, on_blank)];
            let reader = RowReader::new(columns, &ImportOptions::default());
            reader.read([email, phone].into_iter()).unwrap()
        };
        let codes = |row: &Row| row.warnings.iter().map(|w| w.invalid.code).collect::<Vec<_>>();
        let two = "Jane <Jane@example.com> ::: b@example.com ::: x ::: c@example.com";
        let row = read(Some(others), OnBlank::Keep, two, "+1 415 555 0100 ::: 5");
        assert_eq!((row.email.as_str(), row.email_typed.as_str()), ("jane@example.com", "Jane@example.com"));
        let kept = AttributeValue::Text("b@example.com, c@example.com".to_owned());
        assert_eq!(row.change.attributes[&others], Edit::always(Some(kept)));
        assert_eq!(row.change.phone.as_ref().unwrap().value.as_ref().unwrap().typed, "+1 415 555 0100");
        assert_eq!(codes(&row), ["invalid_email", "more_values"]);
        let row = read(None, OnBlank::Keep, two, " ::: ");
        assert_eq!((codes(&row), row.change.phone), (vec!["invalid_email", "more_values"], None));
        let row = read(Some(others), OnBlank::Clear, "jane@example.com", "");
        assert_eq!(row.change.attributes[&others], Edit::always(None));
        let row = read(Some(others), OnBlank::Keep, "jane@example.com", "");
        assert!(row.change.attributes.is_empty());
        let number = FieldId { kind: AttributeType::Number, number: 3 };
        assert_eq!(codes(&read(Some(number), OnBlank::Keep, two, "")), ["invalid_email", "wrong_type"]);
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
