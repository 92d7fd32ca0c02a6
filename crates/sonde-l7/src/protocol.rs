//! The table of protocols: one line each.

use crate::dialect::{self, Dialect};
use crate::kernel::KernelCheck;

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// A stream of bytes.
    Tcp,
    /// Datagrams: each segment is one message.
    Udp,
}

/// How requests and responses share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duplex {
    /// One after the other, in order; clients may send ahead.
    InOrder,
    /// Mixed; an id tells which response is whose.
    Multiplexed,
    /// Both sides send on their own; only some messages have a response.
    Free,
}

struct Row {
    protocol: Protocol,
    name: &'static str,
    title: &'static str,
    ports: &'static [u16],
    duplex: Duplex,
    tcp: Option<&'static Dialect>,
    udp: Option<&'static Dialect>,
}

macro_rules! table {
    ($($(#[$doc:meta])* $variant:ident $name:literal $title:literal $ports:tt $duplex:ident
        $(tcp $tcp:path)? $(, udp $udp:path)?;)*) => {
        /// An application protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Protocol {
            $($(#[$doc])* $variant,)*
        }

        impl Protocol {
            /// All of them, in the order of the table.
            pub const ALL: &[Protocol] = &[$(Protocol::$variant),*];
        }

        static TABLE: &[Row] = &[$(Row {
            protocol: Protocol::$variant,
            name: $name,
            title: $title,
            ports: &$ports,
            duplex: Duplex::$duplex,
            tcp: table!(@dialect $($tcp)?),
            udp: table!(@dialect $($udp)?),
        }),*];
    };
    (@dialect $path:path) => { Some(&$path) };
    (@dialect) => { None };
}

table! {
    /// HTTP/1.0 and HTTP/1.1.
    Http1 "http1" "HTTP/1.1" [80, 8080, 8000, 3000] InOrder tcp dialect::http1::DIALECT;
    /// HTTP/2.
    Http2 "http2" "HTTP/2" [8080, 50051] Multiplexed tcp dialect::http2::DIALECT;
    /// gRPC: calls that HTTP/2 carries.
    Grpc "grpc" "gRPC" [50051] Multiplexed;
    /// MySQL and MariaDB.
    Mysql "mysql" "MySQL" [3306] InOrder tcp dialect::mysql::DIALECT;
    /// PostgreSQL.
    Postgres "postgres" "PostgreSQL" [5432] InOrder tcp dialect::postgres::DIALECT;
    /// TLS: handshakes only.
    Tls "tls" "TLS" [443, 8443, 6443] InOrder tcp dialect::tls::DIALECT;
    /// Redis, and what speaks as it does.
    Redis "redis" "Redis" [6379] InOrder tcp dialect::redis::DIALECT;
    /// Memcached: text and binary.
    Memcached "memcached" "Memcached" [11211] InOrder tcp dialect::memcached::DIALECT;
    /// MongoDB.
    Mongodb "mongodb" "MongoDB" [27017, 27018, 27019] Multiplexed tcp dialect::mongodb::DIALECT;
    /// Kafka.
    Kafka "kafka" "Kafka" [9092, 9093, 9094] Multiplexed tcp dialect::kafka::DIALECT;
    /// AMQP 0-9-1.
    Amqp "amqp" "AMQP 0-9-1" [5672] Multiplexed tcp dialect::amqp::DIALECT;
    /// MQTT 3.1, 3.1.1 and 5.
    Mqtt "mqtt" "MQTT" [1883] Free tcp dialect::mqtt::DIALECT;
    /// NATS.
    Nats "nats" "NATS" [4222] Free tcp dialect::nats::DIALECT;
    /// Dubbo 2.
    Dubbo "dubbo" "Dubbo" [20880] Multiplexed tcp dialect::dubbo::DIALECT;
    /// ZooKeeper.
    Zookeeper "zookeeper" "ZooKeeper" [2181] Multiplexed tcp dialect::zookeeper::DIALECT;
    /// The domain name system.
    Dns "dns" "DNS" [53] Multiplexed tcp dialect::dns::TCP, udp dialect::dns::UDP;
}

impl Protocol {
    fn row(self) -> &'static Row {
        let row = &TABLE[self as usize];
        debug_assert_eq!(
            row.protocol, self,
            "the table stands in the order of the variants"
        );
        row
    }

    /// The name in metrics, files and arguments.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name that people read.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The protocol with this [`name`](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name() == name)
    }

    /// Ports on which it often listens: a hint for the order of looking, never a proof.
    pub fn ports(self) -> &'static [u16] {
        self.row().ports
    }

    /// How requests and responses share a connection.
    pub fn duplex(self) -> Duplex {
        self.row().duplex
    }

    /// Whether a verdict can name it on this transport; what only rides inside another protocol is never a verdict.
    pub fn runs_on(self, transport: Transport) -> bool {
        self.dialect(transport).is_some()
    }

    /// How the kernel tells success from failure; `None` if it cannot for this protocol on this transport.
    pub fn kernel_check(self, transport: Transport) -> Option<&'static KernelCheck> {
        match self {
            Self::Grpc => Some(&dialect::http2::GRPC_KERNEL),
            _ => self.dialect(transport).map(|dialect| &dialect.kernel),
        }
    }

    pub(crate) fn dialect(self, transport: Transport) -> Option<&'static Dialect> {
        match transport {
            Transport::Tcp => self.row().tcp,
            Transport::Udp => self.row().udp,
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.title())
    }
}
