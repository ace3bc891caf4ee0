use super::error::Fault;
use super::{Condition, Rule};

/// Most levels of a rule; a single condition has one.
pub const MAX_DEPTH: usize = 10;
/// Most conditions of a rule.
pub const MAX_LEAVES: usize = 200;
/// Most values of one condition.
pub const MAX_VALUES: usize = 1_000;
/// Longest query string, as given and in its canonical form. A tree counts by the latter.
pub const MAX_BYTES: usize = 16 * 1024;

/// Refuses a rule that is larger than all parts of the product are made for.
pub(crate) fn check(rule: &Rule) -> Result<(), Fault> {
    if rule.depth() > MAX_DEPTH {
        return Err(too_deep());
    }
    let leaves = rule.leaves();
    if leaves > MAX_LEAVES {
        let detail = format!("a rule has at most {MAX_LEAVES} conditions, found {leaves}; make a list of it");
        return Err(Fault::new("too_many_conditions", detail));
    }
    let mut most_values = 0;
    rule.each_leaf(&mut |leaf| {
        if let Rule::Field { condition: Condition::Many(_, values), .. } = leaf {
            most_values = most_values.max(values.len());
        }
    });
    if most_values > MAX_VALUES {
        let detail = format!(
            "a condition has at most {MAX_VALUES} values, found {most_values}; put the contacts on a list"
        );
        return Err(Fault::new("too_many_values", detail));
    }
    check_size(rule.to_string().len())
}

/// Refuses a query string that is too long.
pub(crate) fn check_size(bytes: usize) -> Result<(), Fault> {
    if bytes > MAX_BYTES {
        let detail = format!("a rule takes at most {MAX_BYTES} bytes as a query string, found {bytes}");
        return Err(Fault::new("rule_too_large", detail));
    }
    Ok(())
}

pub(crate) fn too_deep() -> Fault {
    let detail = format!("a rule nests at most {MAX_DEPTH} levels deep; put a part of it into a segment");
    Fault::new("rule_too_deep", detail)
}
