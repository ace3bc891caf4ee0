use model::Invalid;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{ApiError, FieldError};

/// Takes the members of a JSON object one by one and gathers what is wrong with each; what nobody
/// took is refused by name.
#[derive(Debug)]
pub struct Members {
    members: Map<String, Value>,
    base: String,
    errors: Vec<FieldError>,
}

impl Members {
    /// Starts with the body itself.
    pub fn new(members: Map<String, Value>) -> Self {
        Self::at("", members)
    }

    /// Starts with an object inside the body.
    pub fn at(base: impl Into<String>, members: Map<String, Value>) -> Self {
        Self { members, base: base.into(), errors: Vec::new() }
    }

    /// Takes a member as it is: none where absent, and `Value::Null` where null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Takes a member and reads it; null and absent are none, and a fault is gathered.
    pub fn read<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<T> {
        let value = self.take(name).filter(|value| !value.is_null())?;
        read(value).map_err(|invalid| self.fault(name, invalid)).ok()
    }

    /// Takes a member that is a plain record, by its serde form.
    pub fn parse<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.take(name).filter(|value| !value.is_null())?;
        match serde_path_to_error::deserialize::<_, T>(value) {
            Ok(record) => Some(record),
            Err(error) => {
                let inner = pointer_of(error.path());
                let invalid = Invalid::new("invalid_value", error.into_inner().to_string());
                self.fault(&format!("{name}{inner}"), invalid);
                None
            }
        }
    }

    /// Takes a member that must be there.
    pub fn require(&mut self, name: &str) -> Option<Value> {
        let value = self.take(name).filter(|value| !value.is_null());
        if value.is_none() {
            self.fault(name, Invalid::new("required", "this member is required"));
        }
        value
    }

    /// Notes a fault of a member.
    pub fn fault(&mut self, name: &str, invalid: Invalid) {
        let pointer = format!("{}/{}", self.base, name);
        self.errors.push(FieldError::new(pointer, invalid));
    }

    /// Gives the pointer of the object itself.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Refuses what nobody took, and gives all faults.
    pub fn into_errors(mut self) -> Vec<FieldError> {
        let unknown: Vec<String> = self.members.keys().map(|name| escape(name)).collect();
        for name in unknown {
            self.fault(&name, Invalid::new("unknown_member", "there is no such member; remove it"));
        }
        self.errors
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// 422 with all faults.
    pub fn finish(self) -> Result<(), ApiError> {
        let errors = self.into_errors();
        if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid(errors)) }
    }
}

/// Escapes a name for a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}
