//! Secrets that a protocol itself knows.

use super::*;
use crate::redact;
use crate::verdict::Role;

#[test]
fn secrets_are_hidden() {
    for (protocol, from, sample, secrets) in [
        (
            Protocol::Http1,
            Role::Client,
            b"GET /?access_token=t0ken HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nCookie: sid=cook\r\nX-Api-Key: k3y\r\nAccept: x\r\n\r\n{\"password\":\"pw1\"}".as_slice(),
            ["t0ken", "c2VjcmV0", "cook", "k3y", "pw1"].as_slice(),
        ),
        (
            Protocol::Http1,
            Role::Server,
            b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=cook\r\n\r\n",
            &["cook"],
        ),
        (
            Protocol::Redis,
            Role::Client,
            b"*3\r\n$4\r\nAUTH\r\n$4\r\nanna\r\n$6\r\ns3cret\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
            &["s3cret"],
        ),
        (
            Protocol::Redis,
            Role::Client,
            b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$11\r\nrequirepass\r\n$6\r\ns3cret\r\n",
            &["s3cret"],
        ),
        (
            Protocol::Redis,
            Role::Client,
            b"*4\r\n$3\r\nACL\r\n$7\r\nSETUSER\r\n$4\r\nanna\r\n$7\r\n>s3cret\r\n",
            &["s3cret"],
        ),
        (Protocol::Redis, Role::Client, b"AUTH s3cret\r\n", &["s3cret"]),
    ] {
        let hidden = redact(Some(protocol), from, sample);
        let text = String::from_utf8_lossy(&hidden);
        for secret in secrets {
            assert!(!text.contains(secret), "{}: {text}", protocol.name());
        }
        assert_eq!(hidden.len(), sample.len());
        // What is no secret stays.
        let kept = hidden.iter().zip(sample).filter(|(one, other)| one == other).count();
        assert!(kept * 3 > sample.len(), "{text}");
    }
}
