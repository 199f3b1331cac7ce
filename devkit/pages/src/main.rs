//! The program of [`devkit_pages`]: serves a folder until it is stopped.
#![forbid(unsafe_code)]

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Serves a folder of web pages to this machine.
#[derive(Parser)]
#[command(name = "devkit-pages")]
struct Arguments {
    /// The folder.
    #[arg(long, value_name = "FOLDER", default_value = "web")]
    folder: PathBuf,
    /// The address to listen on; port 0 is any free port.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Where / leads to, such as /demo/.
    #[arg(long, value_name = "PATH")]
    home: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let home = arguments.home.as_deref();
    match devkit_pages::start_at(&arguments.folder, arguments.listen, home) {
        Ok(_server) => loop {
            // SIGTERM and Ctrl-C end the process; there is nothing to save.
            std::thread::park();
        },
        Err(error) => {
            // `eprintln!` panics if standard error is closed.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
