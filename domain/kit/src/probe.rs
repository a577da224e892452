//! What a type's own reader asks for at one place of what it reads. The reader is led there and stopped,
//! so nothing needs to be valid on the way.
//! Not here: what is made of it.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer as _, MapAccess,
        SeqAccess, VariantAccess, Visitor, value::Error,
    },
};

/// One step into what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value of a struct's field, or of a map's key.
    Field(String),
    /// An element of an array.
    Element,
    /// What is there, where there may be nothing.
    Inside,
    /// What one case of an enum holds.
    Case(&'static str),
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The place was not reached: there is no such field, or the key of a map is not liked.
    #[default]
    Nothing,
    /// Whatever is there.
    Any,
    Bool,
    /// A whole number of so many bits.
    Int {
        bits: u8,
        signed: bool,
    },
    Float,
    /// Text, in the words of who reads it.
    Text(String),
    Unit,
    Option,
    Array,
    /// An array of so many.
    Tuple(usize),
    Map,
    Struct(&'static [&'static str]),
    Enum(&'static [&'static str]),
}

/// What a reader of `T` asks for at the end of `path`.
pub(crate) fn wanted<T: DeserializeOwned>(path: &[Step]) -> Wanted {
    let mut found = Wanted::Nothing;
    // The probe never yields a value; what counts is what it was asked for.
    let _ = T::deserialize(Probe { path, found: &mut found });
    found
}

fn stopped() -> Error {
    de::Error::custom("seen enough")
}

struct Probe<'a> {
    path: &'a [Step],
    found: &'a mut Wanted,
}

impl Probe<'_> {
    /// Notes what is asked for, if this is the place.
    fn note<T>(self, wanted: Wanted) -> Result<T, Error> {
        if self.path.is_empty() {
            *self.found = wanted;
        }
        Err(stopped())
    }

    /// Goes into a field, if that is the way.
    fn fields<'de, V: Visitor<'de>>(self, visitor: V, wanted: Wanted) -> Result<V::Value, Error> {
        match self.path.split_first() {
            Some((Step::Field(name), path)) => {
                visitor.visit_map(Single { name, below: Probe { path, found: self.found } })
            }
            _ => self.note(wanted),
        }
    }

    /// Goes into an element, if that is the way.
    fn elements<'de, V: Visitor<'de>>(self, visitor: V, wanted: Wanted) -> Result<V::Value, Error> {
        match self.path.split_first() {
            Some((Step::Element, path)) => {
                visitor.visit_seq(Single { name: "", below: Probe { path, found: self.found } })
            }
            _ => self.note(wanted),
        }
    }
}

/// The words in which a visitor says what it expects.
struct Expecting<V>(V);

impl<'de, V: Visitor<'de>> fmt::Display for Expecting<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

macro_rules! scalars {
    ($($wanted:expr => $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            self.note($wanted)
        }
    )*)*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.note(Wanted::Text(Expecting(visitor).to_string()))
        }
    )*};
}

const fn int(bits: u8, signed: bool) -> Wanted {
    Wanted::Int { bits, signed }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    scalars! {
        Wanted::Any => deserialize_any deserialize_ignored_any;
        Wanted::Bool => deserialize_bool;
        int(8, true) => deserialize_i8;
        int(16, true) => deserialize_i16;
        int(32, true) => deserialize_i32;
        int(64, true) => deserialize_i64 deserialize_i128;
        int(8, false) => deserialize_u8;
        int(16, false) => deserialize_u16;
        int(32, false) => deserialize_u32;
        int(64, false) => deserialize_u64 deserialize_u128;
        Wanted::Float => deserialize_f32 deserialize_f64;
        Wanted::Unit => deserialize_unit;
        Wanted::Array => deserialize_bytes deserialize_byte_buf;
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.path.split_first() {
            Some((Step::Inside, path)) => visitor.visit_some(Probe { path, found: self.found }),
            _ => self.note(Wanted::Option),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Error> {
        self.note(Wanted::Unit)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.elements(visitor, Wanted::Array)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.elements(visitor, Wanted::Tuple(length))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.elements(visitor, Wanted::Tuple(length))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.fields(visitor, Wanted::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(visitor, Wanted::Struct(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        cases: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.path.split_first() {
            Some((Step::Case(name), path)) => {
                visitor.visit_enum(Single { name, below: Probe { path, found: self.found } })
            }
            _ => self.note(Wanted::Enum(cases)),
        }
    }
}

/// An object with one field, an array with one element, or an enum in one case.
struct Single<'a> {
    name: &'a str,
    below: Probe<'a>,
}

impl<'de> MapAccess<'de> for Single<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        seed.deserialize(self.name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Probe { path: self.below.path, found: self.below.found })
    }
}

impl<'de> SeqAccess<'de> for Single<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        seed.deserialize(Probe { path: self.below.path, found: self.below.found }).map(Some)
    }
}

impl<'de, 'a> EnumAccess<'de> for Single<'a> {
    type Error = Error;
    type Variant = Probe<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Probe<'a>), Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, self.below))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.note(Wanted::Unit)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.elements(visitor, Wanted::Tuple(length))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.fields(visitor, Wanted::Struct(fields))
    }
}
