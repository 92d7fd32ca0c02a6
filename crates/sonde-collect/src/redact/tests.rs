use proptest::prelude::*;

use super::*;

#[test]
fn secrets_are_hidden() {
    for (input, expect) in [
        ("DB_PASSWORD=hunter2 next", "DB_PASSWORD=[redacted:password] next"),
        ("DB_PASS=hunter2 next", "DB_PASS=[redacted:password] next"),
        (
            r#"{"name": "SMTP_PASS2", "value": "hunter2"}"#,
            r#"{"name": "SMTP_PASS2", "value": "[redacted:password]"}"#,
        ),
        (r#"{"dbPass":"hunter2"}"#, r#"{"dbPass":"[redacted:password]"}"#),
        (r#"["--pass","hunter2"]"#, r#"["--pass","[redacted:password]"]"#),
        ("BYPASS=yes compass=north", "BYPASS=yes compass=north"),
        (
            "AccountName=shop;AccountKey=q83vEjRWeJA=;x",
            "AccountName=shop;AccountKey=[redacted:key];x",
        ),
        (r#"password="a b" x"#, r#"password="[redacted:password]" x"#),
        (
            "      DB_PASSWORD:  hunter two",
            "      DB_PASSWORD:  [redacted:password]",
        ),
        ("DB_PASSWORD=[aB3xyz9", "DB_PASSWORD=[redacted:password]"),
        ("DB_PASSWORD=/s3cr3t/pw", "DB_PASSWORD=[redacted:password]"),
        ("password: {hunter22}", "password: [redacted:password]"),
        ("password: **hunter22**", "password: **[redacted:password]"),
        ("password=`hunter22`", "password=`[redacted:password]`"),
        (
            "PASSWORD=\u{1b}[31mhunter22\u{1b}[0m",
            "PASSWORD=\u{1b}[31m[redacted:password]\u{1b}[0m",
        ),
        (
            r#"{"password":"[hunter22"}"#,
            r#"{"password":"[redacted:password]"}"#,
        ),
        ("  password: hunter2", "  password: [redacted:password]"),
        ("- api-key: 'abc'", "- api-key: [redacted:key]"),
        (
            r#"{"name": "API_TOKEN", "value": "s3cr\"et"}"#,
            r#"{"name": "API_TOKEN", "value": "[redacted:token]"}"#,
        ),
        (
            r#"{"a":"{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}"}"#,
            r#"{"a":"{\"name\":\"DB_PASSWORD\",\"value\":\"[redacted:password]\"}"}"#,
        ),
        (
            r#"["--password","hunter2","-v"]"#,
            r#"["--password","[redacted:password]","-v"]"#,
        ),
        (
            r#"["--password=hunter2"]"#,
            r#"["--password=[redacted:password]"]"#,
        ),
        (
            r#"{"msg":"x","client_secret":"abc"}"#,
            r#"{"msg":"x","client_secret":"[redacted:secret]"}"#,
        ),
        (
            r#"{"auths":{"r":{"auth":"dXNlcjpwYXNz"}}}"#,
            r#"{"auths":{"r":{"auth":"[redacted:credentials]"}}}"#,
        ),
        (
            "postgres://app:p4ss@db:5432/x",
            "postgres://[redacted:credentials]@db:5432/x",
        ),
        (
            "app:p4ss@tcp(db:3306)/x",
            "app:[redacted:password]@tcp(db:3306)/x",
        ),
        (
            "Server=db;User Id=sa;Password=xyz;Encrypt=no",
            "Server=db;User Id=sa;Password=[redacted:password];Encrypt=no",
        ),
        (
            "Authorization: Bearer abcdefghijklmnop",
            "Authorization: Bearer [redacted:token]",
        ),
        (
            "Authorization: Basic dXNlcjpwYXNz",
            "Authorization: Basic [redacted:credentials]",
        ),
        (
            "+ redis-cli -h cache -a MyRedisPw1 ping",
            "+ redis-cli -h cache -a [redacted:password] ping",
        ),
        (
            r#"{"command":["redis-cli","-a","MyRedisPw1","ping"]}"#,
            r#"{"command":["redis-cli","-a","[redacted:password]","ping"]}"#,
        ),
        (
            "mysqldump -uroot -psup3rPW shop",
            "mysqldump -uroot -p[redacted:password] shop",
        ),
        (
            r#"{"command":["sh","-c","mysql -psup3rPW -e 'select 1'"]}"#,
            r#"{"command":["sh","-c","mysql -p[redacted:password] -e 'select 1'"]}"#,
        ),
        ("key AKIAIOSFODNN7EXAMPLE.", "key [redacted:key]."),
        ("t=ghp_0123456789abcdefABCDEF0123456789abcd", "t=[redacted:token]"),
        ("mail jane.doe@example.com now", "mail [redacted:email] now"),
        (r#"{"d":"x\njane@example.com"}"#, r#"{"d":"x\n[redacted:email]"}"#),
        (
            "x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P y",
            "x [redacted:token] y",
        ),
        (
            r#"{"k":"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nAA==\n-----END RSA PRIVATE KEY-----\n"}"#,
            r#"{"k":"-----BEGIN RSA PRIVATE KEY-----[redacted:key]-----END RSA PRIVATE KEY-----\n"}"#,
        ),
        (
            r#"{"data":{"a.conf":"user: x\npassword: y\nport: 1"}}"#,
            r#"{"data":{"a.conf":"user: x\npassword: [redacted:password]\nport: 1"}}"#,
        ),
    ] {
        assert_eq!(text(input), expect);
    }
}

#[test]
fn what_a_diagnosis_needs_stays() {
    for input in [
        r#"MountVolume.SetUp failed for volume "db-secret" : secret "db" not found"#,
        r#"MountVolume.SetUp failed for volume "token" : failed to fetch token: timeout"#,
        r#"Error: couldn't find key password in Secret shop/db"#,
        r#""Couldn't get secret" pod="shop/x" secret="shop/regcred" err="secret \"regcred\" not found""#,
        r#"{"secretName":"tls-secret","items":[{"key":"token","path":"token"}]}"#,
        r#"{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}}"#,
        r#"{"name":"DB_PASSWORD","valueFrom":{"secretKeyRef":{"name":"db","key":"password"}}}"#,
        r#"{"imagePullSecrets":[{"name":"regcred"}],"automountServiceAccountToken":false}"#,
        "      DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false",
        "FATAL: password authentication failed for user \"app\"",
        "failed to get token: connection refused",
        "Error: invalid secret: not found",
        "registry.local/app@sha256:0123456789abcdef",
        "Started getty@tty1.service and user@1000.service.",
        "k8s.io/client-go@v0.30.0/tools/cache/reflector.go:150: failed to list",
        "dial tcp: lookup http://registry.local:5000/v2/ on 10.0.0.1:53",
        "git@github.com:acme/app.git",
        "--token-auth-file=/etc/tokens --secret-name=db",
        "www-authenticate: Bearer realm=\"https://auth.docker.io/token\"",
        "memory: 300m",
        "DB_PASSWORD=$(FROM_ELSEWHERE)",
        "DB_PASSWORD=${FROM_ELSEWHERE}",
        "password: {{ .Values.password }}",
        "password: <password>",
        r#"{"name":"DB_PASSWORD","value":"$(FROM_ELSEWHERE)"}"#,
        "PWD=/app",
        "secret: my-tls",
        "token: expired",
        "Type:       kubernetes.io/service-account-token",
        "    SecretName:  db-secret",
        "  token:\n    Type: Secret",
    ] {
        assert!(
            matches!(text(input), Cow::Borrowed(_)),
            "{input} -> {}",
            text(input)
        );
    }
}

#[test]
fn a_secret_keeps_only_its_keys() {
    let input = br#"{"kind":"Secret","metadata":{"name":"db","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"aHVudGVyMg=="}},
        "data":{"password":"aHVudGVyMg==","user":"c2E="},"type":"Opaque"}"#;
    let output = object(Bytes::from_static(input), &Kind::Secret, &mut Known::default());
    let value: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(value["data"]["user"], "[redacted:secret]");
    assert_eq!(value["type"], "Opaque");
    assert!(!String::from_utf8_lossy(&output).contains("aHVudGVyMg"));
}

#[test]
fn clean_bytes_are_shared() {
    let bytes = Bytes::from_static(br#"{"kind":"Pod","metadata":{"name":"x"}}"#);
    assert_eq!(
        object(bytes.clone(), &Kind::Pod, &mut Known::default()).as_ptr(),
        bytes.as_ptr()
    );
}

fn pieces() -> impl Strategy<Value = String> {
    "(password|token|SECRET|_KEY|api_key|\\\\|\"|'|=|: |,|\\{|\\[|\n|://|@|a:b@c\\.de|eyJabcdefghij\\.|Bearer |-----BEGIN |PRIVATE KEY-----|value|é|\\PC){0,24}"
}

proptest! {
    #[test]
    fn redacting_twice_damages_no_mark(input in pieces()) {
        let once = text(&input).into_owned();
        let twice = text(&once).into_owned();
        prop_assert!(twice.matches("[redacted:").count() >= once.matches("[redacted:").count(), "{once} {twice}");
    }

    #[test]
    fn json_stays_json(a in pieces(), b in pieces()) {
        let nested = serde_json::json!({ "inner": &b }).to_string();
        let value = serde_json::json!({"name": a, "value": b, "password": nested, "list": [a, b, {"data": nested}]});
        for input in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
            let output = object(input.into(), &Kind::ConfigMap, &mut Known::default());
            serde_json::from_slice::<Value>(&output).map_err(|error| {
                TestCaseError::fail(format!("{error}: {}", String::from_utf8_lossy(&output)))
            })?;
        }
    }

    /// However many layers a text is wrapped in, nothing that paste hands out has the secret.
    #[test]
    fn no_layer_hides_a_secret_from_redaction(
        secret in "[\\[{</a-z*]?[a-z0-9]{8,12}",
        form in 0..FORMS.len(),
        layers in prop::sample::subsequence((0..LAYERS.len()).collect::<Vec<_>>(), 0..=2),
    ) {
        let mark = format!("{secret}Q7");
        let mut input = FORMS[form].replace("VALUE", &mark);
        for layer in layers {
            input = LAYERS[layer](&input);
        }
        let read = crate::texts::clean(input.as_bytes()).0;
        let pasted = sonde_grammar::paste::read_with(&read, text);
        let shown = format!("{pasted:?}");
        let word: String = mark.chars().filter(char::is_ascii_alphanumeric).collect();
        prop_assert!(!shown.contains(&word), "{input}\n{shown}");
    }
}

const FORMS: &[&str] = &[
    "DB_PASSWORD=VALUE",
    "password: VALUE",
    "{\"password\": \"VALUE\"}",
    "FATAL cannot log in with password=VALUE",
];

/// What tickets, chats and terminals do to a text.
const LAYERS: &[fn(&str) -> String] = &[
    |text| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
    },
    |text| format!("`{text}`"),
    |text| format!("> {text}"),
    |text| match text.split_once(['=', ':']) {
        Some((name, value)) => format!(
            "{name}{}\u{1b}[31m{}\u{1b}[0m",
            &text[name.len()..=name.len()],
            value.trim_start()
        ),
        None => text.to_owned(),
    },
];

#[test]
fn a_value_that_is_hidden_by_its_name_is_hidden_wherever_it_stands() {
    let mut known = Known::default();
    let pod =
        br#"{"kind":"Pod","spec":{"containers":[{"command":["sh","-c","echo hunter2-Sup3r; run"],"env":[
        {"name":"DB_PASSWORD","value":"hunter2-Sup3r"},{"name":"CACHE_PASSWORD","value":"postgres"}]}]}}"#;
    let shown = object(Bytes::from_static(pod), &Kind::Pod, &mut known);
    let shown = std::str::from_utf8(&shown).unwrap();
    assert!(!shown.contains("hunter2-Sup3r"), "{shown}");
    assert!(shown.contains("echo [redacted:password]; run"), "{shown}");
    for (log, told) in [
        (
            "connecting with hunter2-Sup3r now",
            "connecting with [redacted:password] now",
        ),
        // A common word is as often the name of something.
        ("postgres:5432 refuses", "postgres:5432 refuses"),
        ("checksum ahunter2-Sup3rb", "checksum ahunter2-Sup3rb"),
    ] {
        assert_eq!(known.hide(log.to_owned()), told);
    }
    assert!(!format!("{known:?}").contains("hunter2"));
}
