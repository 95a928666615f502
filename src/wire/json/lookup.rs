//! Members of an object by their names, and raw values by their types.

use super::error::{Error, ErrorKind};
use super::reader::{Reader, Token};
use super::string::Text;
use crate::wire::bytes_eq;

/// The values of members of an object, unchanged: `None` for absent members, the last value of
/// repeated ones. Names are compared unescaped.
///
/// # Errors
/// The first fault of the text; [`ErrorKind::NotAnObject`] where it is something else.
pub fn members<'a, const N: usize>(
    object: &'a [u8],
    names: [&[u8]; N],
) -> Result<[Option<&'a [u8]>; N], Error> {
    let mut values = [None; N];
    find_members(object, &names, &mut values)?;
    Ok(values)
}

/// [`members`], compiled once for all numbers of names.
#[inline(never)]
fn find_members<'a>(
    object: &'a [u8],
    names: &[&[u8]],
    values: &mut [Option<&'a [u8]>],
) -> Result<(), Error> {
    let mut reader = Reader::new(object);
    if reader.next()? != Some(Token::StartObject) {
        let kind = ErrorKind::NotAnObject;
        return Err(Error {
            kind,
            at: reader.start,
        });
    }
    while let Some(Token::Name(name)) = reader.next()? {
        let value = reader.next_raw()?;
        for (place, wanted) in values.iter_mut().zip(names) {
            if name.is(wanted) {
                *place = value;
            }
        }
    }
    reader.next()?;
    Ok(())
}

/// The string that a raw value is; `None` where it is something else.
pub fn string(value: &[u8]) -> Option<Text<'_>> {
    match Reader::new(value).next() {
        Ok(Some(Token::String(text))) => Some(text),
        _ => None,
    }
}

/// The text of a raw value, which the reader accepted, that is a string, a number or a boolean: the
/// latter two as they stand. `None`: it is null, an array, an object or empty.
pub fn scalar(value: &[u8]) -> Option<Text<'_>> {
    match value {
        [b'"', text @ .., _] => Some(Text::new(text)),
        [] | [b'n' | b'[' | b'{', ..] => None,
        _ => Some(Text::new(value)),
    }
}

/// Whether a raw value is `true`.
pub fn is_true(value: &[u8]) -> bool {
    bytes_eq(value, b"true")
}
