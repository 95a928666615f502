//! The body of a request.

use crate::wire::base64::{self, Decoder};
use crate::wire::json::Text;

/// The body of a request, in its event.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// No body, or one without bytes.
    Empty,
    /// A string: the bytes are its UTF-8.
    Text(Text<'a>),
    /// A string of base64.
    Base64(Text<'a>),
}

impl<'a> Body<'a> {
    /// The bytes, where they stand in the event as they are: a text without escapes.
    pub fn plain(self) -> Option<&'a [u8]> {
        match self {
            Body::Empty => Some(b""),
            Body::Text(text) => text.plain(),
            Body::Base64(_) => None,
        }
    }

    /// The length in bytes, without decoding. Of base64 that is invalid, any number.
    pub fn len_bytes(self) -> usize {
        let (text, is_base64) = match self {
            Body::Empty => return 0,
            Body::Text(text) => (text, false),
            Body::Base64(text) => (text, true),
        };
        let (mut bytes, mut padding) = (0, 0);
        text.unescape(&mut |piece| {
            bytes += piece.len();
            // At most two bytes at the end of all, which may be two pieces.
            if let [.., last] = piece
                && *last == b'='
            {
                padding += 1 + usize::from(piece.ends_with(b"=="));
            }
        });
        if is_base64 {
            // The digits, six bits each; any number fits.
            let digits = bytes.saturating_sub(padding);
            digits / 4 * 3 + digits % 4 * 3 / 4
        } else {
            bytes
        }
    }

    /// Writes the bytes, in pieces.
    ///
    /// # Errors
    /// It is not base64; bytes before the fault may have been written.
    pub fn write(self, write: &mut dyn FnMut(&[u8])) -> Result<(), base64::Error> {
        match self {
            Body::Empty => Ok(()),
            Body::Text(text) => {
                text.unescape(write);
                Ok(())
            }
            Body::Base64(text) => {
                let mut decoder = Decoder::default();
                let mut result = Ok(());
                text.unescape(&mut |piece| {
                    if result.is_ok() {
                        result = decoder.decode(piece, write);
                    }
                });
                result?;
                decoder.finish(write)
            }
        }
    }
}
