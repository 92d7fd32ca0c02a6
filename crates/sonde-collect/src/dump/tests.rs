use std::io::Write as _;
use std::path::Path;

use proptest::prelude::*;
use sonde_model::Kind;

use super::*;
use crate::limits::LINE_BYTES_MAX;

const POD: &str = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0","namespace":"shop"},"spec":{"nodeName":"n1",
    "containers":[{"name":"app","image":"x","env":[{"name":"DB_PASSWORD","value":"hunter2"}]}]},
    "status":{"phase":"Running","startTime":"2026-05-01T10:00:00Z"}}"#;

fn dump(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn read_files(files: &[(&str, &str)]) -> Gathered {
    read(dump(files).path(), &Options::default()).unwrap_or_else(|error| panic!("{error}: {files:?}"))
}

fn names(gathered: &Gathered) -> Vec<String> {
    let snapshot = gathered.world.snapshot();
    snapshot
        .objects()
        .map(|object| object.reference.kubectl())
        .collect()
}

fn list(kind: &str, items: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#)
}

/// `kubectl get nodes -l pool=gpu -o yaml > nodes.yaml` makes no node elsewhere a deleted one.
#[test]
fn a_loose_list_of_nodes_that_lacks_a_pods_node_is_not_all_of_them() {
    let node = |name: &str| {
        list(
            "NodeList",
            &format!(r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}"}}}}"#),
        )
    };
    for (name, is_complete) in [("n1", true), ("n2", false)] {
        let read = read_files(&[("pod.json", POD), ("nodes.json", &node(name))]);
        let snapshot = read.world.snapshot();
        assert_eq!(snapshot.is_complete(&Kind::Node, ""), is_complete, "{name}");
    }
}

#[test]
fn objects_are_read_in_every_shape() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-0\n  namespace: shop\n";
    let yaml_list = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: web-0\n    namespace: shop\nkind: List\nmetadata: {}\n";
    let bare_list =
        "apiVersion: v1\nkind: PodList\nitems:\n- metadata:\n    name: web-0\n    namespace: shop\n";
    let bare_after =
        "apiVersion: v1\nitems:\n- metadata:\n    name: web-0\n    namespace: shop\nkind: PodList\n";
    let bare_json = r#"{"metadata":{"name":"web-0","namespace":"shop"}}"#;
    let text = format!("$ kubectl get pod -o yaml\n{yaml}$ date\n");
    for content in [
        POD.to_owned(),
        list("List", POD),
        list("PodList", bare_json),
        format!("{POD}\n{POD}"),
        format!("[{POD}]"),
        list("List", &list("PodList", bare_json)),
        yaml.to_owned(),
        yaml_list.to_owned(),
        bare_list.to_owned(),
        bare_after.to_owned(),
        format!("---\n{yaml}---\n{yaml}"),
        yaml.replace('\n', "\r\n"),
        format!("\u{feff}{yaml}"),
        "{apiVersion: v1, kind: Pod, metadata: {name: web-0, namespace: shop}}".to_owned(),
        text,
    ] {
        for file in ["a.json", "a.yaml", "a", "x.txt"] {
            let gathered = read_files(&[(file, &content)]);
            assert_eq!(
                names(&gathered),
                ["pod/web-0 -n shop"],
                "{file}: {content}\n{:?}",
                gathered.problems
            );
        }
    }
}

#[test]
fn utf16_of_a_windows_shell_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(POD.encode_utf16().flat_map(u16::to_le_bytes));
    fs::write(folder.path().join("pod.json"), bytes).unwrap();
    let gathered = read(folder.path(), &Options::default()).unwrap();
    assert_eq!(names(&gathered), ["pod/web-0 -n shop"]);
}

#[test]
fn secrets_are_hidden_while_reading() {
    let gathered = read_files(&[
        ("pod.json", POD),
        (
            "secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\ndata:\n  password: aHVudGVyMg==\n",
        ),
        (
            "config",
            "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {token: abc}\n",
        ),
        ("logs/shop_web-0_app.log", "connecting with password=hunter2\n"),
    ]);
    assert_eq!(names(&gathered), ["pod/web-0 -n shop", "secret/db -n shop"]);
    for object in gathered.world.snapshot().objects() {
        let text = String::from_utf8_lossy(object.encoded.bytes()).into_owned();
        assert!(
            !text.contains("hunter2") && !text.contains("aHVudGVyMg"),
            "{text}"
        );
    }
    let logs = format!("{:?}", gathered.texts.container_logs);
    assert!(logs.contains("password=[redacted:password]"), "{logs}");
}

#[test]
fn layouts_say_what_is_complete() {
    let node = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}"#;
    let complete = |files: &[(&str, &str)], kind: Kind, namespace: &str| {
        read_files(files).world.snapshot().is_complete(&kind, namespace)
    };
    let (pods, empty) = (list("PodList", POD), list("ConfigMapList", ""));
    let (nodes, cut) = (list("NodeList", node), list("NodeList", node).replace("]}", ""));
    let bundle = [
        ("b/cluster-resources/pods/shop.json", pods.as_str()),
        ("b/cluster-resources/configmaps/shop.json", &empty),
    ];
    assert!(complete(&bundle, Kind::Pod, "shop"));
    assert!(complete(&bundle, Kind::ConfigMap, "shop"));
    assert!(!complete(&bundle, Kind::ConfigMap, "bank"));
    assert!(!complete(&[("pods.json", &pods)], Kind::Pod, "shop"));
    assert!(complete(&[("nodes.json", &nodes)], Kind::Node, ""));
    assert!(!complete(&[("nodes.json", &cut)], Kind::Node, ""));
    let page = nodes.replace(
        r#""resourceVersion":"7""#,
        r#""resourceVersion":"7","continue":"abc""#,
    );
    assert!(!complete(&[("nodes.json", &page)], Kind::Node, ""));
    let manifest = r#"{"schema":"sonde.bundle/v1","complete":{"Pod":["shop"],"Node":["*"]}}"#;
    let ours = [("manifest.json", manifest), ("objects/pods.json", pods.as_str())];
    assert!(complete(&ours, Kind::Pod, "shop"));
    assert!(complete(&ours, Kind::Node, ""));
    assert!(!complete(&ours, Kind::ConfigMap, "shop"));
}

#[test]
fn a_cluster_info_dump_is_read_from_a_folder_and_from_its_output() {
    let pods = list("PodList", r#"{"metadata":{"name":"web-0","namespace":"shop"}}"#);
    let none = r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":null}"#;
    let log = "==== START logs for container app of pod shop/web-0 ====\nboom\n==== END logs for container app of pod shop/web-0 ====\n";
    let folder = read_files(&[
        ("nodes.json", &list("NodeList", r#"{"metadata":{"name":"n1"}}"#)),
        ("shop/pods.json", &pods),
        ("shop/configmaps.json", none),
        (
            "shop/replication-controllers.json",
            &list("ReplicationControllerList", ""),
        ),
        ("shop/web-0/logs.txt", log),
    ]);
    let snapshot = folder.world.snapshot();
    assert!(snapshot.is_complete(&Kind::Pod, "shop") && snapshot.is_complete(&Kind::ConfigMap, "shop"));
    assert!(snapshot.is_complete_everywhere(&Kind::Node));
    let yaml = format!(
        "apiVersion: v1\nitems: null\nkind: ServiceList\nmetadata:\n  resourceVersion: \"1\"\n---\napiVersion: v1\nitems:\n- metadata:\n    name: web-0\n    namespace: shop\n\
         kind: PodList\nmetadata:\n  resourceVersion: \"1\"\n{log}---\napiVersion: v1\nitems:\n- metadata:\n    name: n1\nkind: NodeList\n"
    );
    let json = format!(
        "{}\n{pods}\n{log}",
        list("NodeList", r#"{"metadata":{"name":"n1"}}"#)
    );
    for gathered in [
        folder,
        read_files(&[("dump.txt", &yaml)]),
        read_files(&[("dump.txt", &json)]),
    ] {
        assert_eq!(
            names(&gathered),
            ["node/n1", "pod/web-0 -n shop"],
            "{:?}",
            gathered.problems
        );
        let (key, lines) = gathered.texts.container_logs.iter().next().unwrap();
        assert_eq!(
            (&*key.container, lines.as_slice()),
            ("app", &["boom".to_owned()][..])
        );
        assert!(gathered.problems.is_empty(), "{:?}", gathered.problems);
    }
}

#[test]
fn an_object_with_items_of_its_own_is_no_list() {
    let gathered = read_files(&[
        (
            "a.json",
            r#"{"kind":"Playlist","metadata":{"name":"a","namespace":"shop"},"items":{"x":1}}"#,
        ),
        (
            "b.json",
            r#"{"kind":"Menu","metadata":{"name":"b","namespace":"shop"},"items":[{"x":1}]}"#,
        ),
    ]);
    assert_eq!(names(&gathered), ["menu/b -n shop", "playlist/a -n shop"]);
}

#[test]
fn now_is_found_in_the_dump() {
    let time = |text: &str| Some(text.parse().unwrap());
    let certificate = POD
        .replace("startTime", "notAfter")
        .replace("2026-05-01", "2036-05-01");
    let gathered = read_files(&[("pod.json", POD), ("b.json", &certificate)]);
    assert_eq!(gathered.now, time("2026-05-01T10:00:00Z"));
    let manifest = r#"{"schema":"sonde.bundle/v1","time":"2026-05-01T11:00:00Z"}"#;
    let files = [("pod.json", POD), ("manifest.json", manifest)];
    assert_eq!(read_files(&files).now, time("2026-05-01T11:00:00Z"));
    let options = Options {
        now: time("2026-06-01T00:00:00Z"),
        ..Options::default()
    };
    assert_eq!(read(dump(&files).path(), &options).unwrap().now, options.now);
}

#[test]
fn one_bad_file_does_not_lose_the_others() {
    let folder = dump(&[
        ("good.json", POD),
        (
            "cut.json",
            &list(
                "PodList",
                &format!("{},{}", POD.replace("web-0", "web-1"), &POD[..200]),
            ),
        ),
        ("bad.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n"),
        (
            "some.yaml",
            "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web-2, namespace: shop}\nkind: List\n",
        ),
        ("empty.json", ""),
        ("deep.json", &"[".repeat(200_000)),
        ("shape.json", r#"{"kind":"Pod","metadata":{"name":7}}"#),
    ]);
    let path = folder.path();
    fs::write(path.join("binary.bin"), [0u8, 1, 2, 3].repeat(500)).unwrap();
    fs::write(path.join("latin.yaml"), b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-3\n  namespace: shop\n  annotations: {a: \"\xe4\"}\n").unwrap();
    let gathered = read(path, &Options::default()).unwrap();
    let mut have = names(&gathered);
    have.retain(|name| name.starts_with("pod/web"));
    assert_eq!(
        have,
        [
            "pod/web-0 -n shop",
            "pod/web-1 -n shop",
            "pod/web-2 -n shop",
            "pod/web-3 -n shop"
        ]
    );
    let places: Vec<_> = gathered
        .problems
        .iter()
        .map(|problem| problem.place.as_str())
        .collect();
    for file in ["cut.json", "bad.yaml", "some.yaml", "binary.bin", "latin.yaml"] {
        assert!(places.contains(&file), "{file}: {:?}", gathered.problems);
    }
}

#[test]
fn long_lines_are_cut() {
    let line = "x".repeat(LINE_BYTES_MAX * 3);
    let gathered = read_files(&[("logs/shop_web-0_app.log", &format!("a\n{line}\nb\n"))]);
    let lines = gathered.texts.container_logs.values().next().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1].len(), LINE_BYTES_MAX);
    assert_eq!(gathered.problems.len(), 1);
}

#[test]
fn nothing_is_a_clear_error() {
    let empty = tempfile::tempdir().unwrap();
    let error = read(empty.path(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("it is empty"), "{error}");
    let error = read(Path::new("/does/not/exist"), &Options::default()).unwrap_err();
    assert!(matches!(error, CollectError::Open { .. }) && !error.hints().is_empty());
}

fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in files {
        writer
            .start_file(*path, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<Gathered, CollectError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read(&path, &Options::default())
}

#[test]
fn archives_of_every_kind_are_read_whatever_their_name() {
    let files = [
        ("../../case/objects/pods.json", POD),
        ("case/logs/shop_web-0_app.previous.log", "a\nb\n"),
    ];
    let tar = tar_of(&files);
    for (name, bytes) in [
        ("case.tar", tar.clone()),
        ("case.tar.gz", gzip(&tar)),
        ("case.tar.zst", zstd::encode_all(&tar[..], 1).unwrap()),
        ("case.zip", zip_of(&files)),
        ("case", gzip(&tar)),
    ] {
        let gathered = read_bytes(name, &bytes).unwrap();
        assert_eq!(names(&gathered), ["pod/web-0 -n shop"], "{name}");
        let key = gathered.texts.container_logs.keys().next().unwrap();
        assert!(key.previous && &*key.pod == "web-0", "{name}");
        assert!(gathered.problems.is_empty(), "{name}: {:?}", gathered.problems);
    }
    let gathered = read_bytes("pods.json.gz", &gzip(POD.as_bytes())).unwrap();
    assert_eq!(names(&gathered), ["pod/web-0 -n shop"]);
}

#[test]
fn a_cut_archive_gives_what_is_before_the_cut() {
    let other = POD.replace("web-0", "web-1");
    let long = "line\n".repeat(40_000);
    let tar = tar_of(&[("a.json", POD), ("b.json", &other), ("x.log", &long)]);
    let half = &tar[..tar.len() / 2];
    for (name, bytes) in [
        ("case.tar", half.to_vec()),
        ("case.tgz", gzip(half)),
        ("case.tar.zst", {
            // What was not flushed in a block of its own is lost with the block.
            let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
            writer.write_all(&half[..8192]).unwrap();
            writer.flush().unwrap();
            writer.write_all(&half[8192..]).unwrap();
            let whole = writer.finish().unwrap();
            whole[..whole.len() - 3].to_vec()
        }),
    ] {
        let gathered = read_bytes(name, &bytes).unwrap();
        assert_eq!(
            names(&gathered),
            ["pod/web-0 -n shop", "pod/web-1 -n shop"],
            "{name}"
        );
        assert!(!gathered.problems.is_empty(), "{name}");
    }
    assert!(read_bytes("case.zip", &zip_of(&[("a.json", POD)])[..60]).is_err());
}

#[test]
fn a_bomb_is_refused() {
    let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..256 {
        writer.write_all(&zeros).unwrap();
    }
    let bomb = writer.finish().unwrap();
    assert!(bomb.len() < 100_000);
    let error = read_bytes("bomb.json.zst", &bomb).unwrap_err().to_string();
    assert!(error.contains("1000 times"), "{error}");
}

#[test]
fn links_are_not_followed() {
    let outside = dump(&[("pod.json", POD)]);
    let folder = dump(&[("notes.txt", "hello\n")]);
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    if let Ok(gathered) = read(folder.path(), &Options::default()) {
        assert!(names(&gathered).is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0usize..6) {
        let mut input = match kind {
            0 => Vec::new(),
            1 => b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(),
            2 => b"\x28\xb5\x2f\xfd".to_vec(),
            3 => b"PK\x03\x04".to_vec(),
            4 => tar_of(&[("a.json", POD)]),
            _ => zip_of(&[("a.json", POD)]),
        };
        let at = if kind >= 4 { input.len() / 2 } else { input.len() };
        input.splice(at..at, bytes);
        let _ = read_bytes("x", &input);
    }

    #[test]
    fn damaged_objects_are_survived(cut in 0usize..2000, flip in 0usize..2000, with in any::<u8>()) {
        let yaml = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\nkind: List\n";
        for text in [list("PodList", POD), yaml.to_owned()] {
            let mut bytes = text.into_bytes();
            let at = flip % bytes.len();
            bytes[at] = with;
            bytes.truncate(cut.max(1));
            let _ = read_bytes("x.json", &bytes);
        }
    }
}
