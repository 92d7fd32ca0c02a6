//! Real servers, and the clients that keep them busy.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::loads::Load;
use super::{Goal, SERVERS};
use crate::packages;

/// A process that ends with its value.
pub(super) struct Running(pub(super) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// All of them, started.
pub(super) fn loads(folder: &Path) -> Result<Vec<(Load, Goal)>> {
    let (redis, nginx, mariadb) = (free_port()?, free_port()?, free_port()?);
    Ok(vec![
        (
            Load {
                name: "redis GET",
                requests: 150_000,
                port: redis,
                server: start_redis(folder, redis)?,
                client: Box::new(move |requests| {
                    words(format!(
                        "redis-benchmark -p {redis} -n {requests} -c 50 -t get -q"
                    ))
                }),
            },
            Goal {
                socket: "≤ 0.6 us and ≤ 8 %",
                packet: "≤ 0.8 us",
            },
        ),
        (
            Load {
                name: "nginx 200, kept connections",
                requests: 60_000,
                port: nginx,
                server: start_nginx(folder, nginx)?,
                client: Box::new(move |requests| {
                    words(format!("ab -q -k -n {requests} -c 16 http://127.0.0.1:{nginx}/"))
                }),
            },
            Goal {
                socket: "≤ 0.5 us",
                packet: "≤ 0.8 us",
            },
        ),
        (
            Load {
                name: "MariaDB point select",
                requests: 30_000,
                port: mariadb,
                server: start_mariadb(folder, mariadb)?,
                client: Box::new(move |requests| {
                    let mut command = words(format!(
                        "mariadb-slap --no-defaults -h127.0.0.1 -P{mariadb} -uroot --protocol=tcp \
                         --create-schema=bench --no-drop --concurrency=4 --number-of-queries={requests}"
                    ));
                    command.push("--query=select v from t where id = 77".to_owned());
                    command
                }),
            },
            Goal {
                socket: "≤ 2 %",
                packet: "≤ 3 %",
            },
        ),
    ])
}

fn words(text: String) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A command on the servers' processor.
fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVERS]).arg(program);
    command
}

fn start_redis(folder: &Path, port: u16) -> Result<Running> {
    let child = pinned(Path::new("redis-server"))
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .context("failed to start redis-server")?;
    await_listener(port, Running(child))
}

fn start_nginx(folder: &Path, port: u16) -> Result<Running> {
    let config = folder.join("nginx.conf");
    let at = folder.display();
    fs::write(
        &config,
        format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log; events {{ }}\n\
             http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {at}; proxy_temp_path {at};\n\
             fastcgi_temp_path {at}; uwsgi_temp_path {at}; scgi_temp_path {at};\n\
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 \"hello\\n\"; }} }} }}"
        ),
    )?;
    let program = packages::find_program("nginx").context("nginx is not installed")?;
    let child = pinned(&program)
        .arg("-c")
        .arg(&config)
        .arg("-p")
        .arg(folder)
        .spawn()?;
    await_listener(port, Running(child))
}

fn start_mariadb(folder: &Path, port: u16) -> Result<Running> {
    let data = folder.join("mariadb");
    let install =
        packages::find_program("mariadb-install-db").context("mariadb-install-db is not installed")?;
    let made = Command::new(install)
        .args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--user=root",
        ])
        .arg(format!("--datadir={}", data.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !made.success() {
        bail!("mariadb-install-db failed");
    }
    let program = packages::find_program("mariadbd").context("mariadbd is not installed")?;
    let child = pinned(&program)
        .args([
            "--no-defaults",
            "--user=root",
            "--bind-address=127.0.0.1",
            "--thread-cache-size=64",
        ])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", folder.join("mariadb.sock").display()))
        .arg(format!("--pid-file={}", folder.join("mariadb.pid").display()))
        .arg(format!("--port={port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("failed to start mariadbd")?;
    let server = await_listener(port, Running(child))?;
    let made = Command::new("mariadb")
        .args(["--no-defaults", "-h127.0.0.1", "-uroot", "--protocol=tcp"])
        .arg(format!("-P{port}"))
        .arg("-e")
        .arg(
            "create database bench; use bench; create table t (id int primary key, v varchar(32)); \
             insert into t select seq, concat('value ', seq) from seq_1_to_1000;",
        )
        .status()?;
    if !made.success() {
        bail!("the table to read from cannot be made");
    }
    Ok(server)
}

fn await_listener(port: u16, server: Running) -> Result<Running> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        if Instant::now() > deadline {
            bail!("nothing listens on {port}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
