//! Serves the component and, on a separate origin, the page in `web/demo/` that calls it.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use clap::Args;

use crate::build::program;
use crate::os::programs;
use crate::os::project::Project;
use crate::os::report;
use crate::serve::host::{Server, free_address, listen_address, reachable, wait_for};
use crate::serve::up;

/// What to serve, and where.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The service
    #[command(flatten)]
    pub service: up::Options,
    /// Port, or address and port, of the page, on a loopback address; port 0 takes a free one
    #[arg(long, value_name = "[IP:]PORT", default_value = "127.0.0.1:8080", value_parser = listen_address)]
    pub page_listen: SocketAddr,
    /// Open the page in the browser
    #[arg(long)]
    pub open: bool,
}

/// Serves the component and the page until the user stops the command.
pub fn demo(project: &Project, options: &Options) -> Result<()> {
    let page = page_address(options)?;
    let origin = format!("http://{page}");
    let mut service = up::start(project, &options.service, Some(&origin))?;

    let program = program::build(project, "devkit-pages", "the server of the page", "")?;
    let path = path(service.address);
    let mut command = Command::new(program);
    command
        .arg("--folder")
        .arg(project.root().join("web"))
        .arg("--listen")
        .arg(page.to_string())
        .args(["--home", &path]);
    let mut pages = Server::start("the server of the page", &mut command)?;
    let mut servers = [&mut service.server, &mut pages];
    wait_for(&mut servers, || TcpStream::connect(page).ok())?;
    let link = format!("{origin}{path}");
    report::result(&service.introduction(&ready(&link)))?;
    if options.open {
        open(&link);
    }
    wait_for(&mut [&mut service.server, &mut pages], || None)
}

/// Returns the page's address, which must be free and reachable only from this machine.
fn page_address(options: &Options) -> Result<SocketAddr> {
    let (page, service) = (options.page_listen, options.service.listen);
    ensure!(
        page.ip().is_loopback(),
        "--page-listen {page} is no loopback address, and the service allows pages over plain http on those only: take --page-listen 127.0.0.1:{}",
        page.port()
    );
    ensure!(
        page.port() == 0 || reachable(service) != page,
        "--listen and --page-listen are both {page}: choose another address with --page-listen"
    );
    free_address(page, "--page-listen")
}

/// Returns the page's path and query, which contains the service's address.
fn path(service: SocketAddr) -> String {
    format!("/demo/?server=http://{service}")
}

fn ready(link: &str) -> String {
    format!("\nReady. Open this page:\n\n    {link}\n\nCtrl-C ends it.\n")
}

/// Programs that open a page in the browser: on Linux and other Unix systems, macOS and Windows.
const OPENERS: [&str; 3] = ["xdg-open", "open", "explorer"];

/// Opens a page in the browser. On failure, the user can still follow the link.
fn open(link: &str) {
    let program = OPENERS.into_iter().find_map(programs::find);
    let opened = program.is_some_and(|program| {
        let mut command = Command::new(program);
        command
            .arg(link)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().is_ok()
    });
    if !opened {
        report::step("warning: no program here opens a page in the browser; open the link by hand");
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        options: Options,
    }

    fn options(listen: &str, page_listen: &str) -> Options {
        let arguments = ["demo", "--listen", listen, "--page-listen", page_listen];
        Flags::try_parse_from(arguments).expect("flags").options
    }

    #[test]
    fn the_page_has_an_address_of_its_own_on_the_loopback() {
        for (listen, page_listen, expected) in [
            ("127.0.0.1:1", "127.0.0.1:0", None),
            ("127.0.0.1:0", "127.0.0.1:0", None),
            ("127.0.0.1:1", "0.0.0.0:0", Some("no loopback address")),
            ("127.0.0.1:1", "192.0.2.1:8080", Some("127.0.0.1:8080")),
            ("127.0.0.1:1", "127.0.0.1:1", Some("both 127.0.0.1:1")),
            ("0.0.0.0:1", "127.0.0.1:1", Some("both 127.0.0.1:1")),
        ] {
            let found = page_address(&options(listen, page_listen));
            match expected {
                None => assert_ne!(found.expect("a free address").port(), 0),
                Some(text) => {
                    let error = found.expect_err(page_listen).to_string();
                    assert!(
                        error.contains(text) && error.contains("--page-listen"),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_link_is_ready_to_be_opened() {
        let service = "127.0.0.1:3000".parse().expect("an address");
        let text = ready(&format!("http://127.0.0.1:8080{}", path(service)));
        let link = "\n    http://127.0.0.1:8080/demo/?server=http://127.0.0.1:3000\n";
        assert!(text.contains(link), "{text}");
    }
}
