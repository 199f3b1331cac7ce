//! Measures what an answer takes of the processor inside Wasmtime: no server, no socket, one thread.
//!
//! All builds are compiled by one engine and asked in turns, each answer by a new instance as when it is served.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use devkit_sampling::{
    ENGINE_VARIABLE, Order, SECOND_ENGINE, Sample, Subject, Work, serve, thread_time,
    with_second_engine,
};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use tokio::sync::oneshot;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::Log;
use crate::engine::Shared;
use crate::faults::Faults;
use crate::guest::{Application, Guest, run};
use crate::log::Sink;
use crate::manifest::Manifest;
use crate::variables::{ENVIRONMENT_PREFIX, Variables};

/// What to ask for: a token of the default kind.
const TARGET: &str = "http://127.0.0.1/api/jitsi-token?room=bench";

/// What can be ordered.
pub struct SampleOptions {
    /// The path of `spin.toml`, for the variables.
    pub manifest: PathBuf,
    /// The environment, of which only the entries `SPIN_VARIABLE_…` matter.
    pub environment: BTreeMap<String, String>,
    /// The builds: name and file.
    pub artifacts: Vec<(String, PathBuf)>,
    /// Private keys in PEM, by the length of the modulus.
    pub keys: Vec<(u16, String)>,
}

/// Reads orders from the standard input and answers them on the standard output, as [`devkit_sampling`] describes.
///
/// # Errors
///
/// When a file cannot be read, a build cannot be compiled, or an answer is no token.
pub fn sample(options: SampleOptions) -> Result<()> {
    // One engine for all, so that nothing but the builds differs.
    let shared = Shared::get(true)?;
    let manifest = Manifest::read(&options.manifest)?;
    let mut variables = BTreeMap::new();
    for (bits, key) in options.keys {
        let mut environment = options.environment.clone();
        environment.insert(format!("{ENVIRONMENT_PREFIX}JAAS_PRIVATE_KEY"), key);
        let resolved = Variables::resolve(&manifest, &[], &environment)?;
        variables.insert((bits, false), Arc::new(resolved));
        let engine = format!("{ENVIRONMENT_PREFIX}{}", ENGINE_VARIABLE.to_uppercase());
        environment.insert(engine, SECOND_ENGINE.to_owned());
        let resolved = Variables::resolve(&manifest, &[], &environment)?;
        variables.insert((bits, true), Arc::new(resolved));
    }
    let mut builds = BTreeMap::new();
    let mut subjects = Vec::new();
    for (name, path) in options.artifacts {
        let (component, compilation) = shared.compiled_afresh(&path)?;
        for (name, second_engine) in [(name.clone(), false), (with_second_engine(&name), true)] {
            subjects.push(Subject {
                name: name.clone(),
                compilation,
            });
            let build = Build {
                shared,
                component: component.clone(),
                second_engine,
                peak_memory: Arc::default(),
            };
            builds.insert(name, build);
        }
    }
    serve(
        &subjects,
        io::stdin().lock(),
        io::stdout().lock(),
        |order| {
            let build = builds.get(&order.subject).context("no such build")?;
            let variables = variables
                .get(&(order.bits, build.second_engine))
                .context("no key of this length")?;
            build.measure(variables, order)
        },
    )
}

struct Build {
    shared: &'static Shared,
    component: ProxyPre<Guest>,
    second_engine: bool,
    peak_memory: Arc<AtomicUsize>,
}

impl Build {
    fn measure(&self, variables: &Arc<Variables>, order: &Order) -> Result<Sample> {
        let application = Arc::new(Application {
            shared: self.shared,
            component: self.component.clone(),
            variables: variables.clone(),
            faults: Faults::default(),
            environment: Vec::new(),
            log: Sink::new(Log::Memory),
            peak_memory: self.peak_memory.clone(),
        });
        let times = (0..order.count)
            .map(|_| self.answer(&application, order.work))
            .collect::<Result<_>>()?;
        Ok(Sample {
            memory: self.peak_memory.load(Ordering::Relaxed),
            times,
        })
    }

    /// Lets one instance answer, all of it on the calling thread, and tells how much of the processor that took.
    fn answer(&self, application: &Arc<Application>, work: Work) -> Result<Duration> {
        let request = Request::builder()
            .method(work.method())
            .uri(TARGET)
            .body(Empty::<Bytes>::new())?;
        let (sender, receiver) = oneshot::channel();
        let before = thread_time();
        let (ended, answered) = self.shared.runtime.block_on(async {
            // Not spawned: a task would run on another thread, which the clock does not see.
            let instance = run(application.clone(), request, sender);
            let reader = async {
                let response = receiver.await.context("no response")?;
                let response = response.map_err(|code| anyhow!("the component answers {code}"))?;
                let (head, body) = response.into_parts();
                let body = body.collect().await.context("no whole body")?;
                anyhow::Ok((head.status, body.to_bytes()))
            };
            tokio::join!(instance, reader)
        });
        let time = thread_time() - before;
        ended.map_err(|_| anyhow!("the component fails"))?;
        let (status, body) = answered?;
        ensure!(status == 200, "the component answers {status}");
        ensure!(
            body.is_empty() == (work == Work::Unsigned),
            "a body of {} bytes",
            body.len()
        );
        Ok(time)
    }
}
