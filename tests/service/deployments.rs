//! docs/deploy.md and deploy/: the commands pass the key on unchanged, the settings are valid, the figures add up.
//!
//! `.ci/manifests` validates the files against the schemas of Kubernetes and GitHub.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jaas_jwt::config::Config;
use jaas_jwt::environment::Environment;
use jaas_jwt::http::Request;
use jaas_jwt::service;
use testkit::stdout_of;

use crate::harness::{ALLOWED, APP_ID, FOREIGN, KEY_ID, Server, Settings, root};
use crate::health::health;
use crate::http::get;
use crate::key_material::{Directory, Kind, key, openssl, openssl_key};

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/deploy.md")).expect("docs/deploy.md")
}

/// Returns the code of each block of shell commands.
fn scripts() -> Vec<String> {
    let guide = guide();
    let blocks: Vec<String> = guide
        .split("\n```sh\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().expect("an end").to_owned())
        .collect();
    assert!(blocks.len() > 15, "{}", blocks.len());
    blocks
}

/// Replaces every program that a block calls. Prints the variables that the program would get, each as
/// `name NUL value NUL`. Spin's `@file` is replaced by the file's content; a TOML file is printed whole.
const STAND_INS: &str = r#"
say() { printf '%s\0%s\0' "$1" "$2"; }
content() { cat "$1"; printf x; }
spin() {
    if [ "${SPIN_VARIABLE_JAAS_PRIVATE_KEY+set}" ]; then say jaas_private_key "$SPIN_VARIABLE_JAAS_PRIVATE_KEY"; fi
    while [ $# -gt 0 ]; do
        if [ "$1" = --variable ]; then
            shift
            case $1 in
                @*) c=$(content "${1#@}"); say @toml "${c%x}" ;;
                *=@*) c=$(content "${1#*=@}"); say "${1%%=*}" "${c%x}" ;;
                *) say "${1%%=*}" "${1#*=}" ;;
            esac
        fi
        shift
    done
}
wasmtime() {
    while [ $# -gt 0 ]; do
        if [ "$1" = --env ]; then
            shift
            eval "value=\$$1"
            say "$1" "$value"
        fi
        shift
    done
}
kubectl() {
    for argument; do
        case $argument in
            --from-literal=*) argument=${argument#*=}; say "${argument%%=*}" "${argument#*=}" ;;
            --from-file=*) argument=${argument#*=}; c=$(content "${argument#*=}"); say "${argument%%=*}" "${c%x}" ;;
            -) cat ;;
        esac
    done
}
caddy() { :; }
cargo() { :; }
curl() { :; }
gh() { :; }
jq() { :; }
"#;

/// Runs a block and returns the names and values that its programs would get, in order. `folder` contains `key.pem` and
/// `new-key.pem`.
fn run(script: &str, folder: &Path) -> Vec<(String, String)> {
    let mut shell = Command::new("sh");
    shell
        .args(["-euc", &format!("{STAND_INS}\n{script}")])
        .current_dir(folder)
        .env_remove("SPIN_VARIABLE_JAAS_PRIVATE_KEY");
    let text = stdout_of(&mut shell);
    let parts: Vec<&str> = text.split_terminator('\0').collect();
    parts
        .chunks(2)
        .flat_map(|pair| {
            let (name, value) = (pair[0], pair.get(1).copied().unwrap_or_default());
            if name == "@toml" {
                let table: toml::Table = value.parse().expect("variables.toml");
                table
                    .into_iter()
                    .map(|(name, value)| (name, value.as_str().expect("a string").to_owned()))
                    .collect()
            } else {
                let name = name.trim_start_matches("SPIN_VARIABLE_").to_lowercase();
                vec![(name, value.to_owned())]
            }
        })
        .collect()
}

#[test]
fn every_command_of_the_guide_passes_the_credentials_and_the_key_arrives_whole() {
    let material = key(Kind::Pkcs8, 2048);
    let directory = Directory::new("deploy");
    let folder: PathBuf = directory.path().into();
    for name in ["key.pem", "new-key.pem"] {
        std::fs::write(folder.join(name), &material.pem).expect("a key file");
    }
    let manifest: toml::Table = std::fs::read_to_string(root().join("spin.toml"))
        .expect("spin.toml")
        .parse()
        .expect("TOML");
    let mut keys = BTreeMap::new();
    let mut complete = 0;
    for script in scripts() {
        let given = run(&script, &folder);
        let names: BTreeSet<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        for name in &names {
            assert!(
                manifest["variables"].get(name).is_some(),
                "{name}: {script}"
            );
        }
        if names.contains("jaas_private_key") {
            // The first block sets them in the environment, of which the stand-in for Spin prints only the key.
            let others = ["jaas_app_id", "jaas_key_id"];
            let exported = others
                .map(str::to_uppercase)
                .map(|name| script.contains(&format!("export SPIN_VARIABLE_{name}=")));
            assert!(
                exported == [true; 2] || others.iter().all(|name| names.contains(name)),
                "{script}"
            );
            complete += 1;
        }
        for (name, value) in given {
            if name == "jaas_private_key" {
                keys.insert(value, script.clone());
            }
        }
    }
    assert!(complete >= 8, "{complete}");

    // The command for files with one variable per line.
    let lines = std::fs::read_to_string(folder.join("jaas.env")).expect("jaas.env");
    let (name, value) = lines.trim_end().split_once('=').expect("NAME=VALUE");
    assert_eq!(name, "SPIN_VARIABLE_JAAS_PRIVATE_KEY");
    assert!(!value.contains('\n'), "{lines}");
    keys.insert(value.to_owned(), "jaas.env".to_owned());

    assert!(keys.len() >= 3, "{}", keys.len());
    for (value, script) in keys {
        let server = Server::start(Settings::good().set("jaas_private_key", &value));
        let response = server.send(&get(&[("room", "a")]));
        assert_eq!(response.status, 200, "{script}: {response}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_with_the_key_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = Directory::new("deploy-file");
    let folder: PathBuf = directory.path().into();
    std::fs::write(folder.join("key.pem"), "a\nb\n").expect("a file");
    let script = scripts()
        .into_iter()
        .find(|script| script.contains("> variables.toml"))
        .expect("a block that writes variables.toml");
    run(&script, &folder);
    let mode = folder
        .join("variables.toml")
        .metadata()
        .expect("variables.toml")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Returns the entries under `literals:` of each kustomization.
fn literals() -> Vec<(PathBuf, Vec<(String, String)>)> {
    let base = root().join("deploy/spinkube");
    let overlays = std::fs::read_dir(base.join("overlays")).expect("overlays");
    overlays
        .map(|entry| entry.expect("an entry").path())
        .chain([base.join("base")])
        .map(|folder| {
            let file = folder.join("kustomization.yaml");
            let text = std::fs::read_to_string(&file).expect("kustomization.yaml");
            let values = text
                .lines()
                .skip_while(|line| line.trim() != "literals:")
                .skip(1)
                .map_while(|line| line.strip_prefix("      - "))
                .map(|line| line.split_once('=').expect("name=value"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            (file, values)
        })
        .collect()
}

#[test]
fn the_service_accepts_the_variables_of_every_overlay() {
    let mut count = 0;
    for (file, values) in literals() {
        if values.is_empty() {
            continue;
        }
        let settings = values
            .iter()
            .fold(Settings::good(), |settings, (name, value)| {
                settings.set(name, value)
            });
        let response = Server::start(settings).send(&health());
        assert_eq!(response.status, 200, "{}: {response}", file.display());
        count += values.len();
    }
    assert!(count >= 6, "{count}");
}

/// Finds a program that `cargo dev test` has unpacked or that is installed. If there is none, says that the test is skipped.
fn proxy(name: &str) -> Option<Command> {
    let unpacked = root().join("target/debian").join(name).join("usr");
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = [unpacked.join("bin"), unpacked.join("sbin")]
        .into_iter()
        .chain(std::env::split_paths(&folders))
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    if found.is_none() {
        // Not `eprintln!`, whose output the test harness captures.
        let _ = writeln!(
            std::io::stderr(),
            "deploy/proxy: the example for {name} is not checked, there is no `{name}` here"
        );
    }
    found.map(Command::new)
}

fn assert_accepts(mut check: Command, name: &str) {
    let output = check.output().expect("it runs");
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn example(name: &str) -> String {
    let text = std::fs::read_to_string(root().join("deploy/proxy").join(name)).expect(name);
    assert!(text.contains("/api/jitsi-token") && text.contains("127.0.0.1:3000"));
    text
}

#[test]
fn caddy_accepts_its_example() {
    example("Caddyfile");
    let Some(mut caddy) = proxy("caddy") else {
        return;
    };
    let directory = Directory::new("caddy");
    caddy
        .args(["validate", "--adapter", "caddyfile", "--config"])
        .arg(root().join("deploy/proxy/Caddyfile"))
        .env("HOME", directory.path())
        .env("XDG_DATA_HOME", directory.path())
        .env("XDG_CONFIG_HOME", directory.path());
    assert_accepts(caddy, "caddy");
}

/// The example runs with the test's own certificate and port.
#[test]
fn nginx_accepts_its_example() {
    let text = example("nginx.conf");
    let Some(mut nginx) = proxy("nginx") else {
        return;
    };
    let directory = Directory::new("nginx");
    let folder = directory.path();
    let file = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(file("key.pem"), openssl_key(&["ed25519"])).expect("a key file");
    openssl(
        &[
            "req",
            "-x509",
            "-new",
            "-subj",
            "/CN=meet.example.org",
            "-key",
            &file("key.pem"),
            "-out",
            &file("cert.pem"),
        ],
        "",
    );
    let live = "/etc/letsencrypt/live/meet.example.org/";
    let mut text = text;
    for (example, here) in [
        (format!("{live}fullchain.pem"), file("cert.pem")),
        (format!("{live}privkey.pem"), file("key.pem")),
        ("listen 443 ssl".into(), "listen 127.0.0.1:18443 ssl".into()),
    ] {
        assert!(text.contains(&example), "{example}");
        text = text.replace(&example, &here);
    }
    let whole = format!(
        "pid {0}; error_log stderr; events {{}} http {{ access_log off; client_body_temp_path {0}.1; \
         proxy_temp_path {0}.2; fastcgi_temp_path {0}.3; uwsgi_temp_path {0}.4; scgi_temp_path {0}.5; {text} }}",
        file("pid")
    );
    std::fs::write(file("whole.conf"), whole).expect("a file");
    nginx
        .args(["-t", "-p"])
        .arg(folder)
        .args(["-c", &file("whole.conf")]);
    assert_accepts(nginx, "nginx");
}

#[test]
fn the_table_of_cores_is_what_its_formulas_say() {
    let guide = guide();
    let rows: Vec<Vec<&str>> = guide
        .lines()
        .skip_while(|line| !line.starts_with("| CPU ms per token |"))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let number = |cell: &str| -> f64 {
        let digits = cell.trim_start_matches("cores, ");
        let digits = digits.trim_end_matches(" joins a minute").replace(',', "");
        digits.parse().unwrap_or_else(|_| panic!("{cell}"))
    };
    let thousands: Vec<f64> = rows[0][2..]
        .iter()
        .map(|cell| number(cell) / 1000.0)
        .collect();
    assert_eq!(thousands, [1.0, 5.0, 20.0]);
    assert!(rows.len() > 5);
    for row in &rows[2..] {
        let ms = number(row[0]);
        assert_eq!(row[1], format!("{:.0}", 1000.0 / ms), "{row:?}");
        for (cell, thousand) in row[2..].iter().zip(&thousands) {
            assert_eq!(*cell, format!("{:.2}", thousand * ms / 60.0), "{row:?}");
        }
    }
    // The worked example.
    assert!(guide.contains("30 ms for a token, one core signs 33 tokens a second"));
    assert!(guide.contains("5 × 30 / 60 = 2.5 cores"));
    assert!(guide.contains("5 × 10 / 60 = 0.83"));
}

/// Tests the core as a library: over HTTP, the number of calls to a provider is not visible.
#[test]
fn a_request_reads_as_many_variables_as_the_table_says() {
    let guide = guide();
    let rows: Vec<Vec<&str>> = guide
        .lines()
        .skip_while(|line| !line.starts_with("| request | `Origin` |"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    assert!(rows.len() > 5, "{rows:?}");
    let pem = &key(Kind::Pkcs8, 2048).pem;
    for row in rows {
        let [request, origin, auth_mode, status, reads] = row[..] else {
            panic!("{row:?}");
        };
        let request = request.trim_end_matches(", which is off").trim_matches('`');
        let (method, target) = request.split_once(' ').expect(request);
        let mut headers = match origin {
            "absent" => vec![],
            "allowed" => vec![("origin", ALLOWED)],
            "another" => vec![("origin", FOREIGN)],
            other => panic!("{other}"),
        };
        if method == "OPTIONS" {
            headers.push(("access-control-request-method", "GET"));
        }
        let login = [
            ("auth_mode", "required"),
            ("auth_hs256_secret", "f3b1c9d27a64e8500f3b1c9d27a64e85"),
            ("auth_issuer", "https://login.example"),
            ("auth_audience", "jaas"),
        ];
        let credentials = [
            ("jaas_app_id", APP_ID),
            ("jaas_key_id", KEY_ID),
            ("jaas_private_key", pem),
        ];
        let login = if auth_mode == "required" {
            &login[..]
        } else {
            &[]
        };
        let variables: BTreeMap<&str, &str> = credentials.iter().chain(login).copied().collect();
        let count = Cell::new(0);
        let source = |name: &str| {
            count.set(count.get() + 1);
            Ok(variables.get(name).map(|value| (*value).to_owned()))
        };
        let outcome = service::handle(
            &Config::new(&source),
            &mut Request {
                method: method.to_owned(),
                target: target.to_owned(),
                headers: headers.as_slice().into(),
                body: &b""[..],
            },
            Environment::isolated(1_700_000_000, &mut |bytes: &mut [u8]| bytes.fill(7)),
        );
        assert_eq!(outcome.response.status.to_string(), status, "{row:?}");
        assert_eq!(count.get().to_string(), reads, "{row:?}");
    }
}

#[test]
fn the_guide_has_every_field_of_the_log() {
    let source = std::fs::read_to_string(root().join("src/log.rs")).expect("src/log.rs");
    let (_, line) = source.split_once("pub struct Line").expect("the line");
    let (line, _) = line.split_once("\n}").expect("its end");
    let of_code: Vec<&str> = line
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next())
        .collect();
    let guide = guide();
    let of_guide: Vec<&str> = guide
        .lines()
        .skip_while(|line| *line != "| field | value |")
        .skip(2)
        .map_while(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(of_guide, of_code);
}
