//! The component's core as machine code of this processor: what Wasm costs is the distance to it.

use std::collections::BTreeMap;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use devkit_spin_app::environment_name;
use devkit_spin_app::manifest::Variable;
use jaas_jwt::config::Config;
use jaas_jwt::environment::Environment;
use jaas_jwt::http::{Headers, Request};
use jaas_jwt::service;

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
    let source = |name: &str| {
        let set = environment.get(&environment_name(name)).cloned();
        let declared = || variables.iter().find(|it| it.name == name)?.default.clone();
        Ok(set.or_else(declared))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Headers::default(),
        body: io::empty(),
    };
    let mut random = |bytes: &mut [u8]| bytes.fill(7);
    let environment = Environment::isolated(now, &mut random);
    let outcome = service::handle(&Config::new(&source), request, environment);
    let status = outcome.response.status;
    ensure!(status == 200, "the core responds with {status}");
    Ok(())
}
