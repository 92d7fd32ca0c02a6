//! Registries of every kind: open, with a password, with bad certificates, and one that misbehaves on purpose.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::INTERNAL;
use super::control::{DOMAIN, openssl};
use super::host::Host;
use super::http::{self, Response};
use super::images::{Image, digest};
use super::plan::Plan;
use super::progress::{step, wait_until};

/// A registry on the control host, as `registry.sonde.test:PORT`.
struct Registry {
    name: &'static str,
    port: u16,
    extra: &'static str,
}

const OPEN_PORT: u16 = 5000;
/// Answers with the wrong status, late, or with wrong bytes; see [`super::trouble`].
pub(crate) const TROUBLE_PORT: u16 = 5004;

/// Nothing listens on port 5009.
const REGISTRIES: &[Registry] = &[
    Registry {
        name: "open",
        port: OPEN_PORT,
        extra: "",
    },
    Registry {
        name: "password",
        port: 5001,
        extra: "auth:\n  htpasswd:\n    realm: sonde\n    path: /var/lib/registry-setup/htpasswd\n",
    },
    Registry {
        name: "unknown-authority",
        port: 5002,
        extra: "  tls: {certificate: /var/lib/registry-setup/unknown.crt, key: /var/lib/registry-setup/key}\n",
    },
    Registry {
        name: "expired",
        port: 5003,
        extra: "  tls: {certificate: /var/lib/registry-setup/expired.crt, key: /var/lib/registry-setup/key}\n",
    },
];

/// Registries that containerd asks without encryption. Not listed: `plain.sonde.test:5000`, which it therefore asks with it.
const PLAIN_PORTS: &[u16] = &[OPEN_PORT, 5001, TROUBLE_PORT];

/// User `sonde`, password `sonde-secret`.
const HTPASSWD: &str = "sonde:$2y$05$sz7uqeHGWqzWCnBZd6etFueG5OM/Og6CzINzpdhOGfnr2mKywGzp.\n";

/// containerd's `hosts.toml` by registry.
pub(crate) fn host_files() -> Vec<(String, String)> {
    let file = |port: &u16| {
        let host = format!("registry.{DOMAIN}:{port}");
        let content = format!(
            "server = \"http://{host}\"\n\n[host.\"http://{host}\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
        );
        (host, content)
    };
    PLAIN_PORTS.iter().map(file).collect()
}

/// Starts the registries on the control host and fills them. They share one storage, so one push serves all.
pub(crate) fn start(plan: &Plan, images: &[Image]) -> Result<()> {
    step!("starting the registries");
    let control = plan.control();
    let folder = control.path("/var/lib/registry-setup");
    std::fs::create_dir_all(&folder).context("failed to create the folder of the registries")?;
    control.write("/var/lib/registry-setup/htpasswd", HTPASSWD)?;
    write_certificates(&control)?;
    for registry in REGISTRIES {
        let config = format!("/var/lib/registry-setup/{}.yml", registry.name);
        control.write(&config, &registry_config(registry))?;
        control.start_daemon(
            &format!("registry-{}", registry.name),
            "docker-registry",
            &["serve".to_owned(), config],
        )?;
    }
    let program = std::env::current_exe().context("failed to find this program's own path")?;
    let arguments = [
        INTERNAL.to_owned(),
        "trouble".to_owned(),
        OPEN_PORT.to_string(),
        TROUBLE_PORT.to_string(),
    ];
    control.start_daemon("registry-trouble", &program.to_string_lossy(), &arguments)?;
    for registry in REGISTRIES {
        let log = control.log(&format!("registry-{}", registry.name));
        wait_until(
            &format!("registry {} listens", registry.name),
            Duration::from_secs(20),
            &log,
            || TcpStream::connect((control.address, registry.port)).is_ok(),
        )?;
    }
    for image in images.iter().filter(|image| image.is_served) {
        push(control.address, image).with_context(|| format!("failed to push {}", image.name))?;
    }
    Ok(())
}

fn registry_config(registry: &Registry) -> String {
    let (port, extra) = (registry.port, registry.extra);
    format!(
        "version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: /var/lib/registry}}
http:
  addr: :{port}
{extra}"
    )
}

/// One certificate that nobody vouches for, and one that is also over.
fn write_certificates(control: &Host) -> Result<()> {
    let key = openssl(&["genrsa", "2048"], "")?;
    control.write("/var/lib/registry-setup/key", &key)?;
    let key_path = control
        .path("/var/lib/registry-setup/key")
        .to_string_lossy()
        .into_owned();
    let name = format!("registry.{DOMAIN}");
    let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
    let request = openssl(
        &[
            "req", "-new", "-key", &key_path, "-subj", &subject, "-addext", &names,
        ],
        "",
    )?;
    for (file, days) in [("unknown.crt", "3650"), ("expired.crt", "-1")] {
        let sign = [
            "x509",
            "-req",
            "-signkey",
            &key_path,
            "-days",
            days,
            "-copy_extensions",
            "copy",
        ];
        control.write(
            &format!("/var/lib/registry-setup/{file}"),
            &openssl(&sign, &request)?,
        )?;
    }
    Ok(())
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

fn push(address: Ipv4Addr, image: &Image) -> Result<()> {
    let (repository, tag) = image.name.split_once(':').context("an image's name has a tag")?;
    for blob in [&image.config, &image.layer] {
        push_blob(address, repository, blob)?;
    }
    let part = |kind: &str, bytes: &[u8]| serde_json::json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() });
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part(CONFIG, &image.config),
        "layers": [part(LAYER, &image.layer)],
    });
    let manifest = serde_json::to_vec(&manifest).context("failed to write a manifest")?;
    put_manifest(address, repository, &digest(&manifest), MANIFEST, &manifest)?;
    // An index tells the platform, so that a client on another one finds nothing for itself.
    let mut entry = part(MANIFEST, &manifest);
    entry["platform"] = serde_json::json!({ "architecture": image.architecture, "os": "linux" });
    let index = serde_json::json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    let index = serde_json::to_vec(&index).context("failed to write an index")?;
    put_manifest(address, repository, tag, INDEX, &index)
}

fn push_blob(address: Ipv4Addr, repository: &str, bytes: &[u8]) -> Result<()> {
    let started = send(
        address,
        "POST",
        &format!("/v2/{repository}/blobs/uploads/"),
        "",
        &[],
    )?;
    let location = started
        .header("Location")
        .context("the registry gave no place for an upload")?;
    // The place comes with or without the server's name, and with a query.
    let path = location
        .find("/v2/")
        .map(|at| &location[at..])
        .context("the registry's place for an upload is not under /v2/")?;
    let target = format!(
        "{path}{}digest={}",
        if path.contains('?') { '&' } else { '?' },
        digest(bytes)
    );
    expect_created(&send(address, "PUT", &target, "application/octet-stream", bytes)?)
}

fn put_manifest(
    address: Ipv4Addr,
    repository: &str,
    reference: &str,
    kind: &str,
    bytes: &[u8],
) -> Result<()> {
    expect_created(&send(
        address,
        "PUT",
        &format!("/v2/{repository}/manifests/{reference}"),
        kind,
        bytes,
    )?)
}

fn send(address: Ipv4Addr, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<Response> {
    let mut stream = TcpStream::connect((address, OPEN_PORT)).context("failed to connect to the registry")?;
    let headers = [
        ("Host", format!("registry.{DOMAIN}:{OPEN_PORT}")),
        ("Content-Type", kind.to_owned()),
    ];
    http::request(&mut stream, method, target, &headers, body)
}

fn expect_created(response: &Response) -> Result<()> {
    if response.status != 201 {
        bail!(
            "the registry answered {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
    }
    Ok(())
}
