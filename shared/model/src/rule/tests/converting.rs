//! Fields some of whose values still lie under a former id.

use std::collections::BTreeSet;

use super::jane::{fields, jane};
use crate::rule::{Source, Subject};
use crate::scoring::Tiers;
use crate::{AttributeType, Contact, Field, FieldId, FieldSlug, Sweep};

fn read(contact: &Contact, field: &Field) -> String {
    let subject = Subject { contact, lists: &BTreeSet::new() };
    format!("{:?}", field.source().read(subject, Tiers::default()))
}

#[test]
fn a_condition_reads_what_values_are_to_become_until_all_of_them_are() {
    let as_a =
        |field: &Field, kind, number| field.clone().retyped(FieldId { kind, number }, Sweep::from_ordinal(9));
    let fields = fields();
    let [budget, industry] =
        ["budget", "industry"].map(|name| fields.get(&FieldSlug::from_name(name).unwrap()).unwrap());
    let text = as_a(budget, AttributeType::Text, 20);
    assert_eq!(read(&jane(), &text), "Some(Text(\"120000\"))");
    // Changed again before it was done.
    let again = as_a(&text, AttributeType::Number, 21);
    assert_eq!(read(&jane(), &again), "Some(Number(Number(120000.0)))");
    let mut moved = jane();
    let value = moved.profile.attributes[&budget.id].clone();
    moved.profile.attributes.insert(again.id, value);
    assert_eq!(read(&moved, &again), read(&jane(), &again));
    assert_eq!(read(&jane(), &as_a(industry, AttributeType::Date, 22)), "None");
    let done = Field { sweep: again.sweep.map(|sweep| Sweep { done: true, ..sweep }), ..again };
    assert_eq!(done.source(), Source::Attribute(done.id));
}
