//! What all servers of a process share: the engine, its threads, and the loaded components.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::cli;
use wasmtime_wasi::p2::bindings::random::insecure_seed;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use crate::guest::{Guest, INSTANCES, MEMORY};
use crate::imports::fermyon::spin::variables;
use crate::{compile, key_value};

/// The maximum number of core modules per component: its own, the adapters of its imports, and the glue between them.
const MODULES: u32 = 8;

/// The maximum number of memories per component: its own, and that of a component composed with it.
const MEMORIES: u32 = 2;

/// How many bytes of an instance's memory stay resident in the pool. They are overwritten for the next instance, which is
/// cheaper than page faults. A response that signs nothing touches no more memory.
const KEPT_MEMORY: usize = 2 * 1024 * 1024;

/// Likewise for its tables, in bytes: all of them.
const KEPT_TABLES: usize = 64 * 1024;

/// How long a guest computes before it yields.
const TIME_SLICE: Duration = Duration::from_millis(10);

/// The parts of the host that servers share.
pub(crate) struct Shared {
    pub(crate) runtime: Runtime,
    engine: Engine,
    /// Components ready to be instantiated, by the key of their machine code.
    components: Mutex<HashMap<u64, InstancePre<Guest>>>,
}

impl Shared {
    /// Returns the shared parts, which are set up on first use: once for components that may use wide arithmetic, and once
    /// for those that may not.
    pub(crate) fn get(wide_arithmetic: bool) -> Result<&'static Self> {
        static WITHOUT: LazyLock<Result<Shared>> = LazyLock::new(|| Shared::new(false));
        static WITH: LazyLock<Result<Shared>> = LazyLock::new(|| Shared::new(true));
        let shared = if wide_arithmetic { &WITH } else { &WITHOUT };
        shared.as_ref().map_err(|error| anyhow!("{error:#}"))
    }

    fn new(wide_arithmetic: bool) -> Result<Self> {
        let engine = engine(wide_arithmetic)?;
        let ticked = engine.weak();
        // A separate thread, because guests may keep all threads of the runtime busy.
        thread::Builder::new()
            .name("devkit-host-ticks".into())
            .spawn(move || {
                while let Some(engine) = ticked.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TIME_SLICE);
                }
            })?;
        let runtime = Runtime::new().context("cannot start the threads of the host")?;
        Ok(Self {
            runtime,
            engine,
            components: Mutex::default(),
        })
    }

    /// Returns the component at `path`, ready to be instantiated.
    pub(crate) fn component(&self, path: &Path) -> Result<InstancePre<Guest>> {
        let shown = path.display();
        let artifact = fs::read(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("There is no component at {shown}: run `cargo dev build` first.")
            }
            _ => anyhow!("cannot read the component {shown}: {error}"),
        })?;
        let key = compile::key(&self.engine, &artifact);
        // Held while compiling, so that servers that start together compile only once.
        let mut components = self
            .components
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(component) = components.get(&key) {
            return Ok(component.clone());
        }
        let component = compile::load(&self.engine, path, &artifact, key)?;
        let linked = link(&self.engine, &component)
            .map_err(anyhow::Error::from)
            .context("the component does not fit this host")?;
        components.insert(key, linked.clone());
        Ok(linked)
    }
}

fn engine(wide_arithmetic: bool) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    // The limits per component guarantee room for as many instances as there are permits.
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
    // The pool reserves 4 GiB of addresses per memory, which makes bounds checks free. If the address space is too small
    // (`ulimit -v`), each instance reserves its own: slower, but the code is the same.
    Engine::new(&config)
        .or_else(|_| Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand)))
        .map_err(anyhow::Error::from)
        .context("cannot set up Wasmtime")
}

/// Links a component with its imports.
fn link(engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<Guest>> {
    let mut linker = Linker::new(engine);
    add_wasi(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    // The part of WASI 0.3 that the entry needs; the rest of such a component uses WASI 0.2.
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    key_value::add_to_linker(&mut linker)?;
    variables::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest| guest)?;
    linker.instantiate_pre(component)
}

/// Links the component's WASI 0.2 imports. Files and sockets are left out: the component does not get them, and they would
/// be a quarter of this crate's compile time.
pub(crate) fn add_wasi<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    insecure_seed::add_to_linker::<T, WasiRandom>(linker, T::random)
}

/// Returns whether a component imports Spin's variables. A standalone component reads WASI's environment instead.
pub(crate) fn imports_variables(component: &InstancePre<Guest>) -> bool {
    let component = component.component();
    component
        .component_type()
        .imports(component.engine())
        .any(|(name, _)| name.starts_with("fermyon:spin/variables@"))
}
