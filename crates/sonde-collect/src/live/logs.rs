//! The end of a container's log.

use bytes::Bytes;
use sonde_diagnose::LogKey;
use sonde_grammar::log::is_no_log;

use super::client::{Client, Get};
use super::errors::RequestError;
use super::list::{escape, path};
use crate::limits::{LOG_TAIL_LINES, TEXT_BYTES_MAX};
use sonde_model::Kind;

/// Reads the last lines; `None` when there is no such run.
pub(crate) async fn read(client: &Client, key: &LogKey) -> Result<Option<Bytes>, RequestError> {
    let Some(pods) = path(&Kind::Pod, Some(&key.namespace)) else {
        return Ok(None);
    };
    // No `limitBytes` near the size of the lines: it would cut the end, where the cause is.
    let path = format!(
        "{pods}/{}/log?container={}&previous={}&tailLines={LOG_TAIL_LINES}&limitBytes={TEXT_BYTES_MAX}",
        escape(&key.pod),
        escape(&key.container),
        key.previous
    );
    match client
        .get(&Get {
            accept: "*/*",
            ..Get::new(path)
        })
        .await
    {
        // The kubelet lost the log with the run, and says so in its place.
        Ok(answer) if is_no_log(&String::from_utf8_lossy(&answer.bytes)) => Ok(None),
        Ok(answer) => Ok(Some(answer.bytes)),
        // The container has not run, or its last run is gone: an answer, if an empty one.
        Err(RequestError::Status { code: 400 | 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
