//! Input that is missing, empty, broken or no input at all.

use crate::run::{empty_folder, sonde, sonde_reading};

#[test]
fn a_path_that_is_not_there() {
    sonde(&["diagnose", "--from", "/nowhere/case.tar.zst"])
        .fails(2, &["error: ", "/nowhere/case.tar.zst", "No such file", "hint: "]);
    sonde(&["diagnose", "-f", "/nowhere/pod.txt"]).fails(2, &["error: ", "/nowhere/pod.txt"]);
    sonde(&["diagnose", "-f", "/tmp"]).fails(2, &["is a folder", "hint: use --from"]);
}

#[test]
fn a_bundle_by_the_name_of_another_archive() {
    sonde(&["collect", "-o", "/nowhere/case.zip"]).fails(2, &["case.zip", ".tar.zst", "hint: "]);
}

#[test]
fn a_folder_without_anything() {
    let folder = empty_folder("empty");
    sonde(&["diagnose", "--from", folder.to_str().unwrap()]).fails(2, &["error: ", "hint: "]);
}

#[test]
fn bytes_that_are_no_text() {
    let folder = empty_folder("binary");
    let mut bytes: Vec<u8> = b"\x7fELF\x02\x01\x01\0".to_vec();
    bytes.extend((0..100_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8));
    std::fs::write(folder.join("a.out"), &bytes).unwrap();
    sonde(&["diagnose", "--from", folder.to_str().unwrap()]).fails(2, &["error: "]);
    let file = folder.join("a.out");
    sonde(&["diagnose", "--from", file.to_str().unwrap()]).fails(2, &["error: "]);
    let pasted = sonde_reading(&["diagnose", "-f", "-"], &bytes);
    pasted.fails(2, &["error: "]);
}

#[test]
fn nothing_on_standard_input() {
    sonde_reading(&["diagnose", "-f", "-"], b"").fails(2, &["error: "]);
}

#[test]
fn archives_that_are_cut() {
    let folder = empty_folder("cut");
    for (name, magic) in [
        ("a.tar.zst", &b"\x28\xb5\x2f\xfd\x04\x00"[..]),
        ("a.tar.gz", b"\x1f\x8b\x08\x00\x00\x00"),
        ("a.zip", b"PK\x03\x04\x14\x00"),
        ("a.tar", b"pods.json\0\0\0"),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, magic).unwrap();
        sonde(&["diagnose", "--from", path.to_str().unwrap()]).fails(2, &["error: ", name]);
    }
}

#[test]
fn arguments_that_mean_nothing() {
    for (args, words) in [
        (
            &["diagnose", "poddle/x", "--demo"][..],
            &["unknown type \"poddle\"", "hint: "][..],
        ),
        (
            &["diagnose", "deploymnet/x", "--demo"],
            &["did you mean deployment?"],
        ),
        (&["diagnose", "-l", "a in (b", "--demo"], &["selector", "hint: "]),
        (
            &["diagnose", "--now", "soon", "--demo"],
            &["--now \"soon\"", "hint: "],
        ),
        (
            &["diagnose", "--request-timeout", "5 apples"],
            &["--request-timeout", "hint: "],
        ),
        (
            &["diagnose", "pod/x", "-l", "a=b", "--demo"],
            &["selector", "hint: "],
        ),
        (
            &["diagnose", "--context", "x", "--demo"],
            &["name a cluster", "hint: "],
        ),
    ] {
        let said = sonde(args);
        said.fails(2, words);
        assert!(said.out.is_empty(), "{}", said.out);
    }
}

#[test]
fn words_that_are_about_no_cluster() {
    sonde_reading(&["diagnose", "-f", "-"], b"hello world\n").says(3, &["not understood", "hello world"]);
}
