//! The words of many programs, and what is told and advised of them.

use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use crate::testing::{Outcome, Scene, crashed, merge, pod};

fn ended(code: i64, container: Value, log: &str) -> Outcome {
    let mut it = pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}));
    merge(&mut it["spec"]["containers"][0], container);
    Scene::new()
        .object(it)
        .complete(&[Kind::Service])
        .log("shop/app-1", "app", true, log)
        .diagnose()
}

/// The log, what the headline says, what is advised, and what is not.
fn check(verdict: Verdict, table: &[(&str, &str, &str, &str)]) {
    for (log, said, advised, not) in table {
        let outcome = ended(1, json!({}), log);
        let finding = outcome.finds_only("EXT-ERROR", verdict);
        assert!(finding.headline.contains(said), "{log}: {}", finding.headline);
        let fixes: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
        assert!(fixes.contains(advised) && !fixes.contains(not), "{log}: {fixes}");
    }
}

#[test]
fn what_leaves_no_other_reading_is_proven() {
    check(
        Verdict::Proven,
        &[
            // A peer's refusal.
            (
                "[ERROR] auth: error=\"Error making API request. URL: PUT http://vault.vault:8200/v1/auth Code: 403. Errors: * permission denied\"\n",
                "vault.vault:8200 refuses what it asks for",
                "what the other side allows",
                "fsGroup",
            ),
            (
                "googleapi: Error 403: Permission denied on resource project acme., forbidden\n",
                "a request is forbidden",
                "what the other side allows",
                "fsGroup",
            ),
            (
                "git@github.com: Permission denied (publickey).\n",
                "publickey",
                "key that the container has",
                "fsGroup",
            ),
            (
                "E0301 11:57:58.000000 1 reflector.go:150] failed to list *v1.Secret: secrets is forbidden: User \"system:serviceaccount:shop:default\" cannot list resource \"secrets\" in API group \"\" at the cluster scope\nF0301 11:58:00.000000 1 main.go:88] cache never synced\n",
                "system:serviceaccount:shop:default may not list secrets",
                "ClusterRole",
                "fsGroup",
            ),
            // Versions.
            (
                "/app/server: /lib/libc.so.6: version `GLIBC_2.34' not found (required by /app/server)\n",
                "library /lib/libc.so.6 has no version GLIBC_2.34",
                "base image",
                "mount it",
            ),
            (
                "ImportError: cannot import name 'create_app' from 'shop' (/app/shop/__init__.py)\n",
                "shop is there, and has no create_app",
                "pin them",
                "mount it",
            ),
            (
                "ImportError: cannot import name 'a' from partially initialized module 'b' (most likely due to a circular import)\n",
                "b is there, and has no a",
                "import each other",
                "pin them",
            ),
            // Refused values.
            (
                "httpd: bad address 'abc'\n",
                "refuses an address that it was given",
                "where the word comes from",
                "retry",
            ),
            (
                "dial tcp: lookup http://db: no such host\n",
                "configuration is wrong",
                "mend the setting",
                "retry",
            ),
            // The node's settings, locks, limits.
            (
                "ERROR: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]\n",
                "vm.max_map_count",
                "vm.max_map_count",
                "ConfigMap",
            ),
            (
                "opening storage failed: lock DB directory: resource temporarily unavailable\n",
                "locked by another process",
                "only one pod",
                "podPidsLimit",
            ),
            // No address in sight.
            (
                "PHP Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /var/www/db.php:12\n",
                "something that it needs refuses the connection",
                "exists, is ready",
                ":12",
            ),
            (
                "dial tcp 10.0.0.7:5432: connect: operation not permitted\n",
                "does not let it connect to 10.0.0.7:5432",
                "NetworkPolicy",
                "fsGroup",
            ),
            (
                "connecting to redis://cache:6379\nError: connect ECONNREFUSED\n",
                "lines nearby speak of cache:6379",
                "exists, is ready",
                "fsGroup",
            ),
        ],
    );
    for bad in [
        "httpd: bad address 'abc'\n",
        "PHP Fatal error:  Uncaught X: Connection refused in /var/www/db.php:12\n",
    ] {
        let outcome = ended(1, json!({}), bad);
        let finding = outcome.finding("EXT-ERROR");
        assert!(!finding.headline.contains(":12 refuses"), "{}", finding.headline);
        assert!(
            !finding.chain.iter().any(|step| step.text.contains("no service")),
            "{:?}",
            finding.chain
        );
    }
}

#[test]
fn an_error_with_a_little_behind_it_is_likely() {
    check(
        Verdict::Likely,
        &[
            (
                "ERROR: Validate failed: Migrations have failed validation\nMigration checksum mismatch for migration version 12\n-> Applied to database : 1834192\n",
                "Validate failed",
                "",
                "last words do not tell",
            ),
            (
                "warn: dial tcp 10.1.1.1:6379: connect: connection refused (attempt 1/2)\nwarn: dial tcp 10.1.1.1:6379: connect: connection refused (attempt 2/2)\nflush metrics\n",
                "10.1.1.1:6379 refuses",
                "exists, is ready",
                "last words do not tell",
            ),
        ],
    );
    // Unknown: what it got over is no reason, and so is nothing that it says.
    for log in [
        "ERROR: cannot load the plugin\nINFO ready to serve\nlast\n",
        "one\ntwo\n",
    ] {
        ended(1, json!({}), log).finds_only(
            "EXT-ERROR",
            if log.starts_with("one") {
                Verdict::Likely
            } else {
                Verdict::Possible
            },
        );
    }
}

#[test]
fn the_capability_that_a_call_needs_is_named_from_the_spec() {
    let chown = "chown: /tmp: Operation not permitted\n";
    let drop_all = json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}});
    for (container, log, told, advised) in [
        (
            drop_all.clone(),
            chown,
            "needs the capability CHOWN, which the container's spec drops",
            "\"CHOWN\"",
        ),
        (
            drop_all,
            "su-exec: setgroups(0): Operation not permitted\n",
            "needs the capability SETGID, which the container's spec drops",
            "\"SETGID\"",
        ),
        (
            json!({"securityContext": {"runAsUser": 1000}}),
            chown,
            "which a process of user 1000 does not have",
            "init container",
        ),
        (
            json!({}),
            "mount: /mnt: Operation not permitted\n",
            "needs the capability SYS_ADMIN, which containers do not have",
            "\"SYS_ADMIN\"",
        ),
        (
            json!({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}),
            "ping: socket: Operation not permitted\n",
            "needs the capability NET_RAW",
            "\"NET_RAW\"",
        ),
    ] {
        let outcome = ended(1, container, log);
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            finding.chain.iter().any(|step| step.text.contains(told)),
            "{log}: {:?}",
            finding.chain
        );
        assert!(
            finding.fixes[0].text.contains(advised),
            "{log}: {:?}",
            finding.fixes
        );
    }
    // Root with what containers have, a privileged container, or a file's mode: nothing of the kind.
    for (container, log) in [
        (json!({}), chown),
        (
            json!({"securityContext": {"privileged": true}}),
            "mount: /mnt: Operation not permitted\n",
        ),
        (
            json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}}),
            "open /data/mount/x: permission denied\n",
        ),
    ] {
        let outcome = ended(1, container, log);
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            !finding.chain.iter().any(|step| step.text.contains("capability")),
            "{log}: {:?}",
            finding.chain
        );
    }
}

#[test]
fn a_library_that_the_loader_misses_is_no_matter_of_the_path() {
    for (log, said, advised) in [
        (
            "./server: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory\n",
            "libpq.so.5",
            "package of that library",
        ),
        (
            "/app/x: symbol lookup error: /usr/lib/libfoo.so: undefined symbol: foo_v2\n",
            "foo_v2",
            "pin them",
        ),
    ] {
        let outcome = ended(127, json!({}), log);
        let finding = outcome.finding("EXT-COMMAND-NOT-FOUND");
        assert!(finding.headline.contains(said), "{}", finding.headline);
        let fixes: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
        assert!(fixes.contains(advised) && !fixes.contains("PATH"), "{fixes}");
    }
    let outcome = ended(127, json!({}), "sh: java: not found\n");
    let fixes = &outcome.finding("EXT-COMMAND-NOT-FOUND").fixes;
    assert!(fixes[0].text.contains("PATH"), "{fixes:?}");
}

#[test]
fn a_code_alone_is_no_signal() {
    let outcome = ended(130, json!({}), "");
    let headline = &outcome.finding("EXT-SIGNAL").headline;
    assert!(
        headline.contains("may return that code itself") && !headline.contains("Ctrl-C"),
        "{headline}"
    );
}
