//! What is recorded for the corpus of `sonde-l7`: many different sessions of each protocol, and of protocols that are none
//! of ours.

use std::process::Command;

use crate::stage::{Client, Load, Stage, TallyBy};

/// A shell's command line for each session; `$PORT` is the server's, `$N` the session's number.
pub(crate) struct Sessions {
    /// A test of the table of cases, whose server it needs.
    pub(crate) of: &'static str,
    /// The client, with its options.
    pub(crate) client: &'static str,
    /// What is said, one line a session.
    pub(crate) said: &'static [&'static str],
}

pub(crate) const SESSIONS: &[Sessions] = &[
    Sessions {
        of: "redis_commands",
        client: "printf '%b' \"$SAID\\n\" | redis-cli -p $PORT",
        said: &[
            "PING",
            "SET a 1\\nGET a",
            "INCR n\\nINCR n\\nGET n",
            "LPUSH l 1 2 3\\nLRANGE l 0 -1\\nLPUSH a 1",
            "HSET h f v g w\\nHGETALL h",
            "SADD s x y\\nSMEMBERS s\\nSCARD s",
            "ZADD z 1 a 2 b\\nZRANGE z 0 -1 WITHSCORES",
            "MULTI\\nSET t 1\\nINCR t\\nEXEC",
            "EVAL 'return redis.call(\"GET\",\"a\")' 0",
            "NOSUCH command",
            "GET absent",
            "XADD st * f v\\nXRANGE st - +",
            "INFO server",
            "CONFIG GET maxmemory",
            "TYPE a\\nTTL a\\nEXPIRE a 100\\nTTL a",
            "SELECT 3\\nSET x y\\nDBSIZE",
            "AUTH wrong",
            "GETRANGE a 0 -1\\nAPPEND a xyz\\nSTRLEN a",
            "SUBSCRIBE c\\n",
            "PUBLISH c hello",
            "HELLO 3\\nHGETALL h",
            "SETEX k 9 v\\nPERSIST k",
            "SCAN 0\\nKEYS *",
            "GEOADD g 13.3 38.1 p\\nGEOPOS g p",
            "PFADD hl a b c\\nPFCOUNT hl",
        ],
    },
    Sessions {
        of: "http1_requests",
        client: "curl -s -o /dev/null --max-time 5 $SAID",
        said: &[
            "http://127.0.0.1:$PORT/",
            "http://127.0.0.1:$PORT/down",
            "-I http://127.0.0.1:$PORT/",
            "-d a=1 http://127.0.0.1:$PORT/orders/17",
            "-X PUT -d body http://127.0.0.1:$PORT/orders/18",
            "-X DELETE http://127.0.0.1:$PORT/orders/19",
            "--http1.0 http://127.0.0.1:$PORT/",
            "-H Connection:close http://127.0.0.1:$PORT/",
            "-X OPTIONS http://127.0.0.1:$PORT/*",
            "-F file=@/etc/hostname http://127.0.0.1:$PORT/upload",
            "-H Accept:application/json http://127.0.0.1:$PORT/a?b=c",
            "http://127.0.0.1:$PORT/1 http://127.0.0.1:$PORT/2 http://127.0.0.1:$PORT/3",
            "-r 0-3 http://127.0.0.1:$PORT/",
            "-u user:secret http://127.0.0.1:$PORT/",
            "-X PATCH -d x http://127.0.0.1:$PORT/",
            "-b c=d http://127.0.0.1:$PORT/",
            "-X BREW http://127.0.0.1:$PORT/",
            "-T /etc/hostname http://127.0.0.1:$PORT/put",
            "--http2 http://127.0.0.1:$PORT/",
            "-H Transfer-Encoding:chunked -d stuff http://127.0.0.1:$PORT/",
            "-A Mozilla/5.0 http://127.0.0.1:$PORT/index.html",
            "-e http://shop.test/ http://127.0.0.1:$PORT/",
        ],
    },
    Sessions {
        of: "mysql_statements",
        client: "printf '%b' \"$SAID\\n\" | mariadb --no-defaults --force -h 127.0.0.1 -u root --skip-ssl -P $PORT",
        said: &[
            "select 1;",
            "select * from absent;",
            "show databases;",
            "show variables like 'max%';",
            "create database shop1; use shop1; create table o(a int, b text);",
            "insert into shop1.o values (1,'x'),(2,'y');",
            "select * from shop1.o where b='x';",
            "update shop1.o set a=7 where b='y';",
            "delete from shop1.o;",
            "start transaction; insert into shop1.o values (3,'z'); rollback;",
            "prepare p from 'select ?+1'; execute p using 3;",
            "select sleep(0.01);",
            "explain select * from mysql.user;",
            "set names utf8mb4; select 'ü';",
            "select repeat('x', 5000);",
            "kill 999999;",
            "use absent;",
            "show processlist;",
            "select now(), version(), user();",
            "syntax error;",
            "select * from information_schema.tables limit 50;",
            "create table shop1.o(a int);",
            "drop database shop1;",
            "flush status;",
            "show status like 'Q%';",
        ],
    },
    Sessions {
        of: "mysql_statements",
        client: "mariadb --no-defaults -h 127.0.0.1 --skip-ssl -P $PORT $SAID",
        said: &[
            "-u nobody -pwrong",
            "-u root -e 'select 2'",
            "-u root -D absent -e 'select 3'",
            "-u root --compress -e 'select 4'",
            "-u root -B -N -e 'show tables from mysql'",
            "-u root --default-auth=mysql_native_password -e 'select 5'",
        ],
    },
    Sessions {
        of: "postgres_statements",
        client: "printf '%b' \"$SAID\\n\" | PGSSLMODE=disable PGGSSENCMODE=disable psql -X -q -h 127.0.0.1 -U postgres -p $PORT postgres",
        said: &[
            "select 1;",
            "select * from absent;",
            "\\\\l",
            "\\\\dt pg_catalog.*",
            "create table o(a int, b text);",
            "insert into o values (1,'x'),(2,'y');",
            "select * from o where b='x';",
            "update o set a=7;",
            "delete from o;",
            "begin; insert into o values (3,'z'); rollback;",
            "prepare p as select $1+1; execute p(3);",
            "select pg_sleep(0.01);",
            "explain select * from pg_class;",
            "copy o to stdout;",
            "copy o from stdin;\\n1\\tx\\n\\\\.",
            "select repeat('x', 5000);",
            "listen c; notify c, 'hello';",
            "syntax error;",
            "select 1/0;",
            "set work_mem='8MB'; show work_mem;",
            "do 'begin raise notice ''hi''; end';",
            "select generate_series(1, 200);",
            "vacuum o;",
            "drop table o;",
        ],
    },
    Sessions {
        of: "postgres_statements",
        client: "$SAID",
        said: &[
            "PGSSLMODE=prefer psql -X -h 127.0.0.1 -U postgres -p $PORT postgres -c 'select 1'",
            "PGSSLMODE=require psql -X -h 127.0.0.1 -U postgres -p $PORT postgres -c 'select 1'",
            "psql -X -h 127.0.0.1 -U nobody -p $PORT postgres -c 'select 1'",
            "psql -X -h 127.0.0.1 -U postgres -p $PORT absent -c 'select 1'",
            "PGSSLMODE=disable pgbench -n -h 127.0.0.1 -U postgres -p $PORT -M simple -t 3 -c 4 -f <(echo 'select 1;') postgres",
            "PGSSLMODE=disable pgbench -n -h 127.0.0.1 -U postgres -p $PORT -M extended -t 3 -c 4 -f <(echo 'select :client_id;') postgres",
            "PGSSLMODE=disable pgbench -n -h 127.0.0.1 -U postgres -p $PORT -M prepared -t 3 -c 4 -f <(echo 'select :client_id;') postgres",
            "PGSSLMODE=disable pg_isready -h 127.0.0.1 -p $PORT",
            "PGSSLMODE=disable pg_dump -h 127.0.0.1 -U postgres -p $PORT postgres",
        ],
    },
    Sessions {
        of: "dns_over_tcp",
        client: "kdig @127.0.0.1 -p $PORT +tcp +keepopen $SAID",
        said: &[
            "orders.shop.test A",
            "orders.shop.test AAAA",
            "absent.shop.test A",
            "shop.test SOA",
            "shop.test NS",
            "shop.test MX",
            "-x 192.0.2.7",
            "orders.shop.test TXT",
            "orders.shop.test SRV +dnssec",
            "localhost A",
            "orders.shop.test A absent.shop.test A",
            "orders.shop.test ANY",
            "shop.test AXFR",
            "orders.shop.test HTTPS",
            "orders.shop.test CAA +bufsize=512",
            "example.test A +norec",
            "version.bind TXT CH",
            "orders.shop.test A +cookie",
            "a.very.long.name.below.shop.test A",
            "ORDERS.Shop.Test A",
            ". NS",
        ],
    },
    Sessions {
        of: "mqtt_publishes",
        client: "$SAID",
        said: &[
            "mosquitto_pub -p $PORT -t a/b -m hi",
            "mosquitto_pub -p $PORT -t a/b -m hi -q 1",
            "mosquitto_pub -p $PORT -t a/b -m hi -q 2",
            "mosquitto_pub -p $PORT -t a/b -n -r",
            "mosquitto_pub -p $PORT -t a/b -m hi -V mqttv5",
            "mosquitto_pub -p $PORT -t a -m x -V mqttv31",
            "seq 5 | mosquitto_pub -p $PORT -t a/b -l",
            "seq 5 | mosquitto_pub -p $PORT -t a/b -l -q 1",
            "seq 5 | mosquitto_pub -p $PORT -t a/b -l -q 2 -V 5",
            "mosquitto_pub -p $PORT -t a/b -m hi -u user -P secret",
            "mosquitto_pub -p $PORT -t a/b -m hi --will-topic w --will-payload gone",
            "mosquitto_sub -p $PORT -t a/# -W 1",
            "mosquitto_sub -p $PORT -t a/b -q 1 -W 1",
            "mosquitto_sub -p $PORT -t a/b -q 2 -W 1 -V mqttv5",
            "mosquitto_sub -p $PORT -t '$SYS/#' -W 1",
            "mosquitto_sub -p $PORT -t a/b -t c/d -W 1",
            "mosquitto_sub -p $PORT -t a/b -c -i me -q 1 -W 1",
            "mosquitto_rr -p $PORT -t q -e r -m ask -W 1 -V mqttv5",
            "mosquitto_pub -p $PORT -t a/b -m hi -i id -k 5",
            "mosquitto_pub -p $PORT -t a/b -f /etc/hosts -q 1",
        ],
    },
    Sessions {
        of: "http2_requests",
        client: "$SAID",
        said: &[
            "curl -s -o /dev/null --http2-prior-knowledge http://127.0.0.1:$PORT/order",
            "curl -s -o /dev/null --http2-prior-knowledge http://127.0.0.1:$PORT/absent",
            "curl -s -o /dev/null --http2-prior-knowledge -I http://127.0.0.1:$PORT/order",
            "curl -s -o /dev/null --http2-prior-knowledge -d a=1 http://127.0.0.1:$PORT/order",
            "curl -s -o /dev/null --http2-prior-knowledge -T /etc/hosts http://127.0.0.1:$PORT/order",
            "curl -s -o /dev/null --http2-prior-knowledge -X DELETE http://127.0.0.1:$PORT/1",
            "h2load -n 1 -c 1 http://127.0.0.1:$PORT/order",
            "h2load -n 8 -c 4 -m 2 http://127.0.0.1:$PORT/order",
            "h2load -n 40 -c 4 -m 10 http://127.0.0.1:$PORT/absent",
            "h2load -n 6 -c 2 -m 1 -d /etc/hosts http://127.0.0.1:$PORT/order",
            "h2load -n 8 -c 4 -H x-a:b http://127.0.0.1:$PORT/order",
            "h2load -n 4 -c 4 -w 20 -W 20 http://127.0.0.1:$PORT/order",
        ],
    },
    Sessions {
        of: "memcached_commands",
        client: "printf \"$SAID\" | socat -t 0.2 - TCP:127.0.0.1:$PORT",
        said: &[
            "version\\r\\n",
            "stats\\r\\n",
            "set a 0 0 3\\r\\nabc\\r\\n",
            "get a\\r\\n",
            "gets a\\r\\n",
            "get absent\\r\\n",
            "incr a 1\\r\\n",
            "delete a\\r\\n",
            "mg a v\\r\\n",
            "ms m 2\\r\\nhi\\r\\n",
            "nosuch\\r\\n",
            "touch a 9\\r\\n",
            "append a 0 0 1\\r\\nx\\r\\n",
            "flush_all\\r\\n",
            "stats settings\\r\\n",
            "verbosity 1\\r\\n",
        ],
    },
];

/// Clients of `e2e/services`, which are told how many requests to send: on so many connections for each count.
pub(crate) const LOADED: &[(&str, &str)] = &[
    ("memcached_commands", "memcached"),
    ("amqp_methods", "amqp"),
    ("mqtt_publishes", "mqtt"),
    ("zookeeper_reads", "zookeeper"),
    ("nats_round_trips", "nats"),
    ("nats_round_trips", "nats-mixed"),
    ("kafka_records", "kafka"),
    ("mongodb_commands", "mongodb"),
    ("grpc_calls", "grpc"),
    ("grpc_calls", "grpc-streams"),
    ("grpc_calls", "grpc-mixed"),
    ("dubbo_calls", "dubbo"),
];
pub(crate) const COUNTS: &[u64] = &[1, 2, 3, 5, 8, 13, 20];
pub(crate) const CONNECTIONS: u64 = 3;

/// A server that none of our protocols is: its name, its command line, its sessions.
pub(crate) struct Stranger {
    pub(crate) name: &'static str,
    pub(crate) server: &'static str,
    pub(crate) clients: &'static [&'static str],
}

/// Each line that comes is answered by a line made of it.
const LINES: &str = "import socketserver,sys
class H(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile: self.wfile.write(ANSWER)
socketserver.ThreadingTCPServer.allow_reuse_address=True
socketserver.ThreadingTCPServer(('127.0.0.1',int(sys.argv[1])),H).serve_forever()
";

impl Stranger {
    pub(crate) fn command(&self, stage: &Stage) -> Command {
        let lines = |answer: &str| {
            stage
                .write("lines.py", &LINES.replace("ANSWER", answer))
                .display()
                .to_string()
        };
        let line = match self.server.strip_prefix("lines ") {
            Some(answer) => format!("exec python3 {} $PORT", lines(answer)),
            None => self.server.to_owned(),
        };
        shell(&line, stage, "", 0)
    }
}

pub(crate) const STRANGERS: &[Stranger] = &[
    Stranger {
        name: "random",
        server: "exec socat TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr SYSTEM:'head -c 64 >/dev/null; head -c $((RANDOM % 900 + 1)) /dev/urandom; head -c 64 >/dev/null; head -c 99 /dev/urandom'",
        clients: &["(head -c $((64 + N * 7)) /dev/urandom; sleep 0.1; head -c 300 /dev/urandom) | socat -t 0.3 - TCP:127.0.0.1:$PORT";
            60],
    },
    Stranger {
        name: "echo-random",
        server: "exec socat TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr EXEC:cat",
        clients: &["for i in 1 2 3; do head -c $((1 + N * 13)) /dev/urandom; sleep 0.05; done | socat -t 0.2 - TCP:127.0.0.1:$PORT";
            40],
    },
    Stranger {
        // What is asked comes back: strict requests, and no answer to them.
        name: "echo-requests",
        server: "exec socat TCP-LISTEN:$PORT,bind=127.0.0.1,fork,reuseaddr EXEC:cat",
        clients: &[
            "redis-cli -p $PORT PING & sleep 0.4; kill $!",
            "timeout 0.5 curl -s http://127.0.0.1:$PORT/",
            "timeout 0.5 kdig @127.0.0.1 -p $PORT +tcp a.test",
            "timeout 0.5 curl -s --http2-prior-knowledge http://127.0.0.1:$PORT/",
            "timeout 0.5 mosquitto_pub -p $PORT -t a -m b",
            "timeout 0.5 psql -h 127.0.0.1 -p $PORT -U x postgres -c 'select 1'",
            "timeout 0.5 curl -sk https://127.0.0.1:$PORT/",
            "printf 'get a\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "printf 'PING\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "printf 'ruok' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
        ],
    },
    Stranger {
        name: "erlang-port-mapper",
        server: "exec epmd -relaxed_command_check -port $PORT",
        clients: &[
            "epmd -port $PORT -names",
            "epmd -port $PORT -debug -names",
            "ERL_EPMD_PORT=$PORT timeout 3 erl -sname a$N -noshell -eval 'io:format(\"~p\",[net_adm:names()]),halt().'",
        ],
    },
    Stranger {
        name: "git-daemon",
        server: "git init -q repo && cd repo && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one && cd .. && exec git daemon --reuseaddr --export-all --base-path=. --listen=127.0.0.1 --port=$PORT",
        clients: &[
            "git ls-remote git://127.0.0.1:$PORT/repo",
            "git clone -q git://127.0.0.1:$PORT/repo c$N",
            "git -c protocol.version=0 ls-remote git://127.0.0.1:$PORT/repo",
            "git -c protocol.version=1 clone -q git://127.0.0.1:$PORT/repo d$N",
            "git ls-remote git://127.0.0.1:$PORT/absent",
        ],
    },
    Stranger {
        name: "rsync-daemon",
        server: "printf 'use chroot = no\\n[m]\\npath = .\\nread only = yes\\n' > r.conf; exec rsync --daemon --no-detach --address=127.0.0.1 --port=$PORT --config=r.conf",
        clients: &[
            "rsync rsync://127.0.0.1:$PORT/",
            "rsync rsync://127.0.0.1:$PORT/m/",
            "rsync -r rsync://127.0.0.1:$PORT/m/ out$N",
            "rsync rsync://127.0.0.1:$PORT/absent/",
        ],
    },
    Stranger {
        name: "java-debugger",
        server: "printf 'class A{public static void main(String[] a)throws Exception{Thread.sleep(600000);}}' > A.java; exec java -agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:$PORT A.java",
        clients: &["(sleep 1; echo threads; sleep 1; echo exit) | timeout 8 jdb -connect com.sun.jdi.SocketAttach:hostname=127.0.0.1,port=$PORT";
            3],
    },
    Stranger {
        name: "python-manager",
        server: "exec python3 -c \"from multiprocessing.managers import BaseManager as M; M(('127.0.0.1',$PORT),b'k').get_server().serve_forever()\"",
        clients: &[
            "python3 -c \"from multiprocessing.managers import BaseManager as M; M(('127.0.0.1',$PORT),b'k').connect()\"",
            "python3 -c \"from multiprocessing.managers import BaseManager as M; M(('127.0.0.1',$PORT),b'wrong').connect()\"",
        ],
    },
    Stranger {
        name: "java-naming",
        server: "exec rmiregistry $PORT",
        clients: &["printf 'JRMI\\x00\\x02\\x4b' | socat -t 0.3 - TCP:127.0.0.1:$PORT"; 2],
    },
    Stranger {
        name: "mail-like",
        server: "lines b'250 OK '+line",
        clients: &[
            "printf 'EHLO shop.test\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "(printf 'MAIL FROM:<a@b>\\r\\n'; sleep 0.1; printf 'DATA\\r\\n') | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "timeout 1 curl -s --mail-from a@b --mail-rcpt c@d smtp://127.0.0.1:$PORT -T /etc/hostname",
            "printf 'QUIT\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
        ],
    },
    Stranger {
        name: "pop-like",
        server: "lines b'+OK '+line",
        clients: &[
            "timeout 1 curl -s pop3://u:p@127.0.0.1:$PORT/",
            "printf 'STAT\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "(printf 'USER a\\r\\n'; sleep 0.1; printf 'PASS b\\r\\n'; sleep 0.1; printf 'LIST\\r\\n') | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "printf 'PING\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
            "printf 'GET a\\r\\n' | socat -t 0.3 - TCP:127.0.0.1:$PORT",
        ],
    },
    Stranger {
        name: "json-lines",
        server: "lines b'{\"ok\":true,\"n\":'+str(len(line)).encode()+b'}\\n'",
        clients: &["(printf '{\"op\":\"get\",\"id\":%d}\\n' $N; sleep 0.05; printf '{\"op\":\"put\"}\\n') | socat -t 0.2 - TCP:127.0.0.1:$PORT";
            20],
    },
    Stranger {
        name: "chat-in-words-of-others",
        server: "lines b'HTTP/1.1 is what you mean by '+line",
        clients: &[
            "printf 'GET off my lawn\\n' | socat -t 0.2 - TCP:127.0.0.1:$PORT",
            "printf 'select one of them please\\n' | socat -t 0.2 - TCP:127.0.0.1:$PORT",
            "printf 'PUB opens at six\\r\\n' | socat -t 0.2 - TCP:127.0.0.1:$PORT",
            "printf 'CONNECT the dots\\r\\n' | socat -t 0.2 - TCP:127.0.0.1:$PORT",
            "printf 'stats of the match\\r\\n' | socat -t 0.2 - TCP:127.0.0.1:$PORT",
        ],
    },
    Stranger {
        name: "remote-shell-greeting",
        server: "lines b'SSH-2.0-OpenSSH_9.2p1\\r\\n'",
        clients: &[
            "timeout 1 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p $PORT 127.0.0.1 true",
            "timeout 1 ssh-keyscan -p $PORT 127.0.0.1",
        ],
    },
    Stranger {
        name: "files-like",
        server: "lines b'220 ready\\r\\n'",
        clients: &[
            "timeout 1 curl -s ftp://127.0.0.1:$PORT/",
            "timeout 1 busybox ftpget -P $PORT 127.0.0.1 a b",
            "timeout 1 curl -s dict://127.0.0.1:$PORT/d:word",
            "timeout 1 curl -s gopher://127.0.0.1:$PORT/1/a",
            "timeout 1 curl -s imap://u:p@127.0.0.1:$PORT/",
            "timeout 1 curl -s telnet://127.0.0.1:$PORT/ </etc/hostname",
            "timeout 1 curl -s rtsp://127.0.0.1:$PORT/a",
            "timeout 1 curl -s --socks5 127.0.0.1:$PORT http://x.test/",
        ],
    },
];

/// A command line with a stage's port.
pub(crate) fn shell(line: &str, stage: &Stage, said: &str, number: usize) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).current_dir(stage.path(""));
    shell.envs([
        ("PORT", stage.port.to_string()),
        ("SAID", said.to_owned()),
        ("N", number.to_string()),
    ]);
    shell
}

/// One of the sessions as a client; that it fails may be meant.
pub(crate) fn session(sessions: &Sessions, stage: &Stage, at: usize) -> Client {
    let said = sessions.said[at];
    let line = match sessions.client.contains("\"$SAID") {
        true => sessions.client.to_owned(),
        false => sessions.client.replace("$SAID", said),
    };
    Client {
        commands: vec![shell(&format!("{line} || true"), stage, said, at)],
        tally: TallyBy::Printed,
    }
}

pub(crate) fn load_of(count: u64) -> Load {
    Load {
        connections: CONNECTIONS,
        requests: count,
    }
}
