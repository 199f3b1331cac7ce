//! The component's core as machine code of this processor: what Wasm costs is the distance to it.

use std::collections::BTreeMap;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use devkit_spin_app::environment_name;
use devkit_spin_app::manifest::Variable;
use jaas_jwt::config::Config;
use jaas_jwt::service::{self, Environment, Request};

/// Lets the core respond as `src/lib.rs` does: nothing is kept from one request to the next.
///
/// # Errors
/// The response is not 200.
pub fn request(
    variables: &[Variable],
    environment: &BTreeMap<String, String>,
    method: &str,
    target: &str,
) -> Result<()> {
    let config = Config::read(|name| {
        let set = environment.get(&environment_name(name)).cloned();
        let declared = || variables.iter().find(|it| it.name == name)?.default.clone();
        Ok(set.or_else(declared))
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: io::empty(),
    };
    let environment = Environment {
        now,
        random: &mut || [7; 16],
    };
    let status = service::handle(&config, request, environment).status;
    ensure!(status == 200, "the core responds with {status}");
    Ok(())
}
