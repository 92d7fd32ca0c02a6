//! Tells the code whether the capture for `--demo` is there to be embedded: a checkout without fixtures builds, too.

fn main() {
    let demo = "../../fixtures/demo.tar.zst";
    println!("cargo::rerun-if-changed={demo}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(has_demo)");
    if std::path::Path::new(demo).is_file() {
        println!("cargo::rustc-cfg=has_demo");
    }
}
