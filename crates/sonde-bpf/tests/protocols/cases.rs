//! The table: which server, which client, and what the kernel can tell of failures.

use sonde_l7::Protocol;

use crate::stage::{Client, Load, Stage, loaded};
use crate::{brokers, databases, web};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) errors: Errors,
    /// Starts it on the stage's port, or says why it cannot.
    pub(crate) server: fn(&mut Stage) -> Result<(), String>,
    pub(crate) client: fn(&Stage, Load) -> Client,
}

/// Whether the kernel counts failures.
pub(crate) enum Errors {
    /// All that the client was answered.
    Counted,
    /// The protocol tells of them where no fixed byte is.
    NotByFirstBytes,
}

macro_rules! table {
    ($($test:ident $name:literal $protocol:ident $errors:ident $server:path, $client:expr;)*) => {
        $(pub(crate) fn $test() -> Case {
            Case {
                name: $name,
                protocol: Protocol::$protocol,
                errors: Errors::$errors,
                server: $server,
                client: $client,
            }
        })*

        /// All of them, by the names of their tests.
        pub(crate) const ALL: &[(&str, fn() -> Case)] = &[$((stringify!($test), $test)),*];
    };
}

table! {
    redis_commands "redis-server, redis-cli" Redis Counted databases::redis, databases::redis_cli;
    http1_requests "nginx, ab" Http1 Counted web::nginx, web::ab;
    mysql_statements "mariadbd, mariadb" Mysql Counted databases::mariadb, databases::mariadb_client;
    postgres_statements "postgres, psql" Postgres Counted databases::postgres, databases::psql;
    postgres_extended "postgres, pgbench" Postgres Counted databases::postgres, databases::pgbench;
    memcached_commands "memcached, gomemcache" Memcached Counted databases::memcached,
        |stage, load| loaded(stage, "memcached", load);
    dns_over_tcp "unbound, kdig" Dns Counted web::unbound, web::kdig;
    amqp_methods "rabbitmq-server, amqp091-go" Amqp Counted brokers::rabbitmq,
        |stage, load| loaded(stage, "amqp", load);
    mqtt_publishes "mosquitto, paho" Mqtt Counted brokers::mosquitto,
        |stage, load| loaded(stage, "mqtt", load);
    zookeeper_reads "zookeeper, go-zookeeper" Zookeeper Counted brokers::zookeeper,
        |stage, load| loaded(stage, "zookeeper", load);
    nats_round_trips "nats-server, nats.go" Nats Counted brokers::nats, |stage, load| loaded(stage, "nats", load);
    http2_requests "nghttpd, h2load" Http2 Counted web::nghttpd, web::h2load;
    http2_parallel "nghttpd, h2load -m 10" Http2 Counted web::nghttpd, web::h2load_parallel;
    grpc_calls "grpc-go" Http2 NotByFirstBytes web::grpc, |stage, load| loaded(stage, "grpc", load);
    grpc_streams "grpc-go, streams" Http2 NotByFirstBytes web::grpc,
        |stage, load| loaded(stage, "grpc-streams", load);
    grpc_parallel "grpc-go, eight at once" Http2 NotByFirstBytes web::grpc,
        |stage, load| loaded(stage, "grpc-mixed", load);
    kafka_records "kafka, franz-go" Kafka NotByFirstBytes brokers::kafka, |stage, load| loaded(stage, "kafka", load);
    kafka_parallel "kafka, franz-go, five at once" Kafka NotByFirstBytes brokers::kafka,
        |stage, load| loaded(stage, "kafka-parallel", load);
    dubbo_parallel "dubbo, eight at once" Dubbo Counted brokers::dubbo, brokers::dubbo_parallel;
    dubbo_calls "dubbo" Dubbo Counted brokers::dubbo, brokers::dubbo_consumer;
    mongodb_commands "ferretdb, mongo-driver" Mongodb NotByFirstBytes databases::ferretdb,
        |stage, load| loaded(stage, "mongodb", load);
}
