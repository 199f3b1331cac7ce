//! docs/auth.md: every program runs, every block of variables is valid, and the service has every quoted message.

use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::credentials::Login;
use crate::harness::{Server, Settings, root};
use crate::http::{Response, post_json};
use crate::key_material::{Directory, openssl_key, public_key};

const PREFIX: &str = "SPIN_VARIABLE_";
/// The variable with the secret that the programs sign with (HS256).
const SECRET: &str = "AUTH_HS256_SECRET";
/// The variable with the private key that the program with a key pair signs with.
const PRIVATE_KEY: &str = "AUTH_PRIVATE_KEY";
/// The `kid` that this program writes.
const KEY_NAME: &str = "2026-01";

fn guide() -> String {
    std::fs::read_to_string(root().join("docs/auth.md")).expect("docs/auth.md")
}

/// A code block and the second-level heading above it.
struct Block {
    section: String,
    language: String,
    code: String,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut section = String::new();
    let mut open: Option<Block> = None;
    for line in guide().lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.code.push_str(&format!("{line}\n")),
            (None, Some(language)) => {
                open = Some(Block {
                    section: section.clone(),
                    language: language.to_owned(),
                    code: String::new(),
                });
            }
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    heading.clone_into(&mut section);
                }
            }
        }
    }
    assert!(open.is_none(), "a block of docs/auth.md does not end");
    blocks
}

/// Returns the only block in this language that contains `part`.
fn block(language: &str, part: &str) -> Block {
    let mut found: Vec<_> = blocks()
        .into_iter()
        .filter(|block| block.language == language && block.code.contains(part))
        .collect();
    assert_eq!(found.len(), 1, "blocks of {language} with {part}");
    found.remove(0)
}

/// Returns the variables that a section exports, under the manifest's names, except those whose value a command prints.
pub(crate) fn variables(section: &str) -> Vec<(String, String)> {
    let variables: Vec<_> = blocks()
        .iter()
        .filter(|block| block.section == section && block.language == "sh")
        .flat_map(|block| block.code.lines())
        .filter_map(|line| line.strip_prefix("export ")?.strip_prefix(PREFIX))
        .map(|line| line.split_once('=').expect("NAME=VALUE"))
        .filter(|(_, value)| !value.starts_with('"'))
        .map(|(name, value)| (name.to_lowercase(), value.trim_matches('\'').to_owned()))
        .collect();
    assert!(variables.len() >= 3, "{section}: {variables:?}");
    variables
}

fn settings(section: &str, key: &str, value: &str) -> Settings {
    variables(section)
        .iter()
        .fold(Settings::good(), |settings, (name, value)| {
            settings.set(name, value)
        })
        .set(key, value)
}

/// How to run the guide's programs in a language: the command without the file's name.
struct Interpreter {
    language: &'static str,
    command: &'static [&'static str],
    /// How to install it, if it is required. If `None`, its programs are skipped when it is missing.
    install: Option<&'static str>,
}

const NODE: Interpreter = Interpreter {
    language: "js",
    command: &["node"],
    install: Some("install Node.js 18 or newer"),
};

const INTERPRETERS: [Interpreter; 4] = [
    NODE,
    Interpreter {
        language: "python",
        command: &["python3"],
        install: Some("install Python 3.8 or newer"),
    },
    Interpreter {
        language: "go",
        command: &["go", "run"],
        install: None,
    },
    Interpreter {
        language: "php",
        command: &["php"],
        install: None,
    },
];

impl Interpreter {
    /// Returns what the program prints, without the final newline, or `None` if nothing here can run it.
    fn run(&self, code: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Option<String> {
        let directory = Directory::new("recipe");
        let file = directory.path().join(format!("recipe.{}", self.language));
        std::fs::write(&file, code).expect("a file in a temporary directory");
        let output = Command::new(self.command[0])
            .args(&self.command[1..])
            .arg(file)
            .args(arguments)
            // The guide's programs need only their standard library: Go must not download anything.
            .envs([("GOPROXY", "off"), ("GOTOOLCHAIN", "local")])
            .envs(environment.iter().copied())
            .output();
        let output = match (output, self.install) {
            (Ok(output), _) => output,
            (Err(error), Some(install)) => {
                panic!("this test needs `{}` ({error}): {install}", self.command[0])
            }
            (Err(_), None) => {
                // Not `eprintln!`, whose output the test harness captures.
                let _ = writeln!(
                    std::io::stderr(),
                    "docs/auth.md: the {} program did not run, there is no `{}` here",
                    self.language,
                    self.command[0]
                );
                return None;
            }
        };
        assert!(
            output.status.success(),
            "{}:\n{code}\n{}",
            self.language,
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("text");
        Some(text.trim_end().to_owned())
    }
}

fn run_node(code: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    NODE.run(code, arguments, environment)
        .expect("Node must be there")
}

fn call(server: &Server, credential: &str) -> Response {
    server.send(&post_json(&json!({ "room": "recipes" })).bearer(credential))
}

/// Asserts that the service accepts the program's credential and rejects altered copies of it.
fn assert_accepted_unless_altered(server: &Server, credential: &str, program: &str) {
    let response = call(server, credential);
    assert_eq!(response.status, 200, "{program}: {response}");
    let token = response.token();
    for (field, value) in [
        ("id", "user-17"),
        ("name", "Jane Smith"),
        ("email", "jane@example.org"),
        ("moderator", "true"),
    ] {
        assert_eq!(token.user()[field], value, "{program}");
    }

    let parts: Vec<&str> = credential.split('.').collect();
    let [head, claims, signature] = parts[..] else {
        panic!("{program} prints {credential}");
    };
    let mut other_claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
    other_claims["sub"] = json!("user-18");
    let other_claims = URL_SAFE_NO_PAD.encode(other_claims.to_string());
    // Changes the first byte of the signature, whatever it is.
    let first = if signature.starts_with('A') { "B" } else { "A" };
    for altered in [
        format!("{head}.{other_claims}.{signature}"),
        format!("{head}.{claims}.{first}{}", &signature[1..]),
    ] {
        let response = call(server, &altered);
        assert_eq!(response.status, 401, "{program}: {altered}: {response}");
        assert_eq!(
            response.header("WWW-Authenticate"),
            Some(r#"Bearer realm="jaas-jwt", error="invalid_token""#),
            "{program}"
        );
    }
    assert_eq!(call(server, "").status, 401);
}

#[test]
fn a_credential_of_each_program_is_accepted_and_an_altered_one_is_not() {
    let login = Login::new();
    let section = "Your own login: a shared secret";
    let server = Server::start(settings(section, "auth_hs256_secret", &login.secret));
    for interpreter in INTERPRETERS {
        let program = block(interpreter.language, SECRET);
        assert_eq!(program.section, section);
        let environment = [(SECRET, login.secret.as_str())];
        if let Some(credential) = interpreter.run(&program.code, &[], &environment) {
            assert_accepted_unless_altered(&server, &credential, interpreter.language);
        }
    }
}

#[test]
fn the_page_gets_a_token_for_its_credential() {
    let login = Login::new();
    let section = "Your own login: a shared secret";
    let server = Server::start(settings(section, "auth_hs256_secret", &login.secret));
    let credential = run_node(
        &block("js", SECRET).code,
        &[],
        &[(SECRET, login.secret.as_str())],
    );
    let page = block("js", "fetch(").code;
    let host = "https://YOUR-HOST";
    assert!(page.contains(host));
    let page = page.replace(host, &format!("http://{}", server.address()));
    let call =
        "jitsiToken('recipes', process.argv[2]).then(console.log, (e) => console.log(e.message));";
    let code = format!("{page}\n{call}");

    let token = run_node(&code, &[&credential], &[]);
    assert_eq!(token.split('.').count(), 3, "{token}");
    let rejection = run_node(&code, &[&format!("{credential}x")], &[]);
    assert!(
        rejection.starts_with("The credential is not valid"),
        "{rejection}"
    );
}

#[test]
fn a_key_pair_signs_what_its_public_half_verifies_alone_or_in_a_set() {
    let section = "Your own login: a key pair";
    let key = openssl_key(&["ed25519"]);
    let program = block("js", PRIVATE_KEY);
    assert_eq!(program.section, section);
    let sign = || run_node(&program.code, &[], &[(PRIVATE_KEY, &key)]);
    {
        let settings = settings(section, "auth_public_key", &public_key(&key));
        assert_accepted_unless_altered(&Server::start(settings), &sign(), "a public key");
    }

    let directory = Directory::new("public-keys");
    let files = [
        (KEY_NAME, key.clone()),
        ("2026-07", openssl_key(&["ed25519"])),
    ]
    .map(|(name, key)| {
        let file = directory.path().join(format!("{name}.pub.pem"));
        std::fs::write(&file, public_key(&key)).expect("a file in a temporary directory");
        file.to_str().expect("a path in UTF-8").to_owned()
    });
    let set = run_node(
        &block("js", "process.argv").code,
        &files.each_ref().map(String::as_str),
        &[],
    );
    let parsed: Value = serde_json::from_str(&set).expect("JSON");
    assert_eq!(parsed["keys"][0]["kid"], KEY_NAME);
    assert_eq!(parsed["keys"][1]["kid"], "2026-07");
    let settings = settings(section, "auth_jwks", &set);
    assert_accepted_unless_altered(&Server::start(settings), &sign(), "a set of two");
}

#[test]
fn every_variable_of_the_guide_is_one_of_the_manifest() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("spin.toml"))
        .expect("spin.toml")
        .parse()
        .expect("TOML");
    let declared = manifest["variables"].as_table().expect("variables");
    let guide = guide();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let environment = guide
        .split(PREFIX)
        .skip(1)
        .map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or(""))
        .map(str::to_lowercase);
    let named = guide
        .split(|c| !is_part(c))
        // This one is a member of the health check's body.
        .filter(|word| word.starts_with("auth_") && *word != "auth_jwks_age_seconds")
        .map(str::to_owned);
    let mut count = 0;
    for name in environment.chain(named) {
        assert!(declared.contains_key(&name), "{name}");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

/// Returns the service's whole source.
fn source() -> String {
    let mut source = String::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                source += &std::fs::read_to_string(path).expect("a source file");
            }
        }
    }
    source
}

/// The messages are quoted between backticks in the first cells of the tables in the last section.
#[test]
fn every_message_of_the_guide_is_one_that_the_service_has() {
    let source = source();
    let guide = guide();
    let (_, section) = guide
        .split_once("## Troubleshooting\n")
        .expect("the section");
    let messages: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        // The service inserts the claim's name at run time, and `…` stands for any text.
        let claim = "The credential's claim ";
        let message = match message.strip_prefix(claim) {
            Some(rest) => {
                let (name, _) = rest.split_once(" is ").unwrap_or((rest, ""));
                assert!(source.contains(&format!("\"{name}\"")), "{message}");
                claim
            }
            None if message.starts_with("auth_") => {
                message.split_once(' ').map_or(message, |(_, rest)| rest)
            }
            None => message,
        };
        for piece in message.split('…').map(str::trim) {
            assert!(source.contains(piece), "{message}: {piece}");
        }
    }
}
