//! The names of an object's fields in which something personal stands, found by writing one after the
//! other. Not here: data without personal values; nobody looks for their fields.

use serde::{
    Serialize, Serializer,
    ser::{Error as _, Impossible, SerializeMap, SerializeStruct},
};
use serde_json::Error;

use super::noticed;

/// Writes nothing but the names.
pub(super) struct Fields;

/// The names found so far.
#[derive(Default)]
pub(super) struct Found {
    names: Vec<String>,
    key: String,
}

fn no_fields() -> Error {
    Error::custom("a personal value stands in a field of an event's data, which are an object")
}

impl Found {
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        let ((), personal) = noticed(|| serde_json::to_writer(std::io::sink(), value))?;
        if personal {
            self.names.push(name.to_owned());
        }
        Ok(())
    }
}

impl SerializeStruct for Found {
    type Ok = Vec<String>;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.field(key, value)
    }

    fn end(self) -> Result<Vec<String>, Error> {
        Ok(self.names)
    }
}

impl SerializeMap for Found {
    type Ok = Vec<String>;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = serde_json::from_slice(&serde_json::to_vec(key)?)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = std::mem::take(&mut self.key);
        self.field(&name, value)
    }

    fn end(self) -> Result<Vec<String>, Error> {
        Ok(self.names)
    }
}

macro_rules! no_object {
    ($($method:ident($Type:ty))*) => {$(
        fn $method(self, _: $Type) -> Result<Vec<String>, Error> {
            Err(no_fields())
        }
    )*};
}

impl Serializer for Fields {
    type Ok = Vec<String>;
    type Error = Error;
    type SerializeSeq = Impossible<Vec<String>, Error>;
    type SerializeTuple = Impossible<Vec<String>, Error>;
    type SerializeTupleStruct = Impossible<Vec<String>, Error>;
    type SerializeTupleVariant = Impossible<Vec<String>, Error>;
    type SerializeMap = Found;
    type SerializeStruct = Found;
    type SerializeStructVariant = Impossible<Vec<String>, Error>;

    no_object! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32)
        serialize_i64(i64) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32)
        serialize_u64(u64) serialize_f32(f32) serialize_f64(f64) serialize_char(char)
        serialize_str(&str) serialize_bytes(&[u8]) serialize_unit_struct(&'static str)
    }

    fn serialize_none(self) -> Result<Vec<String>, Error> {
        Err(no_fields())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<String>, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Vec<String>, Error> {
        Err(no_fields())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Vec<String>, Error> {
        Err(no_fields())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Vec<String>, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<Vec<String>, Error> {
        // The variant is the field in which its value stands.
        Ok(vec![variant.to_owned()])
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        Err(no_fields())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        Err(no_fields())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(no_fields())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(no_fields())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Found, Error> {
        Ok(Found::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Found, Error> {
        Ok(Found::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(no_fields())
    }
}
