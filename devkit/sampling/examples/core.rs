//! Measures the component's core as machine code of this processor: what Wasm costs is the distance to it.
//!
//! `core MANIFEST BITS=KEY-FILE …`, then orders as [`devkit_sampling`] describes them. The core is called as
//! `src/lib.rs` calls it, with the same variables, and nothing is kept from one call to the next.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use std::{env, fs, io};

use anyhow::{Context, Result, ensure};
use devkit_sampling::{
    ENGINE_VARIABLE, Order, SECOND_ENGINE, Sample, Subject, name_and_value, serve, thread_time,
    with_second_engine,
};
use jaas_jwt::config::Config;
use jaas_jwt::service::{self, Answer, Environment, Request, TOKEN_PATH};

type Variables = BTreeMap<String, String>;

/// The core by its first signing engine.
const NAME: &str = "native";

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let manifest = arguments.next().context("no manifest is named")?;
    let defaults = defaults(&fs::read_to_string(manifest)?)?;
    let mut by_bits = BTreeMap::new();
    for flag in arguments {
        let (bits, file) = name_and_value(&flag).map_err(anyhow::Error::msg)?;
        let mut variables = defaults.clone();
        for name in ["jaas_app_id", "jaas_key_id"] {
            let value = env::var(format!("SPIN_VARIABLE_{}", name.to_uppercase()));
            variables.insert(
                name.into(),
                value.with_context(|| format!("{name} is not set"))?,
            );
        }
        variables.insert("jaas_private_key".into(), fs::read_to_string(file)?);
        let bits = bits.parse::<u16>()?;
        by_bits.insert((NAME.to_owned(), bits), variables.clone());
        variables.insert(ENGINE_VARIABLE.into(), SECOND_ENGINE.into());
        by_bits.insert((with_second_engine(NAME), bits), variables);
    }

    let subjects = [NAME.to_owned(), with_second_engine(NAME)].map(|name| Subject {
        name,
        compilation: Duration::ZERO,
    });
    serve(
        &subjects,
        io::stdin().lock(),
        io::stdout().lock(),
        |order| {
            let subject = (order.subject.clone(), order.bits);
            let variables = by_bits
                .get(&subject)
                .context("no such subject, or no key of this length")?;
            measure(variables, order)
        },
    )
}

/// The defaults of the manifest's variables.
fn defaults(manifest: &str) -> Result<Variables> {
    let manifest: toml::Table = manifest.parse()?;
    let variables = manifest["variables"].as_table().context("no variables")?;
    Ok(variables
        .iter()
        .filter_map(|(name, variable)| {
            let default = variable.get("default")?.as_str()?;
            Some((name.clone(), default.to_owned()))
        })
        .collect())
}

fn measure(variables: &Variables, order: &Order) -> Result<Sample> {
    let mut times = Vec::new();
    for _ in 0..order.count {
        let request = Request {
            method: order.work.method().to_owned(),
            target: format!("{TOKEN_PATH}?room=bench"),
            headers: Vec::new(),
            body: io::empty(),
        };
        let before = thread_time();
        let answer = answer(variables, request);
        times.push(thread_time() - before);
        ensure!(answer.status == 200, "the core answers {}", answer.status);
    }
    Ok(Sample { memory: 0, times })
}

fn answer(variables: &Variables, request: Request<io::Empty>) -> Answer {
    let config = Config::read(|name| Ok(variables.get(name).cloned()));
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    // The made-up ids need not be random here; the signature's blinding has its own source.
    let mut random = || [7; 16];
    let environment = Environment {
        now,
        random: &mut random,
    };
    service::handle(&config, request, environment)
}
