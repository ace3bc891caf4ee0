//! Questions about texts, of which the index has whole normal forms.

use model::rule::TextTest;

use crate::{Predicate, Question, Term};

/// Of a longer start the last part may lie where the term of a long value has its hash.
const MAX_START_BYTES: usize = 76;

/// Asks for whoever has a value that passes.
pub(super) fn text(field: u16, test: &TextTest) -> Question {
    match test {
        TextTest::OneOf(forms) => any_of(forms.iter().map(|form| value(field, form))),
        TextTest::StartsWith(start) => {
            let cut = start.floor_char_boundary(MAX_START_BYTES);
            let (known, rest) = start.split_at(cut);
            let question = Question::StartsWith(field, Term::value(known));
            if rest.is_empty() { question } else { Question::perhaps(question) }
        }
        TextTest::Contains(part) => {
            let part = part.clone();
            Question::Value(field, Predicate::new(move |form: &str| form.contains(&part)))
        }
        TextTest::EndsWith(end) => {
            let end = end.clone();
            Question::Value(field, Predicate::new(move |form: &str| form.ends_with(&end)))
        }
    }
}

/// Asks for whoever has this value.
pub(super) fn value(field: u16, form: &str) -> Question {
    let question = Question::Term(field, Term::value(form));
    if Term::is_cut(form) { Question::perhaps(question) } else { question }
}

/// Asks for whoever is in one of these.
pub(super) fn any_of(questions: impl IntoIterator<Item = Question>) -> Question {
    Question::Any(questions.into_iter().collect())
}
