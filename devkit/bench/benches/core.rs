//! Measures the CPU time that a request takes in the service's core, compiled for this machine:
//! `cargo bench --package devkit-bench --no-default-features --bench core`.

use divan::Bencher;
use jaas_jwt::config::{Config, variable};
use jaas_jwt::environment::Environment;
use jaas_jwt::http::{Headers, Request};
use jaas_jwt::service;
use testkit::key_material::{Kind, key};

const ENGINES: [&str; 2] = ["jwt-simple", "rs256"];

fn main() {
    divan::main();
}

fn request(bencher: Bencher, engine: &str, method: &str) {
    let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
    let (key_id, pem) = (format!("{app_id}/000000"), &key(Kind::Pkcs8, 2048).pem);
    bencher.bench_local(|| {
        let source = |name: &str| {
            let set = match name {
                "jaas_app_id" => Some(&*app_id),
                "jaas_key_id" => Some(&*key_id),
                "jaas_private_key" => Some(pem.as_str()),
                "signing_engine" => Some(engine),
                _ => None,
            };
            let declared = variable::ALL.iter().find(|it| it.name == name);
            let default = declared.and_then(|variable| variable.default);
            Ok(set.or(default).map(str::to_owned))
        };
        let mut request = Request {
            method: method.to_owned(),
            target: "/api/jitsi-token?room=bench".to_owned(),
            headers: Headers::default(),
            body: std::io::empty(),
        };
        let mut random = |bytes: &mut [u8]| bytes.fill(7);
        let environment = Environment::isolated(1_800_000_000, &mut random);
        let outcome = service::handle(&Config::new(&source), &mut request, environment);
        assert_eq!(outcome.response.status, 200);
    });
}

#[divan::bench(args = ENGINES)]
fn token(bencher: Bencher, engine: &str) {
    request(bencher, engine, "GET");
}

/// Everything except the signature: HEAD does not sign.
#[divan::bench(args = ENGINES)]
fn unsigned(bencher: Bencher, engine: &str) {
    request(bencher, engine, "HEAD");
}
