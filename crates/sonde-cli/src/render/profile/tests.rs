use sonde_model::Owner;

use super::*;

pub(super) fn profile() -> Profile {
    let frame = |name: &str, module: &str, kernel| Frame {
        name: name.into(),
        module: module.into(),
        kernel,
    };
    let stack = |frames: &[u32], samples| ProfiledStack {
        pid: 7,
        command: "app;x".into(),
        owner: 0,
        frames: frames.to_vec(),
        samples,
    };
    Profile {
        schema: Profile::SCHEMA.into(),
        node: "n1".into(),
        start: "2026-11-21T19:00:00Z".parse().unwrap(),
        seconds: 10.0,
        hertz: 99,
        about: "pod shop/web-1".into(),
        samples: 10,
        lost: 0,
        stacks_lost: 1,
        frames: vec![
            frame("main", "app", false),
            frame("work", "app", false),
            frame("read", "", true),
        ],
        owners: vec![Owner {
            namespace: "shop".into(),
            pod: "web-1".into(),
            container: "app".into(),
            container_id: "c".into(),
            ..Owner::default()
        }],
        stacks: vec![stack(&[0, 1], 7), stack(&[0, 2], 2), stack(&[0, 1, 1], 1)],
        coverage: Vec::new(),
    }
}

#[test]
fn functions_count_what_they_call_once() {
    let text = table(&profile(), &View::plain());
    let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("work").starts_with("80.0%  80.0% "), "{text}");
    assert!(
        row("read").starts_with("20.0%  20.0% ") && row("read").contains("kernel"),
        "{text}"
    );
    assert!(
        !text.lines().any(|line| line.ends_with(" main")),
        "what only calls is in the graph alone: {text}"
    );
    assert!(row("app;x (7)").contains("shop/web-1/app"), "{text}");
    assert!(text.contains("1 sample count without their stack"), "{text}");
}

#[test]
fn places_without_a_name_are_one_in_the_table() {
    let frame = |name: &str| Frame {
        name: name.into(),
        module: "busybox".into(),
        kernel: false,
    };
    let nameless = Profile {
        frames: vec![frame("busybox+0x10"), frame("busybox+0x20"), frame("busybox")],
        ..profile()
    };
    let text = table(&nameless, &View::plain());
    let rows: Vec<&str> = text.lines().filter(|line| line.contains(" busybox ")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(
        rows[0].starts_with("80.0%  100.0%") && rows[0].ends_with("(no symbols)"),
        "{text}"
    );
}

#[test]
fn a_name_cannot_part_a_line() {
    let expected = "shop/web-1/app;app_x;main;read_[k] 2\nshop/web-1/app;app_x;main;work 7\nshop/web-1/app;app_x;main;work;work 1\n";
    assert_eq!(collapsed(&profile()), expected);
}

#[test]
fn a_flame_graph_names_its_functions() {
    let svg = String::from_utf8(svg(&profile()).unwrap()).unwrap();
    assert!(
        svg.contains("<svg") && svg.contains("work (8 samples, 80.00%)"),
        "{svg}"
    );
    let empty = Profile {
        stacks: Vec::new(),
        ..profile()
    };
    assert!(super::svg(&empty).is_err());
}
