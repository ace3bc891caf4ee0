//! What does not fit a field is refused where it stands.

use super::jane::{Known, fields, now};
use crate::rule::{NoLists, Rule, RuleError, bind};

fn refused(query: &str) -> Vec<RuleError> {
    bind(&Rule::parse(query).unwrap(), &fields(), &Known, &now()).expect_err(query)
}

#[test]
fn operators_and_values_have_to_fit_their_field() {
    for (query, code, told) in [
        (
            "tier:hot AND score:abc",
            "wrong_type",
            "column 20: expected a number such as `50` for `score`, found `abc`",
        ),
        ("score:>2026-01-01", "wrong_type", "column 7: expected a number"),
        ("budget:true", "wrong_type", "expected a number"),
        ("vip_status:yes", "wrong_type", "expected `true` or `false`"),
        ("renewal:50", "wrong_type", "expected a date such as `2026-11-23`"),
        ("renewal:2026-02-30", "wrong_type", "expected a date"),
        ("renewal:2026-01-01T00:00:00Z", "wrong_type", "expected a date"),
        ("created_at:soon", "wrong_type", "a date such as `2026-11-23` or an RFC 3339 time"),
        ("renewal:<3h", "wrong_type", "no hours"),
        ("created_at:anniversary_in_next(3h)", "wrong_type", "no hours"),
        ("industry:>5", "wrong_operator", "`industry` holds text and has no `gt`"),
        ("industry:today", "wrong_operator", "quotes"),
        ("industry:!=SaaS", "wrong_operator", "`is_not`"),
        ("score:<30d", "wrong_operator", "numbers"),
        ("score:4*", "wrong_operator", "`starts_with`"),
        ("vip_status:=true", "wrong_operator", "`eq`"),
        ("created_at:*2026*", "wrong_operator", "instants"),
        ("tags:is(a)", "wrong_operator", "`has_any`"),
        ("lists:VIP", "wrong_operator", "`has_any`"),
        ("industry:\" \"*", "invalid_value", "nothing to look for"),
        ("score:5..1", "empty_range", "swap its ends"),
        ("renewal:2026-02-01..2026-01-01", "empty_range", "swap its ends"),
        ("created_at:2026-02-01..2026-01-01T00:00:00Z", "empty_range", "swap its ends"),
        ("list:Nobody", "unknown_list", "column 6: there is no list `Nobody`"),
        ("lists:has_any(VIP, Nobody)", "unknown_list", "`Nobody`"),
        ("segment:Nobody", "unknown_segment", "`Nobody`"),
        ("segment:Snake", "segment_cycle", "is part of its own rule: Snake > Tail > Snake"),
        ("list:Warm", "unknown_list", "`Warm` is no static list but a segment"),
        ("segment:VIP", "unknown_segment", "`VIP` is no segment but a static list"),
        ("segment:x", "segments_too_deep", "more than 10 levels deep"),
        ("segment:Broken", "wrong_type", "column 9: in the rule of the segment `Broken`: expected a number"),
        ("segment:Wide segment:Wide segment:Wide", "too_many_conditions", "at most 2000 conditions"),
    ] {
        let errors = refused(query);
        let error = errors.first().expect("an error");
        assert_eq!(error.code, code, "{query}: {error}");
        assert!(error.to_string().contains(told), "{query}: {error}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let codes: Vec<_> =
        refused("score:abc OR industry:>5 OR list:x").iter().map(|error| error.code).collect();
    assert_eq!(codes, ["wrong_type", "wrong_operator", "unknown_list"]);
}

#[test]
fn a_tenant_without_lists_has_none() {
    let errors = bind(&Rule::parse("list:VIP segment:Warm").unwrap(), &fields(), &NoLists, &now());
    assert_eq!(errors.expect_err("no lists").len(), 2);
}
