//! The macros that write a type, its decoder and its shape from one declaration.

/// Declares a mapping of the file: its fields with key, kind and type, and their documentation.
///
/// Kinds: `required`, `optional`, `secret` (optional, shown nowhere), `guarded` (optional, not shown when refused), `list`, `keyed` (a list whose items have unique
/// names) and `ignored` (accepted for older files; has no Rust field).
macro_rules! object {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $($(#[doc = $fdoc:literal])+ $kind:ident $field:ident ($key:literal): $type:ty,)+
        }
        $(ignored { $($(#[doc = $idoc:literal])+ $ikey:literal,)+ })?
        $(rules { $($rule:literal => $message:literal,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[doc = $fdoc])+ pub $field: $crate::spec::object::field_type!($kind $type),)+
        }

        impl $name {
            /// The fields of this mapping as data.
            pub const OBJECT: $crate::spec::shape::ObjectShape = $crate::spec::shape::ObjectShape {
                doc: concat!($($doc, "\n"),+),
                fields: &[
                    $($crate::spec::shape::FieldShape {
                        key: $key,
                        doc: concat!($($fdoc, "\n"),+),
                        required: $crate::spec::object::is_required!($kind),
                        secret: $crate::spec::object::is_secret!($kind),
                        ignored: false,
                        shape: $crate::spec::object::field_shape!($kind $type),
                    },)+
                    $($($crate::spec::shape::FieldShape {
                        key: $ikey,
                        doc: concat!($($idoc, "\n"),+),
                        required: false,
                        secret: false,
                        ignored: true,
                        shape: $crate::spec::shape::Shape::Any,
                    },)+)?
                ],
                rules: &[$($(($rule, $message),)+)?],
            };
        }

        impl $crate::spec::decode::Decode for $name {
            const SHAPE: $crate::spec::shape::Shape = $crate::spec::shape::Shape::Object(&Self::OBJECT);

            fn decode(node: &$crate::source::Node, cx: &mut $crate::spec::decode::Cx<'_>) -> Option<Self> {
                let fields = $crate::spec::decode::Fields::open(node, &Self::OBJECT, cx)?;
                // All fields are read before a missing one ends it, so that every problem is noted in one run.
                $(let $field = $crate::spec::object::read!($kind fields $key cx);)+
                Some(Self { $($field: $crate::spec::object::unwrap!($kind $field)),+ })
            }
        }
    };
}

macro_rules! field_type {
    (required $type:ty) => { $crate::source::Located<$type> };
    (optional $type:ty) => { Option<$crate::source::Located<$type>> };
    (guarded $type:ty) => { Option<$crate::source::Located<$type>> };
    (secret $type:ty) => { Option<$crate::source::Located<$type>> };
    (list $type:ty) => { Vec<$crate::source::Located<$type>> };
    (keyed $type:ty) => { Vec<$crate::source::Located<$type>> };
}

macro_rules! is_required {
    (required) => {
        true
    };
    ($kind:ident) => {
        false
    };
}

macro_rules! is_secret {
    (secret) => {
        true
    };
    ($kind:ident) => {
        false
    };
}

macro_rules! field_shape {
    (list $type:ty) => {
        $crate::spec::shape::Shape::List(&<$type as $crate::spec::decode::Decode>::SHAPE, None)
    };
    (keyed $type:ty) => {
        $crate::spec::shape::Shape::List(&<$type as $crate::spec::decode::Decode>::SHAPE, Some("name"))
    };
    ($kind:ident $type:ty) => {
        <$type as $crate::spec::decode::Decode>::SHAPE
    };
}

macro_rules! read {
    (keyed $fields:ident $key:literal $cx:ident) => {
        $fields.list($key, $cx)
    };
    ($kind:ident $fields:ident $key:literal $cx:ident) => {
        $fields.$kind($key, $cx)
    };
}

macro_rules! unwrap {
    (required $field:ident) => {
        $field?
    };
    ($kind:ident $field:ident) => {
        $field
    };
}

/// Declares a choice between words, with their documentation.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $($(#[doc = $wdoc:literal])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $wdoc])+ $variant,)+
        }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the file.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::spec::decode::Decode for $name {
            const SHAPE: $crate::spec::shape::Shape = $crate::spec::shape::Shape::Choice(&[
                $($crate::spec::shape::ChoiceShape { word: $word, doc: concat!($($wdoc, "\n"),+) },)+
            ]);

            fn decode(node: &$crate::source::Node, cx: &mut $crate::spec::decode::Cx<'_>) -> Option<Self> {
                let words = Self::ALL.iter().map(|choice| choice.as_str());
                let word = $crate::spec::leaf::word(node, words, cx)?;
                Self::ALL.iter().copied().find(|choice| choice.as_str() == word)
            }
        }
    };
}

pub(super) use {choice, field_shape, field_type, is_required, is_secret, object, read, unwrap};
