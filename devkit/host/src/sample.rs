//! Responses without a server and a socket, each by an instance of its own and all on the calling thread, so that what they
//! take of the processor can be measured.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use devkit_spin_app::manifest::Manifest;
use devkit_spin_app::outbound::AllowedHosts;
use devkit_spin_app::providers::Providers;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use tokio::sync::oneshot;
use wasmtime_wasi_http::p2::bindings::ProxyPre;
use wasmtime_wasi_http::p2::types::HostResponseOutparam;

use crate::Log;
use crate::engine::Shared;
use crate::faults::Faults;
use crate::guest::{Application, Guest, run};
use crate::log::Sink;
use crate::outbound::Outbound;
use crate::store::{Access, KeyValueStore};
use crate::variables::Variables;

/// A component, compiled.
pub struct Compiled {
    shared: &'static Shared,
    component: ProxyPre<Guest>,
    /// How long the compilation took.
    pub duration: Duration,
}

impl Compiled {
    /// Compiles a component, whether or not it was before. One engine takes all, with wide arithmetic or without it.
    ///
    /// # Errors
    /// It cannot be read, or is no component for this host.
    pub fn from_file(path: &Path) -> Result<Self> {
        let shared = Shared::get(true)?;
        let (component, duration) = shared.compiled_afresh(path)?;
        Ok(Self {
            shared,
            component,
            duration,
        })
    }

    /// The component with the variables that a manifest and an environment (`SPIN_VARIABLE_…`) give it.
    ///
    /// # Errors
    /// The manifest cannot be read, or a required variable has no value.
    pub fn configure(
        &self,
        manifest: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Configured> {
        let manifest = Manifest::read(manifest)?;
        let providers = Providers::default();
        let variables = Variables::resolve(&manifest, &providers, environment)?;
        let allowed = AllowedHosts::resolve(&manifest, &providers, environment)?;
        let application = Arc::new(Application {
            instances: self.shared.instances.clone(),
            component: self.component.clone(),
            variables: Arc::new(variables),
            stores: Access {
                store: KeyValueStore::default(),
                granted: manifest.key_value_stores.into(),
                fault: None,
            },
            outbound: Outbound::new(allowed),
            faults: Faults::default(),
            environment: Vec::new(),
            log: Sink::new(Log::Memory),
            peak_memory: Arc::new(AtomicUsize::new(0)),
        });
        Ok(Configured {
            application,
            shared: self.shared,
        })
    }
}

/// A component that can respond.
pub struct Configured {
    application: Arc<Application>,
    shared: &'static Shared,
}

impl Configured {
    /// Lets one instance respond to a request without a body.
    ///
    /// # Errors
    /// It does not, or not with 200.
    pub fn request(&self, method: &str, url: &str) -> Result<()> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .body(Empty::<Bytes>::new())?;
        let (sender, receiver) = oneshot::channel();
        let (ended, status) = self.shared.runtime.block_on(async {
            // Not spawned: a task would run on another thread, whose time is not this one's.
            let outparam = HostResponseOutparam {
                send: Box::new(move |outcome| drop(sender.send(outcome))),
            };
            let instance = run(self.application.clone(), request, outparam);
            let reader = async {
                let response = receiver.await.context("no response")?;
                let response = response.map_err(|code| anyhow!("the component fails: {code}"))?;
                let (head, body) = response.into_parts();
                body.collect().await.context("no whole body")?;
                anyhow::Ok(head.status)
            };
            tokio::join!(instance, reader)
        });
        ended.map_err(|_| anyhow!("the component fails"))?;
        let status = status?;
        ensure!(status == 200, "the component responds with {status}");
        Ok(())
    }

    /// The most memory that an instance has had so far, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> usize {
        self.application.peak_memory.load(Ordering::Relaxed)
    }
}
