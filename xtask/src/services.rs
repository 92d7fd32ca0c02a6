//! Servers and clients of the protocol tests: Debian packages, and what is built of the modules below `e2e/`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::cluster::{Source, build_into, cache_folder};
use crate::packages::{self, Need};
use crate::root;

macro_rules! needs {
    ($($program:literal $package:literal,)*) => {
        const NEEDS: &[Need] = &[$(Need { program: $program, package: $package },)*];
    };
}

needs! {
    "nginx" "nginx",
    "ab" "apache2-utils",
    "redis-server" "redis-server",
    "redis-cli" "redis-tools",
    "mariadbd" "mariadb-server",
    "mariadb" "mariadb-client",
    "psql" "postgresql-client",
    "/usr/lib/postgresql" "postgresql",
    "memcached" "memcached",
    "rabbitmq-server" "rabbitmq-server",
    "mosquitto" "mosquitto",
    "/usr/share/java/zookeeper.jar" "zookeeper",
    "unbound" "unbound",
    "kdig" "knot-dnsutils",
    "nghttpd" "nghttp2-server",
    "h2load" "nghttp2-client",
    "java" "default-jre-headless",
    "mvn" "maven",
}

/// Programs of Go: the folder below `e2e/`, the package, the program.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("services", ".", "load"),
    ("services", "github.com/nats-io/nats-server/v2", "nats-server"),
    ("ferretdb", ".", "ferretdb"),
];

/// Folders below `e2e/` with a list of Java archives.
const ARCHIVES: &[&str] = &["kafka", "dubbo"];
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// Installs and builds what is not there yet.
pub(crate) fn provide() -> Result<()> {
    let packages = packages::provide(NEEDS);
    let folder = cache_folder()?.join("bin").join("services");
    let sources: Vec<Source> = PROGRAMS
        .iter()
        .map(|(module, package, program)| Source {
            module: (*module).to_owned(),
            package: (*package).to_owned(),
            program,
            linker_flags: "-s -w".to_owned(),
        })
        .collect();
    build_into(&folder, &sources)?;
    for name in ARCHIVES {
        copy_archives(&root().join("e2e").join(name), &folder.join(name))?;
    }
    Ok(packages?)
}

/// Copies what a `pom.xml` names and what that needs.
fn copy_archives(module: &Path, to: &Path) -> Result<()> {
    let list = std::fs::read(module.join("pom.xml")).context("failed to read the list of Java archives")?;
    // The list as it was copied last.
    let copied = to.join("pom.xml");
    if std::fs::read(&copied).is_ok_and(|it| it == list) {
        return Ok(());
    }
    eprintln!("copying the Java archives of {}", module.display());
    let status = Command::new("mvn")
        .args(["--quiet", "--batch-mode", COPY, "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", to.display()))
        .current_dir(module)
        .status()
        .context("failed to start mvn")?;
    if !status.success() {
        bail!("mvn cannot copy the Java archives of {}", module.display());
    }
    std::fs::write(copied, list).context("failed to note what was copied")
}
