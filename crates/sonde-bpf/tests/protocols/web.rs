//! Servers of HTTP/1.1, HTTP/2, gRPC and DNS, and their clients.

use std::process::Command;

use crate::stage::{Client, FAIL_EACH, Load, Stage, Tally, TallyBy, built, program};

pub(crate) fn nginx(stage: &mut Stage) -> Result<(), String> {
    program("ab")?;
    let folder = stage.folder();
    let config = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
         events {{ }}
         http {{
           access_log off; keepalive_requests 1000000;
           client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
           uwsgi_temp_path {folder}; scgi_temp_path {folder};
           server {{
             listen 127.0.0.1:{}; location / {{ return 200 \"hello\\n\"; }} location /down {{ return 503; }}
           }}
         }}",
        stage.port
    );
    let config = stage.write("nginx.conf", &config);
    let mut nginx = Command::new(program("nginx")?);
    stage.serve(nginx.arg("-c").arg(config).args(["-p", &folder]));
    Ok(())
}

/// Two at once: one asks for what is there, the other for what is down.
pub(crate) fn ab(stage: &Stage, load: Load) -> Client {
    let total = load.connections * load.requests;
    let failed = total / FAIL_EACH;
    let ask = |requests: u64, path: &str| {
        let mut ab = Command::new("ab");
        ab.args(["-k", "-q", "-l", "-n", &requests.to_string()]);
        ab.args(["-c", &load.connections.to_string()]);
        ab.arg(format!("http://{}{path}", stage.address()));
        ab
    };
    Client {
        commands: vec![ask(total - failed, "/"), ask(failed, "/down")],
        tally: TallyBy::Known(Tally { sent: total, failed }),
    }
}

pub(crate) fn nghttpd(stage: &mut Stage) -> Result<(), String> {
    program("h2load")?;
    stage.write("order", "hello\n");
    let mut nghttpd = Command::new(program("nghttpd")?);
    nghttpd.args(["--no-tls", "--address=127.0.0.1", "-d", &stage.folder()]);
    stage.serve(nghttpd.arg(stage.port.to_string()));
    Ok(())
}

/// One stream at a time on each connection.
pub(crate) fn h2load(stage: &Stage, load: Load) -> Client {
    h2load_streams(stage, load, 1)
}

/// Ten at a time.
pub(crate) fn h2load_parallel(stage: &Stage, load: Load) -> Client {
    h2load_streams(stage, load, 10)
}

/// One of ten asks for what is not there.
fn h2load_streams(stage: &Stage, load: Load, streams: u64) -> Client {
    let total = load.connections * load.requests;
    let failed = total / FAIL_EACH;
    let ask = |requests: u64, path: &str| {
        let mut h2load = Command::new("h2load");
        h2load.args(["-m", &streams.to_string(), "-n", &requests.to_string()]);
        h2load.args(["-c", &load.connections.to_string()]);
        h2load.arg(format!("http://{}{path}", stage.address()));
        h2load
    };
    Client {
        commands: vec![ask(total - failed, "/order"), ask(failed, "/absent")],
        tally: TallyBy::Known(Tally { sent: total, failed }),
    }
}

pub(crate) fn grpc(stage: &mut Stage) -> Result<(), String> {
    let address = stage.address();
    stage.serve(Command::new(built("load")?).args(["serve-grpc", &address]));
    Ok(())
}

pub(crate) fn unbound(stage: &mut Stage) -> Result<(), String> {
    program("kdig")?;
    let config = format!(
        "server:
           interface: 127.0.0.1
           port: {}
           do-daemonize: no
           use-syslog: no
           username: \"\"
           chroot: \"\"
           directory: \"{folder}\"
           pidfile: \"{folder}/pid\"
           tcp-idle-timeout: 30000
           local-zone: \"shop.test.\" static
           local-data: \"orders.shop.test. A 192.0.2.7\"
         remote-control:
           control-enable: no
        ",
        stage.port,
        folder = stage.folder()
    );
    let config = stage.write("unbound.conf", &config);
    stage.serve(Command::new(program("unbound")?).arg("-d").arg("-c").arg(config));
    Ok(())
}

/// One process for each connection, which stays open for all its questions.
pub(crate) fn kdig(stage: &Stage, load: Load) -> Client {
    let total = load.connections * load.requests;
    let ask = || {
        let mut kdig = Command::new("kdig");
        kdig.args(["@127.0.0.1", "-p", &stage.port.to_string(), "+tcp", "+keepopen"]);
        for at in 0..load.requests {
            let name = if at % FAIL_EACH == FAIL_EACH - 1 {
                "absent.shop.test"
            } else {
                "orders.shop.test"
            };
            kdig.args([name, "A"]);
        }
        kdig
    };
    Client {
        commands: (0..load.connections).map(|_| ask()).collect(),
        tally: TallyBy::Known(Tally {
            sent: total,
            failed: total / FAIL_EACH,
        }),
    }
}
