//! Whole renderings of made-up reports.

use std::sync::Arc;

use sonde_model::{
    BlindSpot, Change, Code, Evidence, EvidenceId, EvidenceKind, Family, Finding, Fix, Kind, NextLook,
    NotUnderstood, ObjectRef, Problem, Report, Risk, RuledOut, SCHEMA, Scanned, Severity, Source, SourceKind,
    Step, Timestamp, Verdict,
};

use super::{Format, View, render};
use crate::terminal::Charset;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn pod(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::Pod, "shop", name)
}

fn id(number: usize) -> EvidenceId {
    EvidenceId(format!("e{number}"))
}

fn evidence(number: usize, kind: EvidenceKind, source: &str, at: Option<&str>, text: &str) -> Evidence {
    Evidence {
        id: id(number),
        kind,
        source: source.into(),
        object: (kind == EvidenceKind::Field).then(|| pod("checkout-7d9f-x2")),
        time: at.map(time),
        text: text.into(),
    }
}

fn memory_kill() -> Finding {
    Finding {
        id: "f1".into(),
        code: Code::new("OOM-CONTAINER-LIMIT"),
        family: Family::Oom,
        subject: ObjectRef::new(Kind::Deployment, "shop", "checkout"),
        container: Some("app".into()),
        severity: Severity::Error,
        verdict: Verdict::Proven,
        headline: "The kernel killed container app because it reached its memory limit of 64Mi.".into(),
        symptom: "CrashLoopBackOff".into(),
        since: Some(time("2026-11-21T09:58:11Z")),
        since_at_least: false,
        ended: None,
        changes: vec![Change {
            time: time("2026-11-21T09:55:00Z"),
            text: "revision 7 changed the image of container app from shop/checkout:41 to shop/checkout:42"
                .into(),
            object: ObjectRef::new(Kind::Deployment, "shop", "checkout"),
        }],
        chain: vec![
            Step {
                text: "Container app may use 64Mi of memory.".into(),
                evidence: vec![id(1)],
            },
            Step {
                text: "The kernel killed its process 4211 (java) when it reached the limit.".into(),
                evidence: vec![id(2), id(1)],
            },
            Step {
                text: "The kubelet restarted it, and it died again, 5 times.".into(),
                evidence: vec![id(3)],
            },
        ],
        evidence: vec![
            evidence(
                1,
                EvidenceKind::Field,
                "spec.containers[app].resources.limits.memory",
                None,
                "64Mi",
            ),
            evidence(
                2,
                EvidenceKind::KernelLog,
                "kernel log of worker-3",
                Some("2026-11-21T09:58:10Z"),
                "Memory cgroup out of memory: Killed process 4211 (java) total-vm:2264132kB, anon-rss:65024kB, \
                 file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:412kB oom_score_adj:987",
            ),
            evidence(
                3,
                EvidenceKind::Event,
                "checkout-7d9f-x2.17a",
                Some("2026-11-20T23:59:59Z"),
                "Back-off restarting failed container app\nsecond line with größe\n\u{1b}[31mred\u{1b}[0m",
            ),
            evidence(4, EvidenceKind::Field, "status.qosClass", None, "Burstable"),
        ],
        ruled_out: vec![
            RuledOut {
                code: Code::new("OOM-NODE"),
                reason: "the kernel names the container's own cgroup, not the node's".into(),
                evidence: vec![id(2)],
            },
            RuledOut {
                code: Code::new("LIV-KILLED"),
                reason: "the container has no liveness probe".into(),
                evidence: vec![],
            },
        ],
        rivals: vec![],
        contradicted: false,
        fixes: vec![
            Fix {
                text: "Raise the memory limit.".into(),
                command: Some(
                    "kubectl set resources deploy/checkout -n shop -c app --limits=memory=128Mi".into(),
                ),
                risk: Risk::Restart,
            },
            Fix {
                text: "Or go back to the revision before.".into(),
                command: Some("kubectl rollout undo deploy/checkout -n shop".into()),
                risk: Risk::Restart,
            },
        ],
        next: vec![],
        explains: (0..40)
            .map(|number| pod(&format!("checkout-7d9f-x{number}")))
            .collect(),
    }
}

fn unknown_exit() -> Finding {
    Finding {
        id: "f2".into(),
        code: Code::new("EXT-KILLED"),
        family: Family::Ext,
        subject: pod("payment-0"),
        container: None,
        severity: Severity::Warning,
        verdict: Verdict::Unknown,
        headline: "Container main was killed (exit code 137), and nothing at hand tells by whom.".into(),
        symptom: "Error".into(),
        since: None,
        since_at_least: false,
        ended: None,
        changes: vec![],
        chain: vec![],
        evidence: vec![evidence(
            1,
            EvidenceKind::Field,
            "status.containerStatuses[main].lastState.terminated.exitCode",
            None,
            "137",
        )],
        ruled_out: vec![],
        rivals: vec![Code::new("OOM-NODE"), Code::new("LIV-KILLED")],
        contradicted: false,
        fixes: vec![],
        next: vec![NextLook {
            text: "The kernel log of worker-3 around 09:58 tells whether the kernel killed it.".into(),
            command: Some("kubectl get --raw '/api/v1/nodes/worker-3/proxy/logs/?query=kernel'".into()),
            decides: vec![Code::new("OOM-NODE"), Code::new("LIV-KILLED")],
        }],
        explains: vec![pod("payment-0")],
    }
}

fn over() -> Finding {
    Finding {
        severity: Severity::Info,
        ended: Some(time("2026-11-21T09:00:00Z")),
        since: Some(time("2026-11-21T08:00:00Z")),
        headline: "The image could not be pulled for an hour.".into(),
        code: Code::new("IMG-PULL-REFUSED"),
        family: Family::Img,
        explains: vec![],
        rivals: vec![],
        contradicted: false,
        verdict: Verdict::Likely,
        ..unknown_exit()
    }
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        schema: SCHEMA.into(),
        source: Source {
            kind: SourceKind::Live,
            name: "kind-dev".into(),
            cluster_version: Some("v1.36.1".into()),
            time: Some(time("2026-11-21T10:03:11Z")),
        },
        scanned: Scanned {
            objects: [
                (Kind::Pod, 132),
                (Kind::Node, 4),
                (Kind::Deployment, 1),
                (Kind::Namespace, 2),
                (Kind::Secret, 9),
                (Kind::Lease, 3),
            ]
            .into(),
            lines: 1_234,
        },
        findings,
        blind_spots: vec![],
        not_understood: NotUnderstood::default(),
        problems: vec![],
    }
}

fn with_gaps(mut report: Report) -> Report {
    report.blind_spots = vec![BlindSpot {
        what: "kernel log of worker-3".into(),
        why: "the API server refuses it (403)".into(),
        forbids: ["OOM-NODE", "OOM-CHILD", "EVI-A", "EVI-B", "EVI-C", "EVI-D"]
            .map(Code::new)
            .to_vec(),
    }];
    report.problems = vec![Problem {
        place: "dump/pods.json".into(),
        text: "cut after 3 objects; they were used".into(),
    }];
    report.not_understood = NotUnderstood {
        count: 2,
        samples: vec!["something new happened".into()],
    };
    report
}

fn folded(width: usize) -> View {
    View {
        width: Some(width),
        asked: "namespace shop".into(),
        ..View::plain()
    }
}

fn text(report: &Report, view: &View) -> String {
    render(report, Format::Text, view).unwrap()
}

#[test]
fn one_finding_on_a_terminal() {
    insta::assert_snapshot!(text(&report(vec![memory_kill()]), &folded(80)));
}

#[test]
fn one_finding_in_color() {
    let view = View {
        color: true,
        ..folded(80)
    };
    let colored = text(&report(vec![memory_kill(), unknown_exit()]), &view);
    let plain = text(&report(vec![memory_kill(), unknown_exit()]), &folded(80));
    insta::assert_snapshot!(colored.replace('\u{1b}', "ESC"));
    let mut stripped = String::new();
    for (at, part) in colored.split('\u{1b}').enumerate() {
        stripped.push_str(if at == 0 {
            part
        } else {
            part.split_once('m').unwrap().1
        });
    }
    assert_eq!(stripped, plain, "colour adds nothing but colour");
}

#[test]
fn several_findings_narrow_with_gaps() {
    let report = with_gaps(report(vec![memory_kill(), unknown_exit(), over()]));
    insta::assert_snapshot!(text(&report, &folded(60)));
}

#[test]
fn several_findings_wide() {
    let report = with_gaps(report(vec![memory_kill(), unknown_exit(), over()]));
    let view = View {
        info: true,
        ..folded(60)
    };
    insta::assert_snapshot!(render(&report, Format::Wide, &view).unwrap());
}

#[test]
fn ascii_shows_nothing_else() {
    let view = View {
        charset: Charset::Ascii,
        ..folded(80)
    };
    let mut long = memory_kill();
    long.evidence[2].text = "größe ".repeat(100);
    let shown = text(&with_gaps(report(vec![long, unknown_exit()])), &view);
    assert!(shown.is_ascii(), "{shown}");
}

#[test]
fn healthy_says_what_was_scanned() {
    insta::assert_snapshot!(text(&report(vec![]), &folded(80)));
    insta::assert_snapshot!(text(&with_gaps(report(vec![over()])), &folded(80)));
    let mut nothing = report(vec![]);
    nothing.scanned = Scanned::default();
    assert_eq!(
        text(&nothing, &folded(80)),
        "Nothing to look at in namespace shop: no object and no line was found.\n"
    );
}

#[test]
fn hundreds_are_bounded_and_all_is_all() {
    let findings: Vec<Finding> = (0..300)
        .map(|number| Finding {
            subject: pod(&format!("p{number}")),
            ..unknown_exit()
        })
        .collect();
    let report = report(findings);
    let short = text(&report, &folded(80));
    assert!(short.lines().count() < 250, "{}", short.lines().count());
    assert!(short.contains("and 270 more; -o wide lists them all"), "{short}");
    assert!(
        short.contains("The details of 292 more findings are left out"),
        "{short}"
    );
    let all = text(
        &report,
        &View {
            all: true,
            ..folded(80)
        },
    );
    assert!(all.contains("300. WARNING pod/p299 in shop"), "{all}");
}

#[test]
fn markdown_for_a_ticket() {
    let report = with_gaps(report(vec![memory_kill(), unknown_exit(), over()]));
    insta::assert_snapshot!(render(&report, Format::Markdown, &View::plain()).unwrap());
}

#[test]
fn json_and_yaml_are_the_report() {
    let mut report = with_gaps(report(vec![memory_kill(), unknown_exit(), over()]));
    report.findings[0].headline = "on: yes, 0x1F, ~, 'q' \"d\" # no {}\u{9b}31m\u{85}".into();
    report.findings[0].subject.name = Arc::from("null");
    let json = render(&report, Format::Json, &View::plain()).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert!(!json.contains('\u{9b}') && !json.contains('\u{1b}'));
    let yaml = render(&report, Format::Yaml, &View::plain()).unwrap();
    assert!(!yaml.contains('\u{9b}') && !yaml.contains('\u{1b}'), "{yaml}");
    insta::assert_snapshot!(yaml);
}

#[test]
fn nothing_from_outside_commands_the_terminal() {
    let evil = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\u{8}";
    let mut finding = memory_kill();
    finding.headline = evil.into();
    finding.symptom = evil.into();
    finding.container = Some(evil.into());
    finding.subject.name = evil.into();
    finding.evidence[0].source = evil.into();
    finding.evidence[1].text = evil.into();
    finding.fixes[0].command = Some(evil.into());
    finding.explains[0].name = evil.into();
    let mut report = with_gaps(report(vec![finding.clone(), finding]));
    report.source.name = evil.into();
    report.blind_spots[0].what = evil.into();
    report.problems[0].place = evil.into();
    report.not_understood.samples[0] = evil.into();
    for format in [
        Format::Text,
        Format::Wide,
        Format::Json,
        Format::Yaml,
        Format::Markdown,
    ] {
        let view = View {
            asked: evil.into(),
            ..folded(80)
        };
        let shown = render(&report, format, &view).unwrap();
        let bad = shown.chars().find(|c| *c != '\n' && super::escape::is_unsafe(*c));
        assert_eq!(bad, None, "{format:?}: {shown}");
    }
}
