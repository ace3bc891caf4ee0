use serde_json::{Map, Value};

use crate::Invalid;

/// Most bytes of an event's properties, as JSON.
pub const MAX_PROPERTIES_BYTES: usize = 8 * 1024;
/// Deepest nesting of a property's value.
const MAX_DEPTH: usize = 5;

/// Holds what else is known of an event, such as the link that was clicked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties(Map<String, Value>);

impl Properties {
    /// Takes properties of a reasonable size.
    ///
    /// # Errors
    /// `properties_too_large`, `properties_too_deep`
    pub fn new(members: Map<String, Value>) -> Result<Self, Invalid> {
        if members.values().any(|value| depth(value) > MAX_DEPTH) {
            return Err(Invalid::new(
                "properties_too_deep",
                format!("a property nests at most {MAX_DEPTH} levels deep"),
            ));
        }
        let properties = Self(members);
        let bytes = properties.to_json().to_string().len();
        if bytes > MAX_PROPERTIES_BYTES {
            return Err(Invalid::new(
                "properties_too_large",
                format!("properties have at most {MAX_PROPERTIES_BYTES} bytes as JSON, found {bytes}"),
            ));
        }
        Ok(properties)
    }

    /// Finds a property; null is none.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives them as they came.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(values) => values.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 1,
    };
    1 + inner.unwrap_or(0)
}
