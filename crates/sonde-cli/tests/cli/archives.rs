//! Archives that are cut, lie, or mean harm: what can be read is used, the rest is told.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use crate::run::{Said, empty_folder, sonde};

/// A pod that cannot pull its image: one finding, wherever it is read from.
pub(crate) fn sick_pod(name: &str) -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
            "image": "", "imageID": "", "state": {"waiting": {"reason": "ErrImagePull",
            "message": "failed to pull image: registry.example/app:1: not found"}}}]}
    })
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        // Written by hand: the builder refuses the paths that an attacker would choose.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn link(bytes: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, to: &str) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_path("dump/link.json").unwrap();
    header.set_link_name_literal(to).unwrap();
    header.set_size(0);
    header.set_cksum();
    bytes.append(&header, std::io::empty()).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Text that no packer makes smaller, so that a cut archive still has whole blocks.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut text = Vec::with_capacity(bytes);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push(if text.len() % 80 == 79 {
            b'\n'
        } else {
            b' ' + (state % 94) as u8
        });
    }
    text
}

fn read(name: &str, bytes: &[u8]) -> Said {
    let path: PathBuf = empty_folder("archive").join(name);
    std::fs::write(&path, bytes).unwrap();
    sonde(&["diagnose", "--from", path.to_str().unwrap()])
}

#[test]
fn what_stands_before_a_cut_is_used() {
    let pod = sick_pod("app-1").to_string();
    let whole = tar(&[
        ("dump/pods.json", pod.as_bytes()),
        ("dump/app.log", &noise(400_000)),
        ("dump/z.json", b"{}"),
    ]);
    let half = whole.len() / 2;
    let packed = gzip(&whole);
    let zstd = zstd::encode_all(&whole[..], 1).unwrap();
    for (name, bytes) in [
        ("cut.tar", &whole[..half]),
        ("cut.tar.gz", &packed[..packed.len() / 2]),
        ("cut.tar.zst", &zstd[..zstd.len() / 2]),
    ] {
        let said = read(name, bytes);
        said.says(
            1,
            &[
                "IMG-NOT-FOUND",
                "Could not be used",
                "ends early",
                "the files before are used",
            ],
        );
    }
    for (name, bytes) in [
        ("whole.tar", &whole),
        ("whole.tar.gz", &packed),
        ("whole.tar.zst", &zstd),
    ] {
        let said = read(name, bytes);
        said.says(1, &["IMG-NOT-FOUND"]);
        assert!(!said.out.contains("ends early"), "{}", said.out);
    }
}

#[test]
fn a_zip_without_its_end_says_so() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("dump/pods.json", zip::write::SimpleFileOptions::default())
        .unwrap();
    writer
        .write_all(sick_pod("app-1").to_string().as_bytes())
        .unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    read("whole.zip", &bytes).says(1, &["IMG-NOT-FOUND"]);
    read("cut.zip", &bytes[..bytes.len() - 30]).fails(2, &["error: ", "cut.zip", "hint: "]);
}

#[test]
fn paths_and_links_of_an_archive_are_only_names() {
    let pod = sick_pod("app-1").to_string();
    let folder = empty_folder("escape");
    let absolute = folder.join("evil.json");
    let mut builder = tar::Builder::new(Vec::new());
    link(&mut builder, tar::EntryType::Symlink, "/etc/passwd");
    link(&mut builder, tar::EntryType::Link, "../../../../etc/passwd");
    link(&mut builder, tar::EntryType::Char, "");
    let mut bytes = builder.into_inner().unwrap();
    // Without its end mark, so that entries follow.
    bytes.truncate(3 * 512);
    bytes.extend(tar(&[
        ("../../../../../../tmp/evil-sonde.json", pod.as_bytes()),
        (absolute.to_str().unwrap(), b"text\n"),
    ]));
    let said = read("hostile.tar", &bytes);
    said.says(1, &["IMG-NOT-FOUND"]);
    assert!(!said.out.contains("root:"), "{}", said.out);
    assert!(!absolute.is_file() && !std::path::Path::new("/tmp/evil-sonde.json").is_file());
}

#[test]
fn a_bomb_is_stopped_and_what_was_before_it_is_used() {
    let pod = sick_pod("app-1").to_string();
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut files = tar(&[("dump/pods.json", pod.as_bytes())]);
    files.truncate(files.len() - 1024);
    let mut header = tar::Header::new_ustar();
    header.set_path("dump/zeros.log").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    files.extend(header.as_bytes());
    writer.write_all(&files).unwrap();
    // As many as one test may cost; the archive says that there are more.
    let zeros = vec![0; 1 << 20];
    for _ in 0..96 {
        writer.write_all(&zeros).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let said = read("bomb.tar.gz", &bytes);
    said.says(
        1,
        &[
            "IMG-NOT-FOUND",
            "unpacks to more than 1000 times its size",
            "the files before are used",
        ],
    );
}

#[test]
fn an_archive_without_files_is_empty() {
    for (name, bytes) in [("empty.tar", tar(&[])), ("empty.tar.gz", gzip(&tar(&[])))] {
        read(name, &bytes).fails(2, &["error: ", name, "it is empty", "hint: "]);
    }
}

#[test]
fn an_archive_in_an_archive_is_named() {
    let inner = gzip(&tar(&[("pods.json", sick_pod("app-1").to_string().as_bytes())]));
    let pod = sick_pod("app-2").to_string();
    let said = read(
        "outer.tar",
        &tar(&[("dump/inner.tar.gz", &inner), ("dump/pods.json", pod.as_bytes())]),
    );
    said.says(1, &["app-2", "dump/inner.tar.gz", "unpack it"]);
}
