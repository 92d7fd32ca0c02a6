//! Brokers and coordinators.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::stage::{Client, Load, Stage, TallyBy, built, program};

pub(crate) fn rabbitmq(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    // The package's command becomes its own user; the program below it does not.
    program("rabbitmq-server")?;
    let server = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if !server.exists() {
        return Err(format!("{} is not there", server.display()));
    }
    let folder = stage.folder();
    let config = stage.write(
        "rabbitmq.conf",
        &format!("listeners.tcp.1 = 127.0.0.1:{}\nlog.console = true\n", stage.port),
    );
    let distribution = Stage::other_port();
    // The broker would start its port mapper itself, and give up when that is not at once ready.
    let mapper = Stage::other_port();
    stage.serve(Command::new(program("epmd")?).args(["-address", "127.0.0.1", "-port", &mapper.to_string()]));
    stage.await_port(mapper);
    let mut command = Command::new(server);
    command
        .env("HOME", &folder)
        .env("RABBITMQ_NODENAME", format!("sonde{}@localhost", stage.port))
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("ERL_EPMD_PORT", mapper.to_string())
        .env("RABBITMQ_CONFIG_FILE", config)
        .env("RABBITMQ_MNESIA_BASE", stage.path("mnesia"))
        .env("RABBITMQ_LOG_BASE", stage.path("log"))
        .env("RABBITMQ_PID_FILE", stage.path("pid"))
        .env(
            "RABBITMQ_ENABLED_PLUGINS_FILE",
            stage.write("enabled_plugins", "[].\n"),
        )
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-setcookie sonde")
        .env("ERL_EPMD_RELAXED_COMMAND_CHECK", "true");
    stage.serve(&mut command);
    Ok(())
}

pub(crate) fn mosquitto(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let config = format!("listener {} 127.0.0.1\nallow_anonymous true\n", stage.port);
    let config = stage.write("mosquitto.conf", &config);
    stage.serve(Command::new(program("mosquitto")?).arg("-c").arg(config));
    Ok(())
}

pub(crate) fn zookeeper(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let java = program("java")?;
    let jar = Path::new("/usr/share/java/zookeeper.jar");
    if !jar.exists() {
        return Err("zookeeper is not installed".into());
    }
    let data = stage.path("data");
    fs::create_dir(&data).map_err(|error| error.to_string())?;
    let config = format!(
        "tickTime=60000\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
        data.display(),
        stage.port
    );
    let config = stage.write("zoo.cfg", &config);
    // The package's own list of what it needs.
    let script = ". /usr/share/zookeeper/bin/zkEnv.sh >/dev/null; exec \"$0\" -Xmx128m -cp \"$CLASSPATH\" \
                  org.apache.zookeeper.server.quorum.QuorumPeerMain \"$1\"";
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(java).arg(config);
    stage.serve(&mut shell);
    Ok(())
}

pub(crate) fn nats(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let mut command = Command::new(built("nats-server")?);
    stage.serve(command.args(["-a", "127.0.0.1", "-p", &stage.port.to_string()]));
    Ok(())
}

/// One broker that is its own controller.
pub(crate) fn kafka(stage: &mut Stage) -> Result<(), String> {
    built("load")?;
    let (java, jars) = (program("java")?, built("kafka")?);
    let controller = Stage::other_port();
    let data = stage.path("data");
    let config = format!(
        "process.roles=broker,controller
         node.id=1
         controller.quorum.voters=1@127.0.0.1:{controller}
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
         advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
         inter.broker.listener.name=PLAINTEXT
         controller.listener.names=CONTROLLER
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
         log.dirs={data}
         offsets.topic.replication.factor=1
         transaction.state.log.replication.factor=1
         transaction.state.log.min.isr=1
        ",
        port = stage.port,
        advertised = stage.advertised.unwrap_or(stage.port),
        data = data.display()
    );
    let config = stage.write("server.properties", &config);
    let classes = format!("{}/*", Path::new(&jars).display());
    let output = Command::new(&java)
        .args([
            "-cp",
            &classes,
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "AAAAAAAAAAAAAAAAAAAAAQ",
        ])
        .arg("-c")
        .arg(&config)
        .output()
        .map_err(|error| format!("java: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut broker = Command::new(java);
    broker.args(["-Xmx512m", "-cp", &classes, "kafka.Kafka"]);
    stage.serve(broker.arg(config));
    Ok(())
}

/// The provider and the consumer are one file, which Java compiles when it runs it.
fn dubbo_program() -> Result<Command, String> {
    let classes = format!("{}/*", Path::new(&built("dubbo")?).display());
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/dubbo/Orders.java");
    let mut java = Command::new(program("java")?);
    java.args(["-Xmx256m", "-cp", &classes]).arg(source);
    Ok(java)
}

pub(crate) fn dubbo(stage: &mut Stage) -> Result<(), String> {
    let port = stage.port.to_string();
    stage.serve(dubbo_program()?.args(["serve", &port]));
    Ok(())
}

pub(crate) fn dubbo_consumer(stage: &Stage, load: Load) -> Client {
    dubbo_at_once(stage, load, 1)
}

/// Eight calls at once on each connection.
pub(crate) fn dubbo_parallel(stage: &Stage, load: Load) -> Client {
    dubbo_at_once(stage, load, 8)
}

fn dubbo_at_once(stage: &Stage, load: Load, at_once: u64) -> Client {
    let mut java = dubbo_program().expect("the server needed it, too");
    let numbers = [load.connections, load.requests, at_once].map(|it| it.to_string());
    java.arg("load").arg(stage.address()).args(numbers);
    Client {
        commands: vec![java],
        tally: TallyBy::Printed,
    }
}
