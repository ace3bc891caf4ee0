//! Which column is which field, decided once for a file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::header::{field_named, opt_out_named};
use super::{ColumnChoice, ImportOptions, OnBlank, Target, UnmappedColumns, cell, row};
use crate::{AttributeType, AttributeValue, FieldSlug, Overwrite};

/// Names the attribute of addresses that are not the contact's own.
const OTHER_EMAILS: &str = "Other emails";

/// Gathers, over all rows of a file, what decides how a column is read.
#[derive(Debug, Clone, Default)]
pub struct ColumnFacts {
    kind: Option<AttributeType>,
    not_a_status: bool,
    has_several: bool,
}

impl ColumnFacts {
    /// Takes one cell into account; blank ones say nothing.
    pub fn observe(&mut self, cell: &str) {
        if cell.trim().is_empty() {
            return;
        }
        self.not_a_status = self.not_a_status || row::status_of(cell).is_none();
        self.has_several = self.has_several || cell::has_several(cell);
        // Text is the type of last resort: once found, no other cell can change it.
        if self.kind != Some(AttributeType::Text) {
            let kind = AttributeValue::infer(cell).kind();
            self.kind = Some(self.kind.map_or(kind, |k| if k == kind { k } else { AttributeType::Text }));
        }
    }

    /// Gives the one type that all cells print back from; none when all were blank.
    pub fn kind(&self) -> Option<AttributeType> {
        self.kind
    }
}

/// Says how one column of a file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// What it is read into; none leaves it out.
    pub field: Option<Target>,
    /// What a blank cell means.
    pub on_blank: OnBlank,
    /// Whether its values yield to what is there.
    pub overwrite: Overwrite,
    /// For an email column with cells of several addresses, the attribute that keeps the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others: Option<FieldSlug>,
}

impl Column {
    /// Gives the attribute that the column fills, itself or with what is left over, and what
    /// people call it.
    pub fn attribute(&self) -> Option<(&FieldSlug, &str)> {
        match &self.field {
            Some(Target::Attribute(slug)) => Some((slug, &self.name)),
            _ => self.others.as_ref().map(|slug| (slug, OTHER_EMAILS)),
        }
    }
}

/// Says why a file cannot be imported at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct FileRefusal {
    /// Names the kind of fault; stable.
    pub code: String,
    /// Tells a person what to change.
    pub detail: String,
}

impl FileRefusal {
    /// Builds a refusal.
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}

/// Finds the columns that are the status of the contact if all their cells are one.
pub fn status_columns(header: &[String]) -> impl Iterator<Item = usize> {
    let is_status = |name| field_named(name).is_some_and(|(target, _)| target == Target::Status);
    header.iter().enumerate().filter(move |(_, name)| is_status(name)).map(|(index, _)| index)
}

/// Decides for each column of a file which field it is: as asked, else by its name, else a custom
/// attribute. `facts` has one entry a column.
///
/// # Errors
/// `no_email_column`, `unknown_column` (a mapping names one that is not there), `invalid_mapping`,
/// `duplicate_target` (two columns asked into one field).
pub fn plan_columns(
    header: &[String],
    options: &ImportOptions,
    facts: &[ColumnFacts],
) -> Result<Vec<Column>, FileRefusal> {
    let asked = asked_columns(header, options)?;
    let mut taken: BTreeSet<Target> = asked.values().filter_map(|(target, _)| target.clone()).collect();
    let named = named_columns(header, &asked, facts, &taken);
    taken.extend(named.values().cloned());
    if !taken.contains(&Target::Email) {
        return Err(FileRefusal::new(
            "no_email_column",
            "no column is the email address; name one `email` or map it with `mapping`",
        ));
    }
    let columns = header.iter().enumerate().map(|(index, name)| {
        let (field, choice) = match asked.get(&index) {
            Some((target, choice)) => (target.clone(), Some(*choice)),
            None => {
                let field = named.get(&index).cloned().or_else(|| {
                    let free = options.unmapped_columns == UnmappedColumns::Attribute;
                    free.then(|| Target::Attribute(attribute(name, index, &mut taken)))
                });
                (field, None)
            }
        };
        Column {
            name: name.clone(),
            field,
            on_blank: choice.and_then(|c| c.on_blank).unwrap_or(options.on_blank),
            overwrite: choice.and_then(|c| c.overwrite).unwrap_or(options.overwrite),
            others: None,
        }
    });
    let mut columns: Vec<Column> = columns.collect();
    for (index, (column, facts)) in columns.iter_mut().zip(facts).enumerate() {
        let keeps_others = column.field == Some(Target::Email) && facts.has_several;
        if keeps_others && options.unmapped_columns == UnmappedColumns::Attribute {
            column.others = Some(attribute(OTHER_EMAILS, index, &mut taken));
        }
    }
    Ok(columns)
}

type Asked<'a> = BTreeMap<usize, (Option<Target>, &'a ColumnChoice)>;

fn asked_columns<'a>(header: &[String], options: &'a ImportOptions) -> Result<Asked<'a>, FileRefusal> {
    let mut asked = Asked::new();
    let mut taken = BTreeSet::new();
    for (name, choice) in &options.mapping {
        let index = header.iter().position(|column| column == name).ok_or_else(|| {
            FileRefusal::new(
                "unknown_column",
                format!("the mapping names the column `{name}`, which the file does not have"),
            )
        })?;
        let target = choice.field.as_deref().map(Target::parse).transpose().map_err(|invalid| {
            FileRefusal::new("invalid_mapping", format!("column `{name}`: {}", invalid.detail))
        })?;
        if let Some(target) = &target
            && !taken.insert(target.clone())
            && target.opt_out().is_none()
        {
            return Err(FileRefusal::new(
                "duplicate_target",
                format!("two columns are mapped to `{target}`; leave one out with null"),
            ));
        }
        asked.insert(index, (target, choice));
    }
    Ok(asked)
}

/// Gives each field the column with its likeliest name; the first of equals. Opt-outs are told by
/// every column that has them.
fn named_columns(
    header: &[String],
    asked: &Asked<'_>,
    facts: &[ColumnFacts],
    taken: &BTreeSet<Target>,
) -> BTreeMap<usize, Target> {
    let mut best: BTreeMap<Target, (usize, usize)> = BTreeMap::new();
    for (index, name) in header.iter().enumerate().filter(|(index, _)| !asked.contains_key(index)) {
        let Some((target, rank)) = field_named(name).filter(|(target, _)| !taken.contains(target)) else {
            continue;
        };
        // A CRM's `Status` is often its own; it is ours only if every cell is one of ours.
        if target == Target::Status && facts.get(index).is_none_or(|f| f.not_a_status) {
            continue;
        }
        let place = best.entry(target).or_insert((rank, index));
        *place = (rank, index).min(*place);
    }
    let exact = header.iter().enumerate().filter_map(|(index, name)| {
        let target = Target::STANDARD
            .into_iter()
            .find(|t| matches!(t, Target::Engagement(_)) && t.to_string() == *name)?;
        (!asked.contains_key(&index) && !taken.contains(&target)).then_some((index, target))
    });
    let opt_outs = header.iter().enumerate().filter_map(|(index, name)| {
        let target = opt_out_named(name).filter(|_| !asked.contains_key(&index))?;
        Some((index, target))
    });
    let best = best.into_iter().map(|(target, (_, index))| (index, target));
    best.chain(exact).chain(opt_outs).collect()
}

/// Names the attribute of an unmapped column; never like a field or another column.
fn attribute(name: &str, index: usize, taken: &mut BTreeSet<Target>) -> FieldSlug {
    let slug = FieldSlug::from_name(name)
        .or_else(|| FieldSlug::from_name(&format!("column {}", index + 1)))
        .expect("`column n` has letters");
    let slug = slug.or_next(|slug| {
        taken.contains(&Target::Attribute(slug.clone()))
            || !matches!(Target::parse(slug.as_str()), Ok(Target::Attribute(_)))
    });
    taken.insert(Target::Attribute(slug.clone()));
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(header: &[&str], options: &ImportOptions) -> Result<Vec<Option<String>>, String> {
        let header: Vec<String> = header.iter().map(|&h| h.to_owned()).collect();
        let facts = vec![ColumnFacts::default(); header.len()];
        plan_columns(&header, options, &facts)
            .map(|columns| columns.into_iter().map(|c| c.field.map(|f| f.to_string())).collect())
            .map_err(|refusal| refusal.code)
    }

    fn some(names: &[&str]) -> Vec<Option<String>> {
        names.iter().map(|&n| Some(n.to_owned())).collect()
    }

    #[test]
    fn common_names_map_by_themselves_and_the_rest_become_attributes() {
        let header = ["Index", "First Name", "E-Mail", "Email 2", "Phone 1", "Phone 2", "company_name"];
        let expected = [
            "attributes.index",
            "first_name",
            "email",
            "attributes.email_2",
            "phone",
            "attributes.phone_2",
            "company",
        ];
        assert_eq!(fields(&header, &ImportOptions::default()), Ok(some(&expected)));
    }

    #[test]
    fn the_likelier_name_wins_wherever_it_stands() {
        let header = ["Mobile", "Phone", "Email 1", "Email"];
        let expected = ["attributes.mobile", "phone", "attributes.email_1", "email"];
        assert_eq!(fields(&header, &ImportOptions::default()), Ok(some(&expected)));
    }

    #[test]
    fn an_attribute_never_takes_the_name_of_a_field_or_of_another_column() {
        let header = ["email", "Score", "City", "city ", "", "Email"];
        let expected = [
            "email",
            "attributes.score_2",
            "attributes.city",
            "attributes.city_2",
            "attributes.column_5",
            "attributes.email_2",
        ];
        assert_eq!(fields(&header, &ImportOptions::default()), Ok(some(&expected)));
    }

    #[test]
    fn every_column_of_opt_outs_counts_and_a_mapping_still_decides() {
        let header = ["Email", "UNSUB_TIME", "Email Opt Out", "CLEAN_TIME", "UNSUB_REASON"];
        let expected = ["email", "unsubscribed", "unsubscribed", "bounced", "attributes.unsub_reason"];
        assert_eq!(fields(&header, &ImportOptions::default()), Ok(some(&expected)));
        let choice = |field: &str| ColumnChoice { field: Some(field.to_owned()), ..Default::default() };
        let mapping = [
            ("UNSUB_TIME", choice("attributes.unsubscribed")),
            ("CLEAN_TIME", ColumnChoice::default()),
            ("UNSUB_REASON", choice("unsubscribed")),
        ];
        let mapping = mapping.map(|(column, choice)| (column.to_owned(), choice)).into();
        let mapped = fields(&header, &ImportOptions { mapping, ..Default::default() }).unwrap();
        let asked = mapped[1..].iter().map(Option::as_deref).collect::<Vec<_>>();
        assert_eq!(
            asked,
            [Some("attributes.unsubscribed"), Some("unsubscribed"), None, Some("unsubscribed")]
        );
    }

    #[test]
    fn a_status_column_is_ours_only_if_every_cell_is() {
        let header = ["email".to_owned(), "Status".to_owned()];
        let mut facts = vec![ColumnFacts::default(); 2];
        facts[1].observe("Unsubscribed");
        let planned = plan_columns(&header, &ImportOptions::default(), &facts).unwrap();
        assert_eq!(planned[1].field, Some(Target::Status));
        facts[1].observe("Qualified");
        let planned = plan_columns(&header, &ImportOptions::default(), &facts).unwrap();
        assert_eq!(
            planned[1].field.as_ref().map(ToString::to_string).as_deref(),
            Some("attributes.status_2")
        );
    }

    #[test]
    fn a_mapping_decides_and_is_checked() {
        let choice =
            |field: Option<&str>| ColumnChoice { field: field.map(str::to_owned), ..Default::default() };
        let options = |entries: &[(&str, Option<&str>)]| ImportOptions {
            mapping: entries.iter().map(|(c, f)| ((*c).to_owned(), choice(*f))).collect(),
            ..Default::default()
        };
        let header = ["Contact", "Email", "Notes"];
        assert_eq!(
            fields(&header, &options(&[("Contact", Some("email")), ("Notes", None)])),
            Ok(vec![Some("email".into()), Some("attributes.email_2".into()), None])
        );
        assert_eq!(fields(&header, &options(&[("Nope", None)])), Err("unknown_column".into()));
        assert_eq!(fields(&header, &options(&[("Notes", Some("score"))])), Err("invalid_mapping".into()));
        assert_eq!(
            fields(&header, &options(&[("Contact", Some("email")), ("Notes", Some("email"))])),
            Err("duplicate_target".into())
        );
        assert_eq!(fields(&["Name"], &ImportOptions::default()), Err("no_email_column".into()));
    }

    #[test]
    fn an_email_column_with_several_addresses_in_a_cell_keeps_the_others() {
        let header = ["Other Emails".to_owned(), "Email".to_owned()];
        let mut facts = vec![ColumnFacts::default(); 2];
        facts[0].observe("x ::: y");
        let others = |facts: &[ColumnFacts], options: &ImportOptions| {
            plan_columns(&header, options, facts).unwrap().pop().unwrap().others
        };
        assert_eq!(others(&facts, &ImportOptions::default()), None);
        facts[1].observe("a@example.com ::: b@example.com");
        let slug = others(&facts, &ImportOptions::default()).unwrap();
        assert_eq!(slug.as_str(), "other_emails_2");
        let ignore = ImportOptions { unmapped_columns: UnmappedColumns::Ignore, ..Default::default() };
        assert_eq!(others(&facts, &ignore), None);
    }

    #[test]
    fn a_column_has_a_type_only_if_all_its_cells_agree() {
        let kind = |cells: &[&str]| {
            let mut facts = ColumnFacts::default();
            cells.iter().for_each(|cell| facts.observe(cell));
            facts.kind()
        };
        assert_eq!(kind(&["8014", "", "70116"]), Some(AttributeType::Number));
        assert_eq!(kind(&["8014", "07001"]), Some(AttributeType::Text));
        assert_eq!(kind(&["2020-01-01", "8"]), Some(AttributeType::Text));
        assert_eq!(kind(&["", " "]), None);
    }
}
