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
        (
            Protocol::Postgres,
            Role::Client,
            b"p\0\0\0\x0bs3cret\0Q\0\0\0\x29ALTER ROLE anna WITH PASSWORD 'pw1'\0",
            &["s3cret", "pw1"],
        ),
        (
            Protocol::Mysql,
            Role::Client,
            b"\x36\0\0\x01\x0d\xa2\x0a\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0anna\0\x06s3cretshop\0x\0",
            &["s3cret"],
        ),
        (
            Protocol::Mysql,
            Role::Client,
            b"\x25\0\0\0\x03CREATE USER anna IDENTIFIED BY 'pw1'",
            &["pw1"],
        ),
        (
            Protocol::Nats,
            Role::Client,
            b"CONNECT {\"user\":\"anna\",\"pass\":\"s3cret\"}\r\nPUB orders.created.now.and.then 5\r\nhello\r\n",
            &["s3cret"],
        ),
        (
            Protocol::Mqtt,
            Role::Client,
            b"\x10\x1c\0\x04MQTT\x04\xc2\0\x3c\0\x02c1\0\x04anna\0\x06s3cret",
            &["s3cret"],
        ),
        (
            Protocol::Amqp,
            Role::Client,
            b"\x01\0\0\0\0\0\x26\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0anna\0s3cret\x05en_US\xce",
            &["s3cret"],
        ),
        (
            Protocol::Kafka,
            Role::Client,
            b"\0\0\0\x25\0\x24\0\x01\0\0\0\x05\0\x08producer\0\0\0\x0c\0anna\0s3cret",
            &["s3cret"],
        ),
        (
            Protocol::Memcached,
            Role::Client,
            b"set auth 0 0 11\r\nanna s3cret\r\n",
            &["s3cret"],
        ),
        (
            Protocol::Http2,
            Role::Client,
            b"\0\0\x37\x01\x05\0\0\0\x01\x82\x86\x84\x40\x0dauthorization\x06s3cret\x40\x04name\x10anna is the name.\x10\x01x\x03pw1",
            &["s3cret", "pw1"],
        ),
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
