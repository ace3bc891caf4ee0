use std::borrow::Cow;

/// Says what is wrong with one value and what to do about it.
///
/// The edge adds the place: a JSON pointer in the API, a line and column in an import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// Names the kind of fault; stable, for programs.
    pub code: &'static str,
    /// Tells a person what to change; may be reworded.
    pub detail: Cow<'static, str>,
}

impl Invalid {
    /// Builds a fault of a stable `code`.
    pub fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Builds the fault of a text that is longer than `limit` characters.
    pub fn too_long(limit: usize, found: usize) -> Self {
        Self::new("too_long", format!("at most {limit} characters are kept, found {found}; shorten it"))
    }
}
