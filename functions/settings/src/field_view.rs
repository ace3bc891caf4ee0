use model::{AttributeType, Field};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A custom field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldView {
    /// Names the field here; a new type is a new id.
    #[schema(example = "n12")]
    id: String,
    /// What programs call it: the name in `attributes`.
    #[schema(example = "budget")]
    slug: String,
    /// What programs called it before: rules, files and clients may go on to do so.
    former_slugs: Vec<String>,
    /// What people call it.
    #[schema(example = "Budget")]
    name: String,
    /// `text`, `number`, `date` or `boolean`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "number")]
    kind: AttributeType,
    /// Whether no contact is created without a value, and none loses it.
    required: bool,
    /// The value of a contact that is created without one.
    default: Value,
    /// How far values of the former type are converted; null where there were none.
    conversion: Option<ConversionView>,
}

/// How far the values of a former type are converted. What converts is shown at once, also before
/// it is its turn.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversionView {
    /// The former type.
    #[schema(value_type = String, example = "text")]
    from: AttributeType,
    /// From 0 to 1.
    progress: f64,
    /// Contacts whose value is converted.
    converted: u64,
    /// Contacts whose value does not say one of the new type: it is kept, and shown again once the
    /// field has its former type.
    not_converted: u64,
    done: bool,
}

/// All custom fields of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldList {
    pub(crate) items: Vec<FieldView>,
}

/// Shows a field.
pub(crate) fn view(field: &Field) -> FieldView {
    let default = field.default_value().ok().flatten();
    let conversion = field.formerly.last().zip(field.sweep).map(|(from, sweep)| ConversionView {
        from: from.kind,
        progress: sweep.progress(),
        converted: sweep.changed,
        not_converted: sweep.kept,
        done: sweep.done,
    });
    FieldView {
        id: field.id.to_string(),
        slug: field.slug.to_string(),
        former_slugs: field.former_slugs.iter().map(ToString::to_string).collect(),
        name: field.name.clone(),
        kind: field.id.kind,
        required: field.required,
        default: default.map_or(Value::Null, |value| value.to_json()),
        conversion,
    }
}
