//! What the rule of a segment has to be before it is kept: rules that are only asked once may name
//! a field that nobody has yet, and those that others name must not come back to themselves.

use api::rule::{RuleStore, WarningView, bound_to};
use api::{ApiError, App, Caller, FieldError};
use model::rule::{ListRef, Parsed, Rule};
use model::{Invalid, List, ListBook, ListId};

/// Asks for the segment or static list itself.
pub(crate) fn rule_of(list: &List) -> Option<Rule> {
    let name = ListRef::new(list.id.to_string())?;
    Some(if list.rule.is_some() { Rule::Segment(name) } else { Rule::List(name) })
}

/// Puts a rule that was not read from a request into the form of one that was.
pub(crate) fn unplaced(rule: Rule) -> Parsed {
    Parsed { rule, places: Vec::new() }
}

/// Checks the rule of a segment among the lists as they will be, with the segments that depend on
/// it.
pub(crate) async fn check<S: RuleStore>(
    app: &App<S>,
    caller: &Caller,
    after: &ListBook,
    list: &List,
    parsed: &Parsed,
) -> Result<(), ApiError> {
    let (_, warnings) = bound_to(app.now(), &app.store, caller, parsed, after).await?;
    let unknown = warnings.into_iter().filter(|warning| warning.code == "unknown_field");
    let errors: Vec<FieldError> = unknown.map(|warning| WarningView::from(warning).into_error()).collect();
    if !errors.is_empty() {
        return Err(ApiError::invalid(errors));
    }
    for other in dependents(after, list.id) {
        let Some(rule) = rule_of(other) else { continue };
        if let Err(error) = bound_to(app.now(), &app.store, caller, &unplaced(rule), after).await {
            let cause = error.to_problem().errors.into_iter().next();
            let Some(cause) = cause else { return Err(error) };
            let FieldError { code, detail, .. } = cause;
            let detail = format!("the segment `{}` depends on this one, and then: {detail}", other.name);
            let fault = FieldError::new("", Invalid::new("segment_in_use", detail));
            return Err(ApiError::invalid(vec![FieldError { code, ..fault }]));
        }
    }
    Ok(())
}

/// Gives the segments whose rules lead to a list, also over others.
fn dependents(book: &ListBook, id: ListId) -> Vec<&List> {
    let mut found: Vec<&List> = Vec::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for list in book.naming(id) {
            if !found.iter().any(|known| known.id == list.id) {
                open.push(list.id);
                found.push(list);
            }
        }
    }
    found
}
