//! Ways to a cluster that a kubeconfig can name: a program that gives the credentials, a proxy before the server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::archives::sick_pod;
use crate::run::{command, empty_folder, run, sonde};
use crate::server::{Reply, Server};

/// One sick pod.
fn cluster() -> Server {
    Server::start(|path| {
        let path = path.split('?').next().unwrap_or_default();
        match path.rsplit('/').next() {
            Some("version") => Reply::json(json!({"gitVersion": "v1.36.0"})),
            Some("pods") => Reply::json(json!({"metadata": {}, "items": [sick_pod("app-1")]})),
            _ => Reply::json(json!({"metadata": {}, "items": []})),
        }
    })
}

fn config(server: &str, more: &str, user: &str) -> PathBuf {
    let path = empty_folder("way").join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters:\n- name: c\n  cluster: {{server: \"{server}\"{more}}}\n\
         users:\n- name: u\n  user: {user}\n\
         contexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: shop}}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn diagnose(config: &Path) -> Vec<&str> {
    let config = config.to_str().unwrap();
    vec!["diagnose", "--kubeconfig", config, "--request-timeout", "5s"]
}

/// A user whose credentials a program gives.
fn user_of(program: &Path) -> String {
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: \"{}\", args: [token], interactiveMode: Never, provideClusterInfo: false}}}}",
        program.display()
    )
}

fn plugin(script: &str) -> PathBuf {
    let path = empty_folder("plugin").join("get-token");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_program_gives_the_credentials() {
    let program = plugin(
        r#"[ "$1" = token ] || exit 3
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "from-the-program"}}'"#,
    );
    let server = cluster();
    let config = config(&format!("http://{}", server.address), "", &user_of(&program));
    sonde(&diagnose(&config)).says(1, &["IMG-NOT-FOUND"]);
    let heads = server.heads.lock().unwrap();
    assert!(!heads.is_empty());
    for head in &*heads {
        let head = head.to_ascii_lowercase();
        assert!(head.contains("authorization: bearer from-the-program"), "{head}");
    }
}

#[test]
fn a_program_that_gives_none_is_told() {
    let server = cluster();
    let missing = empty_folder("plugin").join("not-installed");
    for program in [
        missing,
        plugin("echo no session >&2; exit 1"),
        plugin("echo no JSON"),
    ] {
        let config = config(&format!("http://{}", server.address), "", &user_of(&program));
        let said = sonde(&diagnose(&config));
        said.fails(2, &["credentials", "hint: "]);
    }
    assert!(
        server.heads.lock().unwrap().is_empty(),
        "nothing is asked without credentials"
    );
}

/// A proxy that tunnels to one server, whatever it is asked for, and notes that.
fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let log = Arc::clone(&log);
            std::thread::spawn(move || tunnel(stream, to, &log));
        }
    });
    (address, asked)
}

fn tunnel(mut client: TcpStream, to: SocketAddr, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        line.clear();
    }
    log.lock().unwrap().push(first.trim().to_owned());
    let server = TcpStream::connect(to).unwrap();
    client.write_all(b"HTTP/1.1 200 tunnel\r\n\r\n").unwrap();
    let (mut to_server, mut from_server) = (server.try_clone().unwrap(), server);
    let mut back = client;
    std::thread::spawn(move || std::io::copy(&mut from_server, &mut back));
    // Ends with the client's connection.
    let _ = std::io::copy(&mut reader, &mut to_server);
}

/// The server's name is known to the proxy alone.
const BEHIND: &str = "http://api.cluster.invalid:8080";

#[test]
fn a_proxy_stands_before_the_server() {
    let server = cluster();
    let (proxy, asked) = proxy(server.address);
    let named = format!(", proxy-url: \"http://{proxy}\"");
    let config = config(BEHIND, &named, "{token: not-a-real-token}");
    sonde(&diagnose(&config)).says(1, &["IMG-NOT-FOUND"]);
    let asked = asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|it| it.starts_with("CONNECT api.cluster.invalid:8080 ")),
        "{asked:?}"
    );
    assert!(!asked.is_empty());
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let server = cluster();
    let (proxy, asked) = proxy(server.address);
    let config = config(BEHIND, "", "{token: not-a-real-token}");
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let mut command = command(&diagnose(&config));
        command.env(name, format!("http://{proxy}"));
        run(command, b"").says(1, &["IMG-NOT-FOUND"]);
        assert!(!std::mem::take(&mut *asked.lock().unwrap()).is_empty(), "{name}");
    }
}
