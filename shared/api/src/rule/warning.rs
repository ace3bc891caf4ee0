use model::Invalid;
use model::rule::Warning;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::pointed;
use crate::FieldError;

/// Is something odd about a rule that works all the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleWarning)]
pub struct WarningView {
    /// `unknown_field` or `unknown_value`.
    #[schema(example = "unknown_field")]
    code: &'static str,
    /// The field.
    #[schema(example = "scroe")]
    field: String,
    /// The value, where that is what nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    value: Option<String>,
    /// What may have been meant.
    #[schema(example = "score")]
    did_you_mean: Option<String>,
    /// The place in the body, as a JSON pointer.
    #[schema(example = "/query")]
    pointer: String,
    /// The column in the query, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, example = 1)]
    column: Option<usize>,
}

impl WarningView {
    /// Makes a fault of it, where odd rules are refused.
    pub fn into_error(self) -> FieldError {
        let mut detail = match self.value {
            Some(value) => format!("no contact has `{value}` in `{}`", self.field),
            None => format!("there is no field `{}`", self.field),
        };
        if let Some(guess) = self.did_you_mean {
            detail.push_str(&format!("; did you mean `{guess}`?"));
        }
        let fault = FieldError::new(self.pointer, Invalid::new(self.code, detail));
        FieldError { column: self.column, ..fault }
    }
}

impl From<Warning> for WarningView {
    fn from(warning: Warning) -> Self {
        let (pointer, column) = pointed(&warning.place);
        let Warning { code, field, value, did_you_mean, .. } = warning;
        Self { code, field, value, did_you_mean, pointer, column }
    }
}
