//! From a contact to what the index knows of it.

use chrono::{DateTime, Datelike, Utc};
use model::rule::text::{normal_form, words};
use model::{AttributeValue, Contact, Status};

use super::{
    COMPANY, CREATED_AT, EMAIL_DOMAIN, EMAIL_START, FIRST_NAME, Flag, JOB_TITLE, LAST_NAME, LISTS, PHONE_END,
    SCORE, SCORE_CHANGES_AT, STATUS, TAGS, WORDS, attribute, email_start, engaged, engagements, list_term,
    odd_email, phone_end,
};
use crate::{Facts, Term};

/// Gives how many seconds a column of instants counts as one step. Contacts come to life in crowds, an
/// import's thousands a second, and one after the other, so that seconds take little more room there.
fn step_s(field: u16) -> i64 {
    if field == CREATED_AT { 1 } else { 60 }
}

/// Gives the step of a column that an instant is in, from 1970.
pub(crate) fn step(field: u16, at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(step_s(field))
}

/// Gives the instant at which a step begins.
pub(crate) fn step_start(field: u16, step: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(step as i64 * step_s(field), 0)
}

impl Facts {
    /// Gives what the index knows of a contact.
    pub fn of(contact: &Contact) -> Self {
        let profile = &contact.profile;
        let mut facts = Self::default();
        facts.email(profile.email.as_str());
        for (field, flag, text, is_searched) in [
            (FIRST_NAME, Flag::FIRST_NAME, &profile.first_name, true),
            (LAST_NAME, Flag::LAST_NAME, &profile.last_name, true),
            (COMPANY, Flag::COMPANY, &profile.company, true),
            (JOB_TITLE, Flag::JOB_TITLE, &profile.job_title, false),
        ] {
            let Some(text) = text else { continue };
            facts.text(field, flag, text);
            if is_searched {
                facts.words(text);
            }
        }
        if let Some(phone) = &profile.phone {
            let form = normal_form(phone.e164.as_deref().unwrap_or(&phone.typed));
            facts.term(PHONE_END, Term::value(phone_end(&form).0));
            facts.flag(Flag::PHONE);
        }
        if profile.status != Status::Active {
            facts.term(STATUS, Term::value(profile.status.as_str()));
        }
        for tag in &profile.tags {
            facts.term(TAGS, Term::value(&normal_form(tag.as_str())));
            facts.flag(Flag::TAGS);
        }
        for list in &profile.lists {
            facts.term(LISTS, list_term(*list));
        }
        for (kind, at) in &profile.engagement {
            facts.instant(engaged(*kind), *at);
        }
        for (kind, count) in &contact.fold.counts {
            facts.columns.insert(engagements(*kind), f64::from(*count));
        }
        facts.instant(CREATED_AT, contact.created_at);
        if contact.score != 0 {
            facts.columns.insert(SCORE, contact.score as f64);
        }
        if let Some(at) = contact.fold.changes_at {
            facts.instant(SCORE_CHANGES_AT, at);
        }
        for (id, value) in &profile.attributes {
            let Some(field) = attribute(*id) else { continue };
            match value {
                AttributeValue::Text(text) => facts.term(field, Term::value(&normal_form(text))),
                AttributeValue::Boolean(true) => facts.term(field, Term::boolean(true)),
                AttributeValue::Boolean(false) => {}
                AttributeValue::Number(number) => {
                    facts.columns.insert(field, number.as_f64());
                }
                AttributeValue::Date(day) => {
                    facts.columns.insert(field, f64::from(day.num_days_from_ce()));
                }
            }
            Flag::of_attribute(*id).into_iter().for_each(|flag| facts.flag(flag));
        }
        facts
    }

    fn email(&mut self, email: &str) {
        // The model refuses quoted names, the only ones with another `@`.
        let domain = email.split_once('@').map_or("", |(_, domain)| domain);
        self.term(EMAIL_START, email_start(email).0);
        self.term(EMAIL_DOMAIN, Term::value(domain));
        if normal_form(email) != email {
            self.term(EMAIL_START, odd_email());
        }
    }

    fn text(&mut self, field: u16, flag: Flag, text: &str) {
        self.term(field, Term::value(&normal_form(text)));
        self.flag(flag);
    }

    /// Adds the words that do not start the whole value: of those that do, its own term tells.
    fn words(&mut self, text: &str) {
        let form = normal_form(text);
        for (number, word) in words(text).into_iter().enumerate() {
            if number > 0 || !form.starts_with(&word) {
                self.term(WORDS, Term::value(&word));
            }
        }
    }

    fn instant(&mut self, field: u16, at: DateTime<Utc>) {
        self.columns.insert(field, step(field, at) as f64);
    }

    fn term(&mut self, field: u16, term: Term) {
        self.terms.insert((field, term));
    }

    fn flag(&mut self, flag: Flag) {
        let flags = self.columns.entry(flag.column()).or_default();
        *flags = (*flags as u64 | flag.value()) as f64;
    }
}
