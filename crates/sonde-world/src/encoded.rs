//! Objects as they were received.

use bytes::Bytes;
use serde::de::DeserializeOwned;

/// How the bytes of an object are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON, as the API server sends it.
    Json,
}

/// An object's bytes with their encoding.
#[derive(Debug, Clone)]
pub struct Encoded {
    encoding: Encoding,
    bytes: Bytes,
}

/// An object's bytes could not be decoded to a typed view.
#[derive(Debug, thiserror::Error)]
#[error("failed to decode {what}")]
pub struct DecodeError {
    /// What was to be decoded.
    pub what: String,
    /// Why.
    #[source]
    pub source: serde_json::Error,
}

impl Encoded {
    /// JSON bytes of one object.
    pub fn json(bytes: Bytes) -> Self {
        Self {
            encoding: Encoding::Json,
            bytes,
        }
    }

    /// The encoding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Decodes to a typed view.
    ///
    /// # Errors
    /// When the bytes are not what the view expects.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self.encoding {
            Encoding::Json => serde_json::from_slice(&self.bytes),
        }
    }
}
