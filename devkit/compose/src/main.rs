//! `devkit-compose SOCKET PLUG OUT`: writes the component SOCKET to OUT, with its imports satisfied by the exports of
//! PLUG, like `wac plug`.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId, plug};

fn main() -> Result<()> {
    let files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [socket, adapter, out] = files.as_slice() else {
        bail!("usage: devkit-compose SOCKET PLUG OUT");
    };
    let mut graph = CompositionGraph::new();
    let socket = register(&mut graph, "socket", socket)?;
    let adapter = register(&mut graph, "plug", adapter)?;
    plug(&mut graph, vec![adapter], socket)?;
    let composed = graph.encode(EncodeOptions::default())?;
    out.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(out, composed))
        .with_context(|| format!("{} cannot be written", out.display()))
}

fn register(graph: &mut CompositionGraph, name: &str, file: &PathBuf) -> Result<PackageId> {
    let package = Package::from_file(name, None, file, graph.types_mut())
        .with_context(|| format!("{} is not a component", file.display()))?;
    Ok(graph.register_package(package)?)
}
