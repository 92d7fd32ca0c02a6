//! The golden test for each protocol: a real server, a real client, several connections at once, and requests sent are
//! requests counted, at both ends, under the right verdict. The table of cases is `protocols/cases.rs`.
//!
//! `SONDE_PROTOCOLS_REQUESTS` sets how many requests each of the connections sends, `SONDE_PROTOCOLS_TIER` which tier
//! alone counts: `S` or `P`; `SONDE_PROTOCOLS_RECORD` names a folder for streams of the corpus, which are recorded then.

#[path = "protocols/brokers.rs"]
mod brokers;
#[path = "protocols/cases.rs"]
mod cases;
#[path = "protocols/databases.rs"]
mod databases;
#[path = "protocols/record.rs"]
mod record;
#[path = "protocols/sessions.rs"]
mod sessions;
#[path = "protocols/stage.rs"]
mod stage;
#[path = "protocols/watch.rs"]
mod watch;
#[path = "protocols/web.rs"]
mod web;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sonde_bpf::Tier;
use sonde_model::{CallCounts, Role};

use cases::{Case, Errors};
use record::Recorder;
use stage::{Client, Load, Stage, Tally};
use watch::Watch;

/// The programs see the whole machine: one server at a time.
static ONE: Mutex<()> = Mutex::new(());

/// A client before the ones that are compared: what it says gives the verdict.
const FIRST: Load = Load {
    connections: 1,
    requests: 20,
};

fn load() -> Load {
    let requests = std::env::var("SONDE_PROTOCOLS_REQUESTS").ok();
    Load {
        connections: 4,
        requests: requests.and_then(|it| it.parse().ok()).unwrap_or(500),
    }
}

fn prove(case: &Case) {
    let _one = ONE.lock();
    let mut stage = Stage::new();
    if let Err(reason) = (case.server)(&mut stage) {
        eprintln!("skipped: {}: {reason}", case.name);
        return;
    }
    stage.await_listener();
    let tiers = std::env::var("SONDE_PROTOCOLS_TIER").ok();
    for tier in Tier::ALL {
        if tiers.as_ref().is_none_or(|it| *it == tier.to_string()) {
            prove_on(tier, case, &stage);
        }
    }
}

fn prove_on(tier: Tier, case: &Case, stage: &Stage) {
    let Some(mut watch) = Watch::start(tier) else {
        return;
    };
    (case.client)(stage, FIRST).run(&mut |children| watch.during(children));
    watch.settle(stage.port);
    let shown = format!("{} on tier {tier}", case.name);
    assert_eq!(watch.verdict(stage.port), Some(case.protocol), "{shown}");

    let Tally { sent, failed } = (case.client)(stage, load()).run(&mut |children| watch.during(children));
    let counted = watch.settle(stage.port);
    let sum = |role: Role| {
        let mut all = CallCounts::default();
        for ((at, _), counts) in &counted {
            if *at == role {
                all.add(counts);
            }
        }
        all
    };
    let (client, server) = (sum(Role::Client), sum(Role::Server));
    let errors = (client.errors, server.errors);
    println!(
        "{shown}: verdict {}, sent {sent} failed {failed} on {} connections; counted by client {} server {}, errors {errors:?}",
        case.protocol, client.opened, client.calls, server.calls,
    );
    assert!(sent > 0);
    assert_eq!((client.calls, server.calls), (sent, sent), "{shown}");
    match case.errors {
        Errors::Counted => assert_eq!(errors, (failed, failed), "errors of {shown}"),
        Errors::NotByFirstBytes => {}
    }
    for ((role, protocol), counts) in &counted {
        assert!(
            *protocol == Some(case.protocol) || counts.calls == 0,
            "{shown}: {} calls of {role:?} counted as {protocol:?}",
            counts.calls
        );
    }
    assert_eq!(watch.losses(), (0, 0), "edges and sockets without room");
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test] fn $name() { prove(&cases::$name()); })*
    };
}

cases! {
    redis_commands
    http1_requests
    mysql_statements
    postgres_statements
    postgres_extended
    memcached_commands
    dns_over_tcp
    amqp_methods
    mqtt_publishes
    zookeeper_reads
    nats_round_trips
    http2_requests
    http2_parallel
    grpc_calls
    grpc_streams
    grpc_parallel
    kafka_records
    kafka_parallel
    dubbo_parallel
    dubbo_calls
    mongodb_commands
}

/// Records what the corpus of `sonde-l7` has: no test, but its servers are those of the tests.
#[test]
fn sessions_are_recorded() {
    let Some(folder) = std::env::var_os("SONDE_PROTOCOLS_RECORD").map(PathBuf::from) else {
        return;
    };
    let _one = ONE.lock();
    for (name, case) in cases::ALL {
        record_case(&folder, name, &case());
    }
    for stranger in sessions::STRANGERS {
        let mut stage = Stage::new();
        let mut server = stranger.command(&stage);
        stage.serve(&mut server);
        let recorder = relayed(&mut stage);
        let mut written = 0;
        for (at, client) in stranger.clients.iter().enumerate() {
            let client = Client {
                commands: vec![sessions::shell(&format!("({client}) || true"), &stage, "", at)],
                tally: stage::TallyBy::Printed,
            };
            client.run(&mut wait);
            let file = format!("{}-{at}", stranger.name);
            let remark = format!("{}; {}", stranger.server, stranger.clients[at]);
            written += recorder.write(&folder.join("none"), &file, None, &remark.replace('\n', " "));
        }
        println!("{}: {written} connections", stranger.name);
    }
}

fn record_case(folder: &Path, name: &str, case: &Case) {
    let sessions = || sessions::SESSIONS.iter().filter(|it| it.of == name);
    let loaded = || sessions::LOADED.iter().filter(|it| it.0 == name);
    if sessions().next().is_none() && loaded().next().is_none() {
        return;
    }
    let mut stage = Stage::new();
    stage.advertised = Some(Stage::other_port());
    if let Err(reason) = (case.server)(&mut stage) {
        eprintln!("skipped: {name}: {reason}");
        return;
    }
    let recorder = relayed(&mut stage);
    let folder = folder.join(case.protocol.name());
    let mut written = 0;
    for (table, sessions) in sessions().enumerate() {
        for at in 0..sessions.said.len() {
            sessions::session(sessions, &stage, at).run(&mut wait);
            let file = format!("{name}-{table}-{at}");
            let remark = format!("{}; {}; {}", case.name, sessions.client, sessions.said[at]);
            written += recorder.write(&folder, &file, Some(case.protocol), &remark);
        }
    }
    for (_, client) in loaded() {
        for count in sessions::COUNTS {
            let load = sessions::load_of(*count);
            let command = match *client {
                "dubbo" => (case.client)(&stage, load),
                client => stage::loaded(&stage, client, load),
            };
            command.run(&mut wait);
            let remark = format!("{}; e2e/services load {client}, {count} requests", case.name);
            written += recorder.write(
                &folder,
                &format!("{client}-{count}"),
                Some(case.protocol),
                &remark,
            );
        }
    }
    println!("{name}: {written} connections");
}

/// Puts a recorder before the server, at the port that it tells its clients.
fn relayed(stage: &mut Stage) -> Recorder {
    stage.await_listener();
    let recorder = Recorder::start(stage.advertised.unwrap_or(0), stage.port).expect("a free port");
    stage.port = recorder.port;
    recorder
}

fn wait(children: &mut [std::process::Child]) {
    for child in children {
        child.wait().expect("a process of ours");
    }
}
