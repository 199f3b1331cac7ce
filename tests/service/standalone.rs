//! The component that does not need Spin: the same responses, with variables read only from WASI's environment.
//!
//! `cargo dev test` builds it and sets its path; without that, these tests are skipped and say so.

use std::path::PathBuf;

use wasmparser::{Parser, Payload};

use crate::harness::{ALLOWED, FOREIGN, Server, Settings, root};
use crate::health::{assert_problems, health};
use crate::http::get;

/// Returns the component's path, or `None` if it has not been built.
fn component() -> Option<PathBuf> {
    let path = std::env::var_os("JAAS_TEST_STANDALONE").filter(|path| !path.is_empty());
    if path.is_none() {
        eprintln!("skipped: JAAS_TEST_STANDALONE names no component; `cargo dev test` does");
    }
    Some(root().join(path?))
}

/// The component does not import Spin's variables, so the environment is its only source of settings.
#[test]
fn it_imports_nothing_of_spin() {
    let Some(path) = component() else { return };
    let bytes = std::fs::read(&path).expect("the component");
    let plain = std::fs::read(root().join("target/wasm32-wasip2/release/jaas_jwt.wasm"));
    let has = |imports: &[String], start: &str| imports.iter().any(|it| it.starts_with(start));
    let spin = imports(&plain.expect("the component for Spin"));
    let without = imports(&bytes);
    // Not part of WASI 0.2, so not every host provides them.
    for of_spin in [
        "fermyon:spin/variables@",
        "fermyon:spin/key-value@",
        "wasi:keyvalue/",
    ] {
        assert!(has(&spin, of_spin), "{of_spin}: {spin:?}");
    }
    for other in ["fermyon:", "wasi:keyvalue"] {
        assert!(!has(&without, other), "{other}: {without:?}");
    }
    for wasi in ["wasi:http/types@0.2.", "wasi:http/outgoing-handler@0.2."] {
        assert!(has(&without, wasi), "{wasi}: {without:?}");
    }
}

/// Returns the names of a component's imports, without those of the components nested in it.
pub fn imports(component: &[u8]) -> Vec<String> {
    let (mut names, mut depth) = (Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                let imports = section.into_iter().map(|it| it.expect("an import"));
                names.extend(imports.map(|it| it.name.name.to_owned()));
            }
            _ => {}
        }
    }
    names
}

#[test]
fn it_responds_as_the_component_for_spin_does() {
    let Some(path) = component() else { return };
    let mut settings = Settings::good();
    settings.component = Some(path);
    let server = Server::start(settings.clone());
    assert_eq!(server.send(&health()).status, 200);
    // The harness checks rules, signature and log with each response.
    let response = server.send(&get(&[("room", "My Room")]).origin(ALLOWED));
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().claims["room"], "my%20room");
    assert_eq!(response.token().user()["name"], "Your User", "a default");
    assert_eq!(server.send(&get(&[]).origin(FOREIGN)).status, 403);
    drop(server);

    // Values that are set, empty and not ASCII.
    let settings = settings.set_all(&[
        ("default_user_name", "王小明"),
        ("default_user_email", ""),
        ("allowed_origins", "https://meet.example.org"),
    ]);
    let server = Server::start(settings.clone());
    let response = server.send(&get(&[]).origin("https://meet.example.org"));
    assert_eq!(response.status, 200, "{response}");
    assert_eq!(response.token().user()["name"], "王小明");
    assert_eq!(response.token().user().get("email"), None);
    assert_eq!(server.send(&get(&[]).origin(ALLOWED)).status, 403);
    drop(server);

    let server = Server::start_broken(
        settings.set_all(&[("jaas_private_key", ""), ("require_origin", "maybe")]),
    );
    assert_problems(&server, &["jaas_private_key", "require_origin"]);
}
