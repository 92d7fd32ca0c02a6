//! A registry that misbehaves on purpose. The first part of the repository's name says how; the rest is asked of a real one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use super::http::{self, Response};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port of the real registry on this host
    real: u16,
    /// Port to listen on
    port: u16,
}

/// What happens to requests for `/v2/<name>/…`.
enum Trouble {
    /// Every request is refused.
    Refuse {
        status: &'static str,
        body: &'static str,
    },
    /// Large blobs come this slowly, and wrong at the end.
    Slow { bytes_per_second: usize },
    /// Large blobs come with one bit changed.
    Corrupt,
    /// The connection ends in the middle of a large blob.
    Cut,
}

const TROUBLES: &[(&str, Trouble)] = &[
    (
        "rate-limited",
        Trouble::Refuse {
            status: "429 Too Many Requests",
            body: r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#,
        },
    ),
    (
        "unavailable",
        Trouble::Refuse {
            status: "503 Service Unavailable",
            body: "no healthy upstream\n",
        },
    ),
    (
        "forbidden",
        Trouble::Refuse {
            status: "403 Forbidden",
            body: r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}"#,
        },
    ),
    (
        "slow",
        Trouble::Slow {
            bytes_per_second: 96 << 10,
        },
    ),
    ("corrupt", Trouble::Corrupt),
    ("cut", Trouble::Cut),
];

/// Blobs of at least this size are layers, which the troubles are about.
const LAYER_BYTES_MIN: usize = 64 << 10;
const HEAD_BYTES_MAX: u64 = 64 << 10;

/// Serves until killed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", args.port))
        .with_context(|| format!("failed to listen on {}", args.port))?;
    let real = args.real;
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            if let Err(error) = serve(stream, real) {
                eprintln!("{error:#}");
            }
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream, real: u16) -> Result<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .context("failed to set a time-out")?;
    let mut reader = BufReader::new(
        stream
            .try_clone()
            .context("failed to share a connection")?
            .take(HEAD_BYTES_MAX),
    );
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let length = reader.read_line(&mut line).context("failed to read a request")?;
        if length == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let mut words = lines.first().map_or("", String::as_str).split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let accept = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let path = target.strip_prefix("/v2/").unwrap_or("");
    let Some((trouble, rest)) = TROUBLES
        .iter()
        .find_map(|(name, trouble)| Some((trouble, path.strip_prefix(name)?.strip_prefix('/')?)))
    else {
        return answer(&mut stream, "200 OK", "", &[], method);
    };
    if let Trouble::Refuse { status, body } = trouble {
        return answer(
            &mut stream,
            status,
            "Content-Type: application/json\r\n",
            body.as_bytes(),
            method,
        );
    }
    let mut upstream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, real)).context("failed to connect to the real registry")?;
    let headers = [(
        "Accept",
        accept.map_or("*/*", |(_, value)| value.trim()).to_owned(),
    )];
    let response = http::request(&mut upstream, method, &format!("/v2/{rest}"), &headers, &[])?;
    pass_on(&mut stream, trouble, response, method)
}

fn pass_on(stream: &mut TcpStream, trouble: &Trouble, mut response: Response, method: &str) -> Result<()> {
    let mut headers = String::new();
    for name in ["Content-Type", "Docker-Content-Digest"] {
        if let Some(value) = response.header(name) {
            headers.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let status = format!(
        "{} {}",
        response.status,
        if response.status == 200 { "OK" } else { "Other" }
    );
    if method == "HEAD" {
        let length = response.header("Content-Length").unwrap_or("0");
        return write_all(
            stream,
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        );
    }
    let body = &mut response.body;
    if body.len() >= LAYER_BYTES_MIN {
        match trouble {
            Trouble::Slow { bytes_per_second } => {
                // No node may ever have the image, or the next time would be quick.
                if let Some(last) = body.last_mut() {
                    *last ^= 1;
                }
                return dribble(stream, &status, &headers, body, *bytes_per_second);
            }
            Trouble::Corrupt => {
                let middle = body.len() / 2;
                body[middle] ^= 1;
            }
            Trouble::Cut => {
                write_head(stream, &status, &headers, body.len())?;
                return write_all(stream, &body[..body.len() / 2]);
            }
            Trouble::Refuse { .. } => {}
        }
    }
    answer(stream, &status, &headers, &response.body, method)
}

fn dribble(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
    bytes_per_second: usize,
) -> Result<()> {
    write_head(stream, status, headers, body.len())?;
    for part in body.chunks((bytes_per_second / 10).max(1)) {
        write_all(stream, part)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8], method: &str) -> Result<()> {
    write_head(stream, status, headers, body.len())?;
    if method == "HEAD" {
        Ok(())
    } else {
        write_all(stream, body)
    }
}

fn write_head(stream: &mut TcpStream, status: &str, headers: &str, length: usize) -> Result<()> {
    write_all(
        stream,
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )
}

fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes).context("failed to answer")
}
