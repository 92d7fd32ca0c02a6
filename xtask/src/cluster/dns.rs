//! The cluster's name server: knows a few names, and says of every other that it does not exist.

use std::net::{Ipv4Addr, UdpSocket};

use anyhow::{Context, Result, bail};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// NAME=ADDRESS; `*.NAME` stands for every name below
    #[arg(required = true)]
    names: Vec<String>,
}

const HEADER: usize = 12;
const TYPE_A: [u8; 2] = [0, 1];
const CLASS_IN: [u8; 2] = [0, 1];
/// "It is a response, recursion is available."
const RESPONSE: [u8; 2] = [0x81, 0x80];
const NO_SUCH_NAME: u8 = 3;
const TTL_SECONDS: [u8; 4] = [0, 0, 0, 5];

/// Answers until killed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let names = args
        .names
        .iter()
        .map(|text| parse_name(text))
        .collect::<Result<Vec<_>>>()?;
    let socket = UdpSocket::bind(("0.0.0.0", 53)).context("failed to listen on UDP port 53")?;
    let mut buffer = [0_u8; 512];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        if let Some(answer) = answer(&buffer[..length], &names) {
            let _ = socket.send_to(&answer, peer);
        }
    }
}

struct Name {
    /// Lower case; a leading dot matches every name below.
    pattern: String,
    address: Ipv4Addr,
}

impl Name {
    fn matches(&self, name: &str) -> bool {
        if self.pattern.starts_with('.') {
            name.ends_with(&self.pattern)
        } else {
            name == self.pattern
        }
    }
}

fn parse_name(text: &str) -> Result<Name> {
    let Some((name, address)) = text.split_once('=') else {
        bail!("{text} is not NAME=ADDRESS");
    };
    let address = address
        .parse()
        .with_context(|| format!("{address} is not an address"))?;
    Ok(Name {
        pattern: name.strip_prefix('*').unwrap_or(name).to_lowercase(),
        address,
    })
}

/// The answer to a query with one question; other packets get none.
fn answer(query: &[u8], names: &[Name]) -> Option<Vec<u8>> {
    let (name, end) = question(query)?;
    let kind = query.get(end..end + 4)?;
    // An exact name wins over a pattern.
    let known = names
        .iter()
        .filter(|known| known.matches(&name))
        .max_by_key(|known| known.pattern.len());
    let address = known
        .map(|known| known.address)
        .filter(|_| kind == [TYPE_A, CLASS_IN].concat());
    let mut out = query[..2].to_vec();
    out.extend_from_slice(&RESPONSE);
    if known.is_none() {
        out[3] |= NO_SUCH_NAME;
    }
    out.extend_from_slice(&[0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    out.extend_from_slice(&query[HEADER..end + 4]);
    if let Some(address) = address {
        // The name is a pointer to the question's.
        out.extend_from_slice(&[0xc0, HEADER as u8]);
        out.extend_from_slice(&TYPE_A);
        out.extend_from_slice(&CLASS_IN);
        out.extend_from_slice(&TTL_SECONDS);
        out.extend_from_slice(&[0, 4]);
        out.extend_from_slice(&address.octets());
    }
    Some(out)
}

/// The name asked for, and where it ends in the packet.
fn question(query: &[u8]) -> Option<(String, usize)> {
    if query.get(4..6)? != [0, 1] {
        return None;
    }
    let mut labels = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        if length > 63 {
            return None;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    Some((labels.join("."), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> Vec<u8> {
        let mut out = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            out.push(label.len() as u8);
            out.extend_from_slice(label.as_bytes());
        }
        out.extend_from_slice(&[0, 0, 1, 0, 1]);
        out
    }

    #[test]
    fn answers_known_names_and_denies_others() {
        let names =
            ["*.sonde.test=10.0.0.2", "gone.sonde.test=10.0.0.9"].map(|text| parse_name(text).unwrap());
        let end = |name: &str| answer(&query(name), &names).unwrap();
        assert!(end("Registry.sonde.test").ends_with(&[10, 0, 0, 2]));
        assert!(end("gone.sonde.test").ends_with(&[10, 0, 0, 9]));
        assert_eq!(end("docker.io")[3] & 15, NO_SUCH_NAME);
        assert_eq!(end("docker.io")[7], 0);
    }

    #[test]
    fn ignores_damaged_packets() {
        let whole = query("a.sonde.test");
        for length in 0..whole.len() {
            assert!(answer(&whole[..length], &[]).is_none());
        }
    }
}
