//! What a field may hold, as data. Decoding, the JSON Schema, the CRD, `explain` and the starter file all read this,
//! and the types in this room are the only place where it is written.

/// The form of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text, perhaps with a form of its own.
    Text(&'static TextShape),
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A Kubernetes quantity: a number, or text such as `20Gi`.
    Quantity,
    /// One of a few words.
    Choice(&'static [ChoiceShape]),
    /// A mapping with known fields.
    Object(&'static ObjectShape),
    /// A list of values of one form; the key field, if any, is unique in it.
    List(&'static Shape, Option<&'static str>),
    /// A mapping from text to text.
    TextMap,
    /// Anything; read by nobody.
    Any,
}

/// The form of a text.
#[derive(Debug, Clone, Copy)]
pub struct TextShape {
    /// What to call it in a message, with its article: `a DNS label`.
    pub what: &'static str,
    /// A regular expression that accepts every valid text, for schemas. The decoder may know more.
    pub pattern: Option<&'static str>,
    /// The most characters.
    pub max: Option<u32>,
}

/// One word of a choice.
#[derive(Debug, Clone, Copy)]
pub struct ChoiceShape {
    /// The word.
    pub word: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// A mapping with known fields.
#[derive(Debug, Clone, Copy)]
pub struct ObjectShape {
    /// What it describes.
    pub doc: &'static str,
    /// Its fields, in the order in which people write them.
    pub fields: &'static [FieldShape],
    /// Rules across fields in the Common Expression Language, with their messages, for the CRD.
    pub rules: &'static [(&'static str, &'static str)],
}

/// One field of a mapping.
#[derive(Debug, Clone, Copy)]
pub struct FieldShape {
    /// The key in the file.
    pub key: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether no message may show its value.
    pub secret: bool,
    /// Whether it is only accepted so that older files work.
    pub ignored: bool,
    /// What it holds.
    pub shape: Shape,
}

impl ObjectShape {
    /// Whether one of its fields is a secret. A misspelt or misplaced value in it may then be one as well.
    pub fn holds_secrets(&self) -> bool {
        self.fields.iter().any(|field| field.secret)
    }
}

impl Shape {
    /// The type as `explain` prints it.
    pub fn type_name(&self) -> String {
        match self {
            Self::Text(_) | Self::Choice(_) => "string".to_owned(),
            Self::Integer(..) => "integer".to_owned(),
            Self::Boolean => "boolean".to_owned(),
            Self::Quantity => "Quantity".to_owned(),
            Self::Object(_) | Self::Any => "Object".to_owned(),
            Self::List(item, _) => format!("[]{}", item.type_name()),
            Self::TextMap => "map[string]string".to_owned(),
        }
    }

    /// Whether this is a mapping with a secret in it.
    pub fn holds_secrets(&self) -> bool {
        matches!(self, Self::Object(object) if object.holds_secrets())
    }

    /// The fields of this mapping, or of the mappings in this list.
    pub const fn fields(&self) -> &'static [FieldShape] {
        match self {
            Self::Object(object) | Self::List(Self::Object(object), _) => object.fields,
            _ => &[],
        }
    }
}
