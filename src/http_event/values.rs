//! The values of a map or an array of an event, one after the other.

use crate::wire::json::{Reader, Text, Token};

/// Iterates over the values of a map of strings, a map of lists, a list, or a single value. Each
/// comes with the name of its member, which is empty in a list. Numbers and booleans are the text
/// that they are in JSON; null is no value, and neither is what nests deeper.
#[derive(Clone)]
pub struct Values<'a> {
    reader: Reader<'a>,
    name: Text<'a>,
    /// Within the value of a member, or an element: it is a list.
    in_list: bool,
}

impl<'a> Values<'a> {
    /// The values of a JSON text; none of an empty text.
    pub fn new(json: &'a [u8]) -> Values<'a> {
        Values {
            reader: Reader::new(json),
            name: Text::new(b""),
            in_list: true,
        }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = (Text<'a>, Text<'a>);

    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.reader.next().ok()??;
            let depth = self.reader.depth();
            let value = match token {
                Token::String(text) => text,
                Token::Number(text) => Text::new(text),
                Token::Bool(true) => Text::new(b"true"),
                Token::Bool(false) => Text::new(b"false"),
                Token::Name(name) if depth == 1 => {
                    self.name = name;
                    continue;
                }
                Token::StartArray | Token::StartObject if depth == 2 => {
                    self.in_list = token == Token::StartArray;
                    continue;
                }
                _ => continue,
            };
            if depth < 2 || depth == 2 && self.in_list {
                return Some((self.name, value));
            }
        }
    }
}
