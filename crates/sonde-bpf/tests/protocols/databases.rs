//! Databases and caches, and their clients.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::{Client, Load, Stage, Tally, TallyBy, built, program, scripted};

pub(crate) fn redis(stage: &mut Stage) -> Result<(), String> {
    program("redis-cli")?;
    let mut redis = Command::new(program("redis-server")?);
    redis.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    stage.serve(redis.args(["--port", &stage.port.to_string()]));
    Ok(())
}

/// It first asks for the documentation of all commands.
pub(crate) fn redis_cli(stage: &Stage, load: Load) -> Client {
    scripted(stage, load, "SET order 7\n", "LPUSH order 8\n", || {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &stage.port.to_string()]);
        command
    })
    .opening(load, 1)
}

pub(crate) fn mariadb(stage: &mut Stage) -> Result<(), String> {
    program("mariadb")?;
    let (server, install) = (program("mariadbd")?, program("mariadb-install-db")?);
    let data = format!("--datadir={}", stage.path("data").display());
    let output = Command::new(install)
        .args([
            "--no-defaults",
            &data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ])
        .args(["--user=root", "--innodb-log-file-size=4M"])
        .output();
    let output = output.map_err(|error| format!("mariadb-install-db: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut command = Command::new(server);
    command.args([
        "--no-defaults",
        "--user=root",
        "--bind-address=127.0.0.1",
        "--skip-log-bin",
    ]);
    command.args([&data, "--skip-name-resolve", "--innodb-log-file-size=4M"]);
    command.arg(format!("--socket={}", stage.path("socket").display()));
    stage.serve(command.args(["--port", &stage.port.to_string()]));
    Ok(())
}

/// Its login is a call, too.
pub(crate) fn mariadb_client(stage: &Stage, load: Load) -> Client {
    scripted(
        stage,
        load,
        "select 1 + 1;\n",
        "select * from shop.absent;\n",
        || {
            let mut command = Command::new("mariadb");
            command.args([
                "--no-defaults",
                "--force",
                "--host=127.0.0.1",
                "--user=root",
                "--skip-ssl",
            ]);
            command.args(["--protocol=tcp", &format!("--port={}", stage.port)]);
            // What it could not do is its exit code: that is meant here.
            allow_failure(&command)
        },
    )
    .opening(load, 1)
}

/// The same command, whose failure is none.
fn allow_failure(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$@\" || true", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

pub(crate) fn postgres(stage: &mut Stage) -> Result<(), String> {
    program("psql")?;
    program("pgbench")?;
    let programs = postgres_programs().ok_or("PostgreSQL is not installed")?;
    // It refuses to run as root.
    let user = passwd("postgres").ok_or("there is no user postgres")?;
    let data = stage.path("data");
    fs::create_dir(&data).map_err(|error| error.to_string())?;
    chown(&data, Some(user.0), Some(user.1)).map_err(|error| format!("chown: {error}"))?;
    let folder = Path::new(&stage.folder()).to_owned();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    let output = as_postgres(&programs.join("initdb"))
        .args(["--auth=trust", "--username=postgres", "--no-sync", "-D"])
        .arg(&data)
        .current_dir("/")
        .output()
        .map_err(|error| format!("initdb: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut server = as_postgres(&programs.join("postgres"));
    server
        .arg("-D")
        .arg(&data)
        .args(["-h", "127.0.0.1", "-c", "fsync=off", "-k"])
        .arg(&data);
    stage.serve(server.args(["-p", &stage.port.to_string()]));
    Ok(())
}

fn postgres_programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=postgres",
        "--regid=postgres",
        "--clear-groups",
        "--pdeathsig=KILL",
    ]);
    command.arg(program);
    command
}

/// User and group of a name.
fn passwd(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn plain_postgres(program: &str, stage: &Stage) -> Command {
    let mut command = Command::new(program);
    command.envs([("PGSSLMODE", "disable"), ("PGGSSENCMODE", "disable")]);
    command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &stage.port.to_string()]);
    command
}

/// Its start is a call, too.
pub(crate) fn psql(stage: &Stage, load: Load) -> Client {
    scripted(stage, load, "select 1 + 1;\n", "select * from absent;\n", || {
        let mut command = plain_postgres("psql", stage);
        command.args(["-X", "-q", "-d", "postgres"]);
        command
    })
    .opening(load, 1)
}

/// Prepared statements by the extended protocol; one connection more reads what tables there are.
pub(crate) fn pgbench(stage: &Stage, load: Load) -> Client {
    let script = stage.write("select.sql", "select 1 + :client_id;\n");
    let mut command = plain_postgres("pgbench", stage);
    command.args(["-n", "-M", "extended", "-f"]).arg(script);
    command.args([
        "-c",
        &load.connections.to_string(),
        "-t",
        &load.requests.to_string(),
    ]);
    command.arg("postgres");
    Client {
        commands: vec![command],
        tally: TallyBy::Known(Tally {
            sent: load.connections * (load.requests + 1) + 1,
            failed: 0,
        }),
    }
}

pub(crate) fn memcached(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let mut memcached = Command::new(program("memcached")?);
    memcached.args([
        "-u",
        "root",
        "-l",
        "127.0.0.1",
        "-U",
        "0",
        "-p",
        &stage.port.to_string(),
    ]);
    stage.serve(&mut memcached);
    Ok(())
}

pub(crate) fn ferretdb(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let mut ferretdb = Command::new(built("ferretdb")?);
    let data = stage.path("data");
    fs::create_dir(&data).map_err(|error| error.to_string())?;
    stage.serve(ferretdb.arg(stage.address()).arg(data));
    Ok(())
}
