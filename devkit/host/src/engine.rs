//! What the servers of a process share: the engine, its threads, and the components it has loaded.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::compile::Artifact;
use crate::guest::{Component, Guest, MEMORY};
use crate::{key_value, variables};

/// How many instances run at once in a process; further requests wait.
const INSTANCES: u32 = 1000;

/// How many core modules a component may be: its own, the adapters of its imports, and the glue between them.
const MODULES: u32 = 8;

/// How many memories: its own, and that of a component composed with it.
const MEMORIES: u32 = 2;

/// How much of an instance's memory stays with the pool for the next one, in bytes: it is overwritten, which costs less
/// than page faults. A response that signs nothing touches no more.
const KEPT_MEMORY: usize = 2 * 1024 * 1024;

/// Likewise of its tables, in bytes: all.
const KEPT_TABLES: usize = 64 * 1024;

/// How long a guest computes before it lets others run.
const TIME_SLICE: Duration = Duration::from_millis(10);

/// The parts of the host that servers share.
pub(crate) struct Shared {
    pub(crate) runtime: Runtime,
    /// One permit per instance.
    pub(crate) instances: Arc<Semaphore>,
    engine: Engine,
    /// Loaded components, by the hash of their artifact.
    components: Mutex<HashMap<u64, Component>>,
}

impl Shared {
    /// Sets the shared parts up when they are first asked for: once for components that may use wide arithmetic, and
    /// once for those that may not.
    pub(crate) fn get(wide_arithmetic: bool) -> Result<&'static Self> {
        static WITHOUT: LazyLock<Result<Shared>> = LazyLock::new(|| Shared::new(false));
        static WITH: LazyLock<Result<Shared>> = LazyLock::new(|| Shared::new(true));
        let shared = if wide_arithmetic { &WITH } else { &WITHOUT };
        shared.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn new(wide_arithmetic: bool) -> Result<Self> {
        let engine = engine(wide_arithmetic)?;
        let ticked = engine.weak();
        // A thread of its own: all threads of the runtime can be busy with guests.
        thread::Builder::new()
            .name("devkit-host-ticks".into())
            .spawn(move || {
                while let Some(engine) = ticked.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TIME_SLICE);
                }
            })?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("devkit-host")
            .enable_all()
            .build()
            .context("cannot start the threads of the host")?;
        Ok(Self {
            runtime,
            instances: Arc::new(Semaphore::new(INSTANCES as usize)),
            engine,
            components: Mutex::default(),
        })
    }

    /// The component at `path`, ready for instances; `notice` is called when it has to be compiled.
    pub(crate) fn component(&self, path: &Path, notice: impl FnOnce()) -> Result<Component> {
        let artifact = Artifact::read(path)?;
        // Held while compiling, so that servers that start together compile once.
        let mut components = self
            .components
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = components.get(&artifact.hash) {
            return Ok(component.clone());
        }
        let component = artifact.load(&self.engine, notice)?;
        let pre = self.linked(&component)?;
        components.insert(artifact.hash, pre.clone());
        Ok(pre)
    }

    fn linked(&self, component: &wasmtime::component::Component) -> Result<Component> {
        let mut linker = Linker::new(&self.engine);
        link(&mut linker)
            .and_then(|()| linker.instantiate_pre(component))
            .and_then(Component::new)
            .map_err(anyhow::Error::from)
            .context("the component does not fit this host")
    }
}

fn engine(wide_arithmetic: bool) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    // The limits per component make sure that as many instances as there are permits find room.
    pool.max_core_instances_per_component(MODULES)
        .max_tables_per_component(MODULES)
        .max_memories_per_component(MEMORIES)
        .total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * MODULES)
        .total_memories(INSTANCES * MEMORIES)
        .total_tables(INSTANCES * MODULES)
        .total_stacks(INSTANCES)
        .max_memory_size(MEMORY)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLES);
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_wide_arithmetic(wide_arithmetic)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // The pool reserves 4 GiB of addresses per memory, which makes bounds checks free. Where so many addresses are not
    // to be had (`ulimit -v`, small address spaces), each instance reserves its own: slower, and the same code.
    Engine::new(&config)
        .or_else(|_| Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand)))
        .map_err(anyhow::Error::from)
        .context("cannot set up Wasmtime")
}

/// Gives a component its imports.
fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    // All of WASI, not `wasi:http/proxy` alone: Rust's standard library imports wasi:cli/environment and others.
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    // Of WASI 0.3 what the entry needs; the rest of such a component uses WASI 0.2.
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    key_value::add_to_linker(linker)?;
    variables::add_to_linker::<_, HasSelf<_>>(linker, |guest| guest)
}
