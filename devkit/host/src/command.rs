//! Runs a program that was compiled to a WASI component, with this process's arguments, environment and standard streams.
//! cargo uses it to run tests in WebAssembly (see `.cargo/config.toml`).

use std::path::Path;

use anyhow::{Context, Error, Result};
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use crate::engine::add_wasi;

struct Program {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Program {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Runs the program and returns its exit status.
///
/// # Errors
/// Fails if the file is not such a program, or if the program traps.
pub fn command(path: &Path, arguments: &[String]) -> Result<u8> {
    let mut config = Config::new();
    config.wasm_wide_arithmetic(true);
    let engine = Engine::new(&config)?;
    let component = Component::from_file(&engine, path)
        .map_err(Error::from)
        .with_context(|| format!("{} cannot be loaded", path.display()))?;
    let mut linker = Linker::new(&engine);
    add_wasi::<Program>(&mut linker)?;
    // The test harness can write its results to a file, so it imports the file system, but gets no folder.
    preopens::add_to_linker::<_, WasiFilesystem>(&mut linker, Program::filesystem)?;
    types::add_to_linker::<_, WasiFilesystem>(&mut linker, Program::filesystem)?;
    let wasi = WasiCtx::builder()
        .inherit_stdio()
        .inherit_env()
        .arg(path.to_string_lossy())
        .args(arguments)
        .build();
    let table = ResourceTable::new();
    let mut store = Store::new(&engine, Program { wasi, table });
    let run = async {
        let program = Command::instantiate_async(&mut store, &component, &linker).await?;
        program.wasi_cli_run().call_run(&mut store).await
    };
    match Runtime::new()?.block_on(run) {
        Ok(outcome) => Ok(outcome.is_err().into()),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => Ok(exit.0.try_into().unwrap_or(u8::MAX)),
            None => Err(error.into()),
        },
    }
}
