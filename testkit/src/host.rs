//! The host that serves the component.
//!
//! `JAAS_TEST_HOST` selects it: `embedded` (Wasmtime in this process) or `spin` (the program on `PATH`).
//! `JAAS_TEST_COMPONENT` names a component to serve instead of the manifest's; only the embedded host can do that.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use devkit_host::{Faults, Log, Options};

use crate::settings::Settings;
use crate::{root, spin};

const ARTIFACT: &str = "target/wasm32-wasip2/release/jaas_jwt.wasm";

pub enum Host {
    Embedded(devkit_host::Server),
    Spin(spin::Server),
}

impl Host {
    pub fn start(settings: &Settings) -> Self {
        let host = std::env::var("JAAS_TEST_HOST").unwrap_or_default();
        match host.as_str() {
            _ if settings.component.is_some() => Self::embedded(settings, Faults::default()),
            "" | "embedded" => Self::embedded(settings, Faults::default()),
            "spin" => {
                assert!(
                    other_component().is_none(),
                    "JAAS_TEST_COMPONENT is for the embedded host, which JAAS_TEST_HOST does not choose"
                );
                check_artifact();
                Self::Spin(spin::Server::start(settings))
            }
            other => panic!("JAAS_TEST_HOST is {other:?}, neither `embedded` nor `spin`"),
        }
    }

    /// Starts the embedded host with injected faults.
    pub fn embedded(settings: &Settings, faults: Faults) -> Self {
        check_artifact();
        let options = Options {
            manifest: root().join("spin.toml"),
            component: settings.component.clone().or_else(other_component),
            runtime_config: settings.runtime_config.clone(),
            environment: settings.environment.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            log: Log::Memory,
            store: settings.store.clone().unwrap_or_default(),
            faults,
        };
        let server = devkit_host::start(options).expect("the embedded host starts");
        Self::Embedded(server)
    }

    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(server) => server.address(),
            Self::Spin(server) => server.address(),
        }
    }

    /// Returns everything that the component has written to standard error so far.
    pub fn log(&self) -> String {
        match self {
            Self::Embedded(server) => server.log(),
            Self::Spin(server) => server.log(),
        }
    }
}

/// Returns the component named by `JAAS_TEST_COMPONENT`.
fn other_component() -> Option<PathBuf> {
    std::env::var_os("JAAS_TEST_COMPONENT")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Returns the path of the component to serve.
pub fn component() -> PathBuf {
    root().join(other_component().unwrap_or_else(|| ARTIFACT.into()))
}

/// Panics if the component is missing or older than its source: the tests would then not test the current code.
fn check_artifact() {
    static PROBLEM: LazyLock<Option<String>> = LazyLock::new(|| {
        let artifact = component();
        let shown = artifact.strip_prefix(root()).unwrap_or(&artifact).display();
        if !artifact.is_file() {
            return Some(format!(
                "There is no component at {shown}: run `cargo dev build` first."
            ));
        }
        // Source files only: cargo does not rebuild the component because of a newer Cargo.toml or Cargo.lock.
        let mut find = Command::new("find");
        find.current_dir(root()).args(["src", "-name", "*.rs"]);
        let found = find.arg("-newer").arg(&artifact).output();
        let found = found.expect("find runs");
        assert!(found.status.success(), "{found:?}");
        let changed = String::from_utf8_lossy(&found.stdout);
        let source = changed.lines().next()?;
        Some(format!(
            "The component at {shown} is older than {source}: run `cargo dev build` again."
        ))
    });
    if let Some(problem) = &*PROBLEM {
        panic!("{problem}");
    }
}
