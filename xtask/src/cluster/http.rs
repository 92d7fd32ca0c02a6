//! Just enough HTTP to talk to servers of our own cluster: one request per connection, answers of known length.

use std::io::{Read, Write};

use anyhow::{Context, Result, bail};

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: String,
    pub(crate) body: Vec<u8>,
}

/// Answers longer than this are refused.
const BYTES_MAX: u64 = 256 << 20;

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request over a fresh connection. Version 1.0, so that the server neither chunks nor keeps the connection.
pub(crate) fn request(
    stream: &mut (impl Read + Write),
    method: &str,
    target: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> Result<Response> {
    let mut head = format!("{method} {target} HTTP/1.0\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body))
        .context("failed to send a request")?;
    let mut answer = Vec::new();
    stream
        .take(BYTES_MAX)
        .read_to_end(&mut answer)
        .context("failed to read an answer")?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Response> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        bail!("the server's answer has no end of headers");
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    let (first, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("the server's answer starts with {first:?}"))?;
    Ok(Response {
        status,
        headers: headers.to_owned(),
        body: answer[end + 4..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_answers() {
        let response = parse(b"HTTP/1.0 202 Accepted\r\nlocation: /x\r\nA: b\r\n\r\nbody").unwrap();
        assert_eq!(
            (
                response.status,
                response.header("Location"),
                response.body.as_slice()
            ),
            (202, Some("/x"), &b"body"[..])
        );
        assert!(parse(b"HTTP/1.0 200 OK\r\n").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
    }
}
