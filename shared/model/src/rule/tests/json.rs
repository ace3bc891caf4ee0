use proptest::prelude::*;
use serde_json::{Value, json};

use super::any::any_rule;
use crate::rule::{Place, Rule};

fn query(tree: Value) -> String {
    Rule::from_json(&tree).unwrap_or_else(|error| panic!("{tree}: {error}")).rule.to_string()
}

#[test]
fn a_tree_and_its_query_say_the_same() {
    let tree = json!({"all": [
        {"field": "attributes.industry", "op": "is", "value": "Technology"},
        {"any": [{"field": "score", "op": "gt", "value": 50}, {"segment": "VIP"}]},
        {"not": {"field": "last_opened_at", "op": "in_last", "value": "30d"}},
    ]});
    let expected = "industry:Technology AND (score:>50 OR segment:VIP) AND NOT last_opened_at:<30d";
    assert_eq!(query(tree.clone()), expected);
    assert_eq!(Rule::parse(expected).unwrap().rule.to_json(), tree);
    assert_eq!(query(json!({"all": [{"words": "jane"}]})), "jane");
    assert_eq!(query(json!({"field": "industry", "op": "exists", "value": null})), "has:industry");
}

#[test]
fn a_fault_of_a_tree_is_told_with_its_pointer() {
    for (tree, pointer, told) in [
        (json!({}), "", "expected one of `all`"),
        (json!([]), "", "expected an object"),
        (json!({"al": []}), "", "did you mean `all`?"),
        (json!({"all": []}), "/all", "expected a list of one rule or more"),
        (json!({"any": [{"all": []}]}), "/any/0/all", "expected a list of one rule or more"),
        (json!({"all": 5}), "/all", "expected a list"),
        (json!({"all": [], "any": []}), "", "exclude each other"),
        (json!({"all": [], "x/y": 1}), "/x~1y", "no member `x/y`"),
        (json!({"not": [{"words": "a"}]}), "/not", "expected an object"),
        (json!({"words": " "}), "/words", "nothing to look for"),
        (json!({"list": ""}), "/list", "expected the name or id of a list"),
        (json!({"field": "!", "op": "is", "value": 1}), "/field", "can name no field"),
        (json!({"field": "x"}), "", "expected an `op`"),
        (json!({"field": "x", "op": "iss", "value": 1}), "/op", "did you mean `is`?"),
        (json!({"field": "x", "op": "is"}), "/value", "`is` needs a `value`"),
        (json!({"field": "x", "op": "is", "valeu": 1}), "/valeu", "did you mean `value`?"),
        (json!({"field": "x", "op": "exists", "value": 1}), "/value", "takes no `value`"),
        (json!({"field": "x", "op": "is", "value": [1]}), "/value", "expected a text"),
        (json!({"field": "x", "op": "in", "value": []}), "/value", "expected a list of one value"),
        (json!({"field": "x", "op": "in", "value": [1, null]}), "/value/1", "expected a text"),
        (json!({"field": "x", "op": "between", "value": [1]}), "/value", "two values"),
        (json!({"field": "x", "op": "in_last", "value": 30}), "/value", "expected a span"),
        (json!({"field": "x", "op": "during", "value": "todya"}), "/value", "did you mean `today`?"),
        (
            json!({"field": "x", "op": "eq", "value": 9007199254740993_i64}),
            "/value",
            "cannot be kept exactly",
        ),
    ] {
        let error = Rule::from_json(&tree).expect_err(&tree.to_string());
        assert_eq!(error.place, Place::Pointer(pointer.to_owned()), "{tree}: {error}");
        assert!(error.detail.contains(told), "{tree}: {error}");
    }
}

#[test]
fn the_limits_are_kept() {
    let deep = |levels| (1..levels).fold(json!({"words": "a"}), |inner, _| json!({"not": inner}));
    assert!(Rule::from_json(&deep(10)).is_ok());
    assert_eq!(Rule::from_json(&deep(11)).unwrap_err().code, "rule_too_deep");
    let wide = |leaves| json!({"any": vec![json!({"words": "a"}); leaves]});
    assert!(Rule::from_json(&wide(200)).is_ok());
    assert_eq!(Rule::from_json(&wide(201)).unwrap_err().code, "too_many_conditions");
    let values = |count| json!({"field": "x", "op": "in", "value": vec![1; count]});
    assert!(Rule::from_json(&values(1_000)).is_ok());
    assert_eq!(Rule::from_json(&values(1_001)).unwrap_err().code, "too_many_values");
    let long = |bytes| json!({"words": "a".repeat(bytes)});
    assert!(Rule::from_json(&long(16_384)).is_ok());
    assert_eq!(Rule::from_json(&long(16_385)).unwrap_err().code, "rule_too_large");
}

proptest! {
    #[test]
    fn every_rule_is_shown_as_a_tree_that_reads_back(rule in any_rule()) {
        let tree = rule.to_json();
        let text = tree.to_string();
        let parsed = Rule::from_json(&serde_json::from_str(&text).unwrap());
        prop_assert_eq!(parsed.map(|parsed| (parsed.places.len(), parsed.rule)), Ok((rule.leaves(), rule)), "{}", text);
    }
}
