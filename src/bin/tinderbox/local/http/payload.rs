//! The bytes of a body: owned, or shared with whoever may send them again.

use std::ops::Deref;
use std::sync::Arc;

use super::Reused;

/// The bytes of a body.
#[derive(Clone)]
pub enum Payload {
    Owned(Vec<u8>),
    Shared(Arc<Reused>),
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Payload::Owned(bytes) => bytes,
            Payload::Shared(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Payload {
        Payload::Owned(bytes)
    }
}

impl From<Arc<Reused>> for Payload {
    fn from(bytes: Arc<Reused>) -> Payload {
        Payload::Shared(bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Payload {
        Payload::Owned(text.into_bytes())
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Payload {
        Payload::Owned(text.as_bytes().to_vec())
    }
}
