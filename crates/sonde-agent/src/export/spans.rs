//! Single calls as an `ExportTraceServiceRequest` (opentelemetry-proto 1.x, `collector/trace/v1`), in OTLP's JSON form:
//! ids are in hexadecimal digits. Pure.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use sonde_model::{Owner, Role, TracedCall};

use super::metrics::{attribute, scope, unix_nanos};

/// `SPAN_KIND_SERVER`, `SPAN_KIND_CLIENT`, `STATUS_CODE_ERROR`.
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

pub(super) fn body(node: &str, calls: &[&TracedCall]) -> Vec<u8> {
    let mut by_owner: BTreeMap<&Owner, Vec<Json>> = BTreeMap::new();
    for call in calls {
        by_owner.entry(&call.owner).or_default().push(span(node, call));
    }
    let resources: Vec<Json> = by_owner
        .into_iter()
        .map(|(owner, spans)| {
            json!({
                "resource": {"attributes": resource(node, owner)},
                "scopeSpans": [{"scope": scope(), "spans": spans}],
            })
        })
        .collect();
    json!({"resourceSpans": resources}).to_string().into_bytes()
}

fn resource(node: &str, owner: &Owner) -> Vec<Json> {
    // The semantic conventions want a service's name: what runs there is the nearest that a node knows.
    let service = [&*owner.container, &*owner.pod, &*owner.group]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("unknown_service");
    let told = [
        ("service.name", service),
        ("k8s.node.name", node),
        ("k8s.namespace.name", &owner.namespace),
        ("k8s.pod.name", &owner.pod),
        ("k8s.pod.uid", &owner.pod_uid),
        ("k8s.container.name", &owner.container),
        ("container.id", &owner.container_id),
    ];
    told.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| attribute(key, value))
        .collect()
}

/// Names of attributes by the semantic conventions: of the operation, of what it is about, of the status.
fn conventions(protocol: &str) -> [&'static str; 3] {
    match protocol {
        "http1" | "http2" => ["http.request.method", "http.route", "http.response.status_code"],
        "grpc" => ["rpc.grpc.operation", "rpc.method", "rpc.grpc.status_code"],
        "mysql" | "postgres" | "redis" | "mongodb" | "memcached" => {
            ["db.operation.name", "db.query.summary", "db.response.status_code"]
        }
        "kafka" | "amqp" | "mqtt" | "nats" => [
            "messaging.operation.name",
            "messaging.destination.name",
            "sonde.status",
        ],
        "dns" => ["dns.question.type", "dns.question.name", "dns.response.code"],
        _ => ["sonde.operation", "sonde.target", "sonde.status"],
    }
}

fn span(node: &str, call: &TracedCall) -> Json {
    let name = format!("{} {}", call.operation, call.target);
    let name = match name.trim() {
        "" if call.protocol.is_empty() => "call",
        "" => &call.protocol,
        name => name,
    };
    let took = SignedDuration::from_nanos(i64::try_from(call.total_ns).unwrap_or(i64::MAX));
    let began = call.time.saturating_sub(took).unwrap_or(call.time);
    let [operation, target, status] = conventions(&call.protocol);
    let mut attributes: Vec<Json> = [
        ("network.protocol.name", &*call.protocol),
        (operation, &call.operation),
        (target, &call.target),
        ("network.peer.address", &call.remote.to_string()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(key, value)| attribute(key, value))
    .collect();
    let mut numbers = vec![("server.port", i64::from(call.port))];
    numbers.extend(call.status.map(|it| (status, i64::from(it))));
    if call.role == Role::Server {
        let whole = |ns| i64::try_from(ns).unwrap_or(i64::MAX);
        numbers.push(("sonde.waited_ns", whole(call.waited_ns)));
        numbers.push(("sonde.worked_ns", whole(call.worked_ns)));
    }
    attributes.extend(
        numbers
            .into_iter()
            .map(|(key, value)| json!({"key": key, "value": {"intValue": value.to_string()}})),
    );
    let [trace, span] = ids(node, call);
    let mut told = json!({
        "traceId": trace,
        "spanId": span,
        "name": name,
        "kind": if call.role == Role::Server { SERVER } else { CLIENT },
        "startTimeUnixNano": unix_nanos(began),
        "endTimeUnixNano": unix_nanos(call.time),
        "attributes": attributes,
    });
    if !call.failure.is_empty() {
        told["status"] = json!({"code": ERROR, "message": call.failure});
    }
    told
}

/// The caller's own trace id where the request carries one of 16 bytes, else one made of what makes the call itself; the
/// same call gives the same ids, however often it is posted.
fn ids(node: &str, call: &TracedCall) -> [String; 2] {
    let hash = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (
            which,
            node,
            &call.owner,
            call.time,
            call.remote,
            call.port,
            call.total_ns,
        )
            .hash(&mut hasher);
        // An id of zeros is none.
        hasher.finish().max(1)
    };
    let is_whole = call.trace_id.len() == 32
        && call.trace_id.bytes().all(|it| it.is_ascii_hexdigit())
        && call.trace_id.bytes().any(|it| it != b'0');
    let trace = if is_whole {
        call.trace_id.to_ascii_lowercase()
    } else {
        format!("{:016x}{:016x}", hash(1), hash(2))
    };
    [trace, format!("{:016x}", hash(3))]
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use jiff::Timestamp;

    use super::*;

    fn call(trace_id: &str) -> TracedCall {
        TracedCall {
            time: Timestamp::from_second(100).expect("in range"),
            owner: Owner {
                namespace: "shop".into(),
                pod: "web-1".into(),
                container: "app".into(),
                ..Owner::default()
            },
            role: Role::Server,
            remote: Ipv4Addr::new(10, 0, 0, 7).into(),
            port: 80,
            protocol: "http1".into(),
            operation: "GET".into(),
            target: "/orders/{id}".into(),
            status: Some(503),
            failure: "503".into(),
            trace_id: trace_id.into(),
            total_ns: 2_000_000_000,
            waited_ns: 1_500_000_000,
            worked_ns: 500_000_000,
            because: Vec::new(),
        }
    }

    #[test]
    fn a_call_is_a_span_of_its_owner() {
        let known = "4BF92F3577B34DA6A3CE929D0E0E4736";
        let (own, other) = (call(known), call("not-an-id"));
        let told: Json = serde_json::from_slice(&body("n1", &[&own, &other])).expect("JSON");
        let resource = &told["resourceSpans"][0];
        assert_eq!(told["resourceSpans"].as_array().map(Vec::len), Some(1));
        assert!(
            resource["resource"]["attributes"]
                .as_array()
                .is_some_and(|all| all.contains(&attribute("k8s.pod.name", "web-1")))
        );
        let spans = resource["scopeSpans"][0]["spans"].as_array().expect("spans");
        let span = &spans[0];
        assert_eq!(span["traceId"], known.to_lowercase());
        assert_eq!(
            (&span["name"], &span["kind"], &span["status"]["code"]),
            (&json!("GET /orders/{id}"), &json!(SERVER), &json!(ERROR))
        );
        assert_eq!(span["startTimeUnixNano"], "98000000000");
        assert_eq!(span["endTimeUnixNano"], "100000000000");
        assert_eq!(spans[1]["traceId"].as_str().map(str::len), Some(32));
        assert_eq!(ids("n1", &other), ids("n1", &call("not-an-id")));
    }
}
