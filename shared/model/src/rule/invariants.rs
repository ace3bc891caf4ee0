//! What holds of every text that may be a rule: for the fuzz target and its corpus.

use std::collections::BTreeSet;

use chrono::DateTime;
use uuid::Uuid;

use super::{Moment, NoLists, Parsed, Place, Rule, Subject, Zone, bind};
use crate::{
    AttributeType, AttributeValue, Contact, ContactId, Email, Engagement, Field, FieldId, FieldSlug, Fields,
    Ordinal, Profile, Status,
};

/// Reads a text as a query string and as a JSON tree, prints it, binds it and evaluates it.
///
/// # Panics
/// If a canonical form reads back as something else, if a place is outside of the text, or if
/// evaluation and explanation disagree.
pub fn check(text: &str) {
    match Rule::parse(text) {
        Ok(parsed) => check_rule(&parsed),
        Err(error) => {
            let Place::Column(column) = error.place else { panic!("{error} has no column") };
            assert!((1..=text.chars().count() + 1).contains(&column), "{error} is outside of the text");
        }
    }
    if let Ok(tree) = serde_json::from_str(text) {
        match Rule::from_json(&tree) {
            Ok(parsed) => check_rule(&parsed),
            // What is not there yet is pointed at where it belongs.
            Err(error) => assert!(matches!(error.place, Place::Pointer(_)), "{error} has no pointer"),
        }
    }
}

fn check_rule(parsed: &Parsed) {
    let rule = &parsed.rule;
    assert_eq!(parsed.places.len(), rule.leaves());
    let query = rule.to_string();
    let again = Rule::parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(&again.rule, rule, "{query}");
    let tree = rule.to_json();
    let again = Rule::from_json(&tree).unwrap_or_else(|error| panic!("{tree}: {error}"));
    assert_eq!(&again.rule, rule, "{tree}");

    let now = DateTime::from_timestamp(1_795_435_200, 0).expect("an instant");
    let moment = Moment::new(now, Zone::parse("Europe/Berlin").expect("a zone"));
    if let Ok((bound, _)) = bind(parsed, &fields(), &NoLists, &moment) {
        let contact = contact(now);
        let subject = Subject { contact: &contact, lists: &BTreeSet::new() };
        let explanation = bound.explain(rule, subject);
        assert_eq!(explanation.holds, bound.matches(subject), "{query}");
        assert!(explanation.changes_at.is_none_or(|at| at > now), "{query}");
    }
}

/// One field of each type, with names so short that a fuzzer finds them.
fn fields() -> Fields {
    [AttributeType::Text, AttributeType::Number, AttributeType::Date, AttributeType::Boolean]
        .into_iter()
        .zip(["t", "n", "d", "b"])
        .filter_map(|(kind, name)| {
            let slug = FieldSlug::from_name(name)?;
            Some(Field::new(FieldId { kind, number: 1 }, slug, name))
        })
        .collect()
}

pub(crate) fn contact(now: DateTime<chrono::Utc>) -> Contact {
    let email = Email::parse("jane@example.com").expect("an address");
    let mut profile = Profile::new(email, "Jane@example.com", Status::Active);
    profile.first_name = Some("Jane".to_owned());
    profile.engagement.insert(Engagement::Opened, now);
    let values = [AttributeValue::Text("ab".to_owned()), AttributeValue::Date(now.date_naive())];
    for value in values {
        profile.attributes.insert(FieldId { kind: value.kind(), number: 1 }, value);
    }
    Contact {
        id: ContactId::from_uuid(Uuid::nil()),
        ordinal: Ordinal(1),
        profile,
        score: 50,
        fold: crate::scoring::Fold::default(),
        created_at: now,
        updated_at: now,
        version: 1,
        origin: None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_invariants_hold_of_every_text_of_the_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/rule");
        let files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() > 20);
        for file in files {
            super::check(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
        }
    }

    proptest::proptest! {
        #[test]
        fn the_invariants_hold_of_any_text(text in "([tndb]|score|tag|created_at):?[<>=!]{0,2}[-a-b0-9.*()\", ]{0,12}|\\PC{0,20}") {
            super::check(&text);
        }
    }
}
