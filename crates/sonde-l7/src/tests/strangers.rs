//! What is not ours, though it may look so.

use super::*;

const STRANGERS: &[(&str, &[u8], &[u8])] = &[
    ("RTSP", b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"),
    ("SIP", b"OPTIONS sip:x SIP/2.0\r\nVia: y\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"),
    ("ICAP", b"OPTIONS icap://x/ ICAP/1.0\r\n\r\n", b"ICAP/1.0 200 OK\r\n\r\n"),
    ("HTTP words in chat", b"GET this HTTP/1.1 thing done\r\n", b"HTTP/1.1 is what you mean?\r\n"),
    ("POP3", b"STAT\r\n", b"+OK 2 320\r\n"),
    ("POP3 login", b"AUTH PLAIN\r\n", b"+OK\r\n"),
    ("SMTP", b"EHLO x\r\n", b"250-x\r\n250 OK\r\n"),
    ("SMTP quit", b"QUIT\r\n", b"221 bye\r\n"),
    ("FTP", b"USER anonymous\r\n", b"331 password\r\n"),
    ("IMAP", b"a1 LOGIN x y\r\n", b"a1 OK done\r\n"),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("a command of Redis, sent back", b"*1\r\n$4\r\nPING\r\n", b"*1\r\n$4\r\nPING\r\n"),
    ("echo of a command of Redis", b"*1\r\n$4\r\nPING\r\n", b"hello\r\n"),
    ("a command of Redis, answered in HTTP", b"*1\r\n$4\r\nPING\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ("HTTP, answered by Redis", b"GET / HTTP/1.1\r\n\r\n", b"-ERR unknown command\r\n"),
    ("SOCKS5", b"\x05\x01\x00", b"\x05\x00"),
    ("LDAP", b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
    ("VNC", b"RFB 003.008\n", b"RFB 003.008\n"),
    ("STUN", b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", b"\x01\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"),
    ("Thrift", b"\x80\x01\x00\x01\x00\x00\x00\x04ping\x00\x00\x00\x01\x00", b"\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x01\x00"),
    ("Cassandra", b"\x04\x00\x00\x00\x05\x00\x00\x00\x00", b"\x84\x00\x00\x00\x06\x00\x00\x00\x02\x00\x00"),
    ("NetBIOS over TCP", b"\x81\x00\x00\x44 CKFDENECFDEFFCFGEFFCCACACACACACA\x00 EKCACACACACACACACACACACACACACACA\x00", b"\x82\x00\x00\x00"),
    ("SMB2", b"\x00\x00\x00\x44\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x1f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", b"\x00\x00\x00\x44\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
    ("Beanstalk", b"put 0 0 60 5\r\nhello\r\n", b"INSERTED 1\r\n"),
    ("Gearman", b"\0REQ\0\0\0\x10\0\0\0\x04ping", b"\0RES\0\0\0\x11\0\0\0\x04ping"),
    ("zeroes", &[0; 64], &[0; 64]),
    ("ones", &[0xff; 64], &[0xff; 64]),
    ("STOMP", b"CONNECT\naccept-version:1.2\n\n\0", b"CONNECTED\nversion:1.2\n\n\0"),
    ("AMQP 1.0", b"AMQP\x00\x01\x00\x00", b"AMQP\x00\x01\x00\x00"),
    ("graphite", b"a.b.c 1 1700000000\n", b"\n"),
    ("statsd echo", b"a:1|c", b"a:1|c"),
];

#[test]
fn strangers_are_nobodys() {
    for (name, request, response) in STRANGERS {
        for turns in [[(A, request), (B, response)], [(B, request), (A, response)]] {
            // Twice, as weak signs add up.
            let twice: Vec<Turn<'_>> = turns
                .iter()
                .chain(&turns)
                .map(|(side, bytes)| Turn {
                    side: *side,
                    bytes,
                    len: bytes.len() as u64,
                })
                .collect();
            assert_eq!(judge(Transport::Tcp, &twice, None), None, "{name}");
        }
    }
}

#[test]
fn netbios_names_are_not_dns() {
    let question = b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
    let answer = b"\x12\x34\x84\x00\0\x01\0\0\0\0\0\0 CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01";
    let turns = [(A, question), (B, answer)].map(|(side, bytes)| Turn {
        side,
        bytes,
        len: bytes.len() as u64,
    });
    assert_eq!(judge(Transport::Udp, &turns, None), None);
}
