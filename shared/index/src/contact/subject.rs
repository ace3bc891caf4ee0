//! What a part of the index is about, in words.

use model::Engagement;

use super::{
    ATTRIBUTES, COMPANY, CREATED_AT, EMAIL_DOMAIN, EMAIL_START, FIRST_NAME, Flag, JOB_TITLE, LAST_NAME,
    LISTS, PHONE_END, PRESENCE, SCORE, SCORE_CHANGES_AT, STATUS, TAGS, WORDS, engaged, engagements,
};
use crate::Cell;

/// Is what a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Who is a contact at all.
    Contacts,
    /// A standard field, or a part of one.
    Standard(&'static str),
    /// The custom field of this number.
    Attribute(u32),
    /// Which texts and booleans there are.
    Presence,
    /// A field that this version does not have.
    Unknown,
}

impl Cell {
    /// Tells what it is about.
    pub fn subject(&self) -> Subject {
        let field = match self {
            Self::Live => return Subject::Contacts,
            Self::Term(field, _) | Self::Column(field) => *field,
        };
        match field {
            EMAIL_START => Subject::Standard("email_start"),
            EMAIL_DOMAIN => Subject::Standard("email_domain"),
            FIRST_NAME => Subject::Standard("first_name"),
            LAST_NAME => Subject::Standard("last_name"),
            COMPANY => Subject::Standard("company"),
            JOB_TITLE => Subject::Standard("job_title"),
            PHONE_END => Subject::Standard("phone_end"),
            STATUS => Subject::Standard("status"),
            TAGS => Subject::Standard("tags"),
            LISTS => Subject::Standard("lists"),
            WORDS => Subject::Standard("words"),
            SCORE => Subject::Standard("score"),
            CREATED_AT => Subject::Standard("created_at"),
            SCORE_CHANGES_AT => Subject::Standard("score_changes_at"),
            field if field >= ATTRIBUTES => Subject::Attribute((field - ATTRIBUTES).into()),
            field if (PRESENCE..=Flag::LAST.column()).contains(&field) => Subject::Presence,
            field => Engagement::ALL
                .into_iter()
                .flat_map(|kind| {
                    [(engaged(kind), kind.field_name()), (engagements(kind), kind.counter_name())]
                })
                .find(|(of, _)| *of == field)
                .map_or(Subject::Unknown, |(_, name)| Subject::Standard(name)),
        }
    }

    /// Gives the value that a set is of; none of a column, and of who is a contact.
    pub fn value_text(&self) -> Option<String> {
        match self {
            Self::Term(_, term) => Some(term.text()),
            Self::Live | Self::Column(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IndexedFields, Term};

    #[test]
    fn every_field_of_contacts_has_a_name() {
        let fields = IndexedFields::of_contacts();
        let terms = fields.terms.iter().map(|field| Cell::Term(*field, Term::value("Zoë")));
        let columns = fields.columns.iter().map(|field| Cell::Column(*field));
        for cell in terms.chain(columns) {
            assert_ne!(cell.subject(), Subject::Unknown, "{cell:?}");
        }
        assert_eq!(
            Cell::Column(engaged(Engagement::Clicked)).subject(),
            Subject::Standard("last_clicked_at")
        );
        assert_eq!(Cell::Column(ATTRIBUTES + 7).subject(), Subject::Attribute(7));
    }

    #[test]
    fn a_term_is_told_as_its_text() {
        let text = |term| Cell::Term(1, term).value_text().unwrap();
        assert_eq!(text(Term::value("acme")), "acme");
        assert_eq!(text(Term::boolean(true)), "true");
        assert_eq!(text(Term::value(&"x".repeat(200))), format!("{}…", "x".repeat(80)));
    }
}
