//! From a query string to a tree; the grammar stands in [`super`].

use winnow::error::ErrMode;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};

use super::super::error::Fault;
use super::super::limits::{self, MAX_DEPTH};
use super::super::{LeafPlace, Parsed, Place, Rule, RuleError};
use super::condition::{CONDITION, condition};
use super::lex::{Input, Read, State, end_of_condition, expected, keyword, must, next, refuse, sign, space};

/// Reads a query string.
pub(in super::super) fn parse(query: &str) -> Result<Parsed, RuleError> {
    limits::check_size(query.len()).map_err(|fault| fault.at(Place::Column(1)))?;
    if query.trim().is_empty() {
        let detail = "the query is empty; say what to look for, or `has:email` for every contact";
        return Err(Fault::new("empty_rule", detail).at(Place::Column(1)));
    }
    let mut input: Input<'_> = Stateful { input: LocatingSlice::new(query), state: State::default() };
    match whole(&mut input) {
        Ok(rule) => {
            let mut columns = Columns::of(query);
            let places = input.state.leaves.iter().map(|(field, value)| LeafPlace {
                field: columns.place(*field),
                value: columns.place(*value),
            });
            Parsed { rule, places: places.collect() }.within_limits(Place::Column(1))
        }
        Err(ErrMode::Backtrack(failure) | ErrMode::Cut(failure)) => {
            let fault =
                failure.fault.unwrap_or_else(|| Fault::new("invalid_query", format!("expected {CONDITION}")));
            Err(fault.at(Columns::of(query).place(failure.at)))
        }
        // Only a stream that is not there as a whole is ever incomplete.
        Err(ErrMode::Incomplete(_)) => {
            Err(Fault::new("invalid_query", "the query breaks off").at(Place::Column(query.chars().count())))
        }
    }
}

/// Counts columns up to places that mostly increase.
struct Columns<'q> {
    query: &'q str,
    counted: (usize, usize),
}

impl<'q> Columns<'q> {
    fn of(query: &'q str) -> Self {
        Self { query, counted: (0, 1) }
    }

    fn place(&mut self, byte: usize) -> Place {
        let (from, column) = if self.counted.0 <= byte { self.counted } else { (0, 1) };
        let between = self.query.get(from..byte).unwrap_or_default();
        self.counted = (byte, column + between.chars().count());
        Place::Column(self.counted.1)
    }
}

fn whole(input: &mut Input<'_>) -> Read<Rule> {
    let rule = any_of(input)?;
    space(input)?;
    match next(input) {
        None => Ok(rule),
        Some(')') => expected(input, "the end or another condition (no bracket is open)"),
        Some(_) => expected(input, CONDITION),
    }
}

fn any_of(input: &mut Input<'_>) -> Read<Rule> {
    let mut rules = vec![all_of(input)?];
    loop {
        space(input)?;
        if !keyword(input, "OR")? {
            return Ok(Rule::any(rules));
        }
        rules.push(all_of(input)?);
    }
}

fn all_of(input: &mut Input<'_>) -> Read<Rule> {
    let mut rules = vec![negation(input)?];
    loop {
        space(input)?;
        let is_over = matches!(next(input), None | Some(')')) || is_next(input, "OR")?;
        if !keyword(input, "AND")? && is_over {
            return Ok(Rule::all(rules));
        }
        rules.push(negation(input)?);
    }
}

fn is_next(input: &mut Input<'_>, wanted: &'static str) -> Read<bool> {
    let start = input.checkpoint();
    let found = keyword(input, wanted)?;
    input.reset(&start);
    Ok(found)
}

fn negation(input: &mut Input<'_>) -> Read<Rule> {
    space(input)?;
    if sign(input, "-")? || keyword(input, "NOT")? {
        return nested(input, |input| Ok(Rule::Not(Box::new(negation(input)?))));
    }
    if sign(input, "(")? {
        return nested(input, |input| {
            let rule = any_of(input)?;
            must(input, ")")?;
            Ok(rule)
        });
    }
    if is_next(input, "AND")? || is_next(input, "OR")? {
        return expected(input, CONDITION);
    }
    let rule = condition(input)?;
    end_of_condition(input)?;
    Ok(rule)
}

/// Keeps hostile nesting from the stack.
fn nested(input: &mut Input<'_>, read: impl FnOnce(&mut Input<'_>) -> Read<Rule>) -> Read<Rule> {
    input.state.nesting += 1;
    if input.state.nesting > MAX_DEPTH {
        return refuse(input.current_token_start(), limits::too_deep());
    }
    let rule = read(input)?;
    input.state.nesting -= 1;
    Ok(rule)
}
