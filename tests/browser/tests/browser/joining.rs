//! From a token to a meeting: every example in `web/` is built and opened with a stand-in for 8x8's script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use browser_tests::Browser;
use serde_json::{Value, json};

use crate::harness::{APP_ID, Settings};
use crate::http::Token;
use crate::root;
use crate::site::{Service, own_pages, serve, tokens};

/// The placeholder for the service's URL in examples and documents.
const HOST: &str = "https://YOUR-HOST";

/// The output folder of `web/test/consumer/build.js`, which does nothing if its output is up to date. `None` without npm,
/// which `cargo dev test` requires in CI; the tests that need it are then skipped and say so.
static CONSUMER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let npm = Command::new("npm").arg("--version").output();
    if npm.is_err() {
        eprintln!("SKIPPED: what needs npm, which is not on PATH");
        return None;
    }
    let script = root().join("web/test/consumer/build.js");
    let status = Command::new("node").arg(script).status();
    let status = status.expect("`node` starts: install Node 20.19 or newer, with npm");
    assert!(
        status.success(),
        "the examples are built: the message of npm or Vite stands above"
    );
    Some(root().join("target/web-consumer"))
});

/// Returns a path in the build's folder.
pub fn consumer(path: &str) -> Option<PathBuf> {
    CONSUMER.as_ref().map(|folder| folder.join(path))
}

/// Replaces 8x8's script with the stand-in, and records the URL that the page requested.
const STAND_IN: &str = "window.loaded = [];
    const src = Object.getOwnPropertyDescriptor(HTMLScriptElement.prototype, 'src');
    Object.defineProperty(HTMLScriptElement.prototype, 'src', { ...src, set(value) {
        if (!value.startsWith('https://8x8.vc/')) return src.set.call(this, value);
        loaded.push(value);
        src.set.call(this, '/external_api.js');
    } });";

/// A page, the service that it calls, and the browser that shows it.
pub struct Site {
    pub browser: Browser,
    pub pages: devkit_pages::Server,
    pub service: Service,
}

impl Site {
    /// Serves these files (path and content) with the service's URL in place of [`HOST`], and the stand-in for 8x8's script.
    pub fn new(name: &str, files: &[(&str, String)], settings: Settings) -> Self {
        let browser = Browser::take();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let pages = serve(&folder);
        let service = Service::start(settings.set("allowed_origins", &pages.origin()));
        let stand_in = own_pages().join("external_api.js");
        fs::copy(stand_in, folder.join("external_api.js")).expect("a copy");
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text.replace(HOST, &service.wire.url())).expect("a file");
        }
        Self {
            browser,
            pages,
            service,
        }
    }

    pub fn open(&self, path: &str) {
        let url = format!("{}/{path}", self.pages.origin());
        self.browser.open_with(&url, STAND_IN);
    }

    pub fn value(&self, expression: &str) -> Value {
        self.browser
            .run(&format!("return {expression}"), &Value::Null)
    }

    /// Waits until the meeting with this number is joined, and checks the options that it was opened with.
    fn joined(&self, number: usize, room: &str, name: &str) {
        self.browser
            .until(&format!("window.meetings?.[{number}]?.joined"));
        assert_eq!(
            self.value("loaded"),
            json!([format!("https://8x8.vc/{APP_ID}/external_api.js")])
        );
        let meeting = format!("meetings[{number}]");
        assert_eq!(self.value(&format!("{meeting}.options.domain")), "8x8.vc");
        assert_eq!(
            self.value(&format!("{meeting}.options.roomName")),
            format!("{APP_ID}/{room}")
        );
        assert_eq!(self.value(&format!("{meeting}.userName")), name);
        let token = self.value(&format!("{meeting}.options.jwt"));
        Token::parse(token.as_str().expect("a token").to_owned());
    }

    /// Ends the meeting as Jitsi does when the user hangs up, and joins again.
    fn rejoin(&self, button: &str, room: &str, name: &str) {
        self.value("meetings[0].emit('readyToClose', {})");
        self.browser.until(&format!(
            "document.querySelector('{button}')?.checkVisibility()"
        ));
        self.browser.click(button);
        self.joined(1, room, name);
        // The client reuses the token.
        assert_eq!(
            self.value("meetings[0].options.jwt === meetings[1].options.jwt"),
            true
        );
    }
}

/// Returns the content of a file in `web/`.
pub fn web(path: &str) -> String {
    fs::read_to_string(root().join("web").join(path)).expect(path)
}

/// Returns the files below a folder: their relative paths and contents.
fn built(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("text");
                let path = path.strip_prefix(folder).expect("it is below");
                files.push((path.to_str().expect("UTF-8").to_owned(), text));
            }
        }
    }
    files
}

fn site_of_build(name: &str) -> Option<Site> {
    let files = built(&consumer(&format!("dist/{name}"))?);
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.clone()))
        .collect();
    Some(Site::new(name, &files, Settings::good()))
}

/// Returns the code blocks in a language from a section of a README and its subsections.
fn blocks(readme: &str, section: &str, language: &str) -> Vec<String> {
    let text = readme
        .split_once(&format!("\n## {section}\n"))
        .unwrap_or_else(|| panic!("no section {section}"))
        .1;
    let text = text.split("\n## ").next().expect("a section");
    text.split("\n```")
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_six_lines_of_the_readme_join() {
    let code = &blocks(&web("README.md"), "Join with the token", "js")[0];
    assert_eq!(code.lines().count(), 6, "{code}");
    let page = format!(
        "<!doctype html><link rel=\"icon\" href=\"data:,\"><div id=\"meeting\" style=\"height: 80vh\"></div>
        <script type=\"module\">{code}</script>"
    );
    let files = [
        ("index.html", page),
        ("jaas-token.js", web("jaas-token.js")),
    ];
    let site = Site::new("six-lines", &files, Settings::good());
    let lines = site.service.log_of(|| {
        site.open("");
        site.joined(0, "my-room", "Jane Smith");
    });
    assert_eq!(tokens(&lines), 1, "{lines:?}");
    assert_eq!(site.value("meetings[0].parentNode.id"), "meeting");
}

/// For readers who have read only the project's README.
#[test]
fn the_code_of_the_first_readme_joins_as_one_page() {
    for name in ["README.md", "README.zh-TW.md"] {
        let readme = fs::read_to_string(root().join(name)).expect(name);
        let section = if name == "README.md" {
            "In the page"
        } else {
            "在網頁裡"
        };
        let element = readme
            .split('`')
            .find(|code| code.starts_with("<div id=\"meeting\""))
            .expect("the element of the meeting");
        let code = blocks(&readme, section, "js").join("\n");
        let page = format!(
            "<!doctype html><link rel=\"icon\" href=\"data:,\">{element}<script type=\"module\">{code}</script>"
        );
        let files = [
            ("index.html", page),
            ("jaas-token.js", web("jaas-token.js")),
        ];
        let site = Site::new("first-readme", &files, Settings::good());
        site.open("");
        site.joined(0, "my-room", "Jane Smith");
        let height = site.value("meetings[0].parentNode.clientHeight");
        assert!(height.as_u64().expect("a height") > 300, "{height}");
    }
}

#[test]
fn the_plain_page_joins_and_rejoins() {
    let files = [
        (
            "examples/plain/index.html",
            web("examples/plain/index.html"),
        ),
        ("jaas-token.js", web("jaas-token.js")),
    ];
    let site = Site::new("plain", &files, Settings::good());
    site.open("examples/plain/");
    site.browser.click("#join");
    site.joined(0, "my-room", "Jane Smith");
    site.rejoin("#join", "my-room", "Jane Smith");
    assert_eq!(site.value("meetings[0].disposed"), true);
}

#[test]
fn the_page_in_react_joins_and_rejoins() {
    let Some(site) = site_of_build("react") else {
        return;
    };
    site.open("");
    site.browser.until("document.querySelector('button')");
    site.browser.click("button");
    site.joined(0, "my-room", "Jane Smith");
    site.rejoin("button", "my-room", "Jane Smith");
}

#[test]
fn the_page_in_vue_joins_and_leaves() {
    let Some(site) = site_of_build("vue") else {
        return;
    };
    site.open("");
    site.browser.until("document.querySelector('input')");
    // A name that a template string without encoding would cut off.
    site.browser.fill("input", "王 & #50%");
    site.browser.click("button");
    site.joined(0, "vtaiwan", "王 & #50%");
    site.value("meetings[0].emit('readyToClose', {})");
    site.browser.until("document.querySelector('input')");
    assert_eq!(site.value("meetings[0].disposed"), true);
}

#[test]
fn a_page_says_why_there_is_no_meeting() {
    let settings = Settings::good().set("allowed_rooms", "other");
    let files = [
        (
            "examples/plain/index.html",
            web("examples/plain/index.html"),
        ),
        ("jaas-token.js", web("jaas-token.js")),
    ];
    let site = Site::new("plain-closed", &files, settings);
    site.open("examples/plain/");
    site.browser.click("#join");
    site.browser
        .until("document.querySelector('#status').textContent === 'Room not allowed'");
    assert_eq!(site.value("window.meetings ?? null"), Value::Null);
}

#[test]
fn rooms_with_signs_that_jitsi_drops_are_joined() {
    let files = [
        (
            "index.html",
            "<!doctype html><link rel=\"icon\" href=\"data:,\"><div id=\"meeting\"></div>"
                .to_owned(),
        ),
        ("jaas-token.js", web("jaas-token.js")),
    ];
    let site = Site::new("rooms", &files, Settings::good());
    site.open("");
    for room in [
        "My Room",
        "公民會議（二）",
        "好！嗎？",
        "q&a",
        "a.b_c~d",
        "１００％",
        "a\"b<c>",
        "it's",
    ] {
        let joined = site.browser.run(
            "const { getJitsiToken, meetingOptions } = await import('/jaas-token.js');
            const { script, domain, ...options } = meetingOptions(await getJitsiToken(args));
            if (!window.JitsiMeetExternalAPI) {
                const tag = Object.assign(document.createElement('script'), { src: script });
                await new Promise((resolve) => { tag.onload = resolve; document.head.append(tag); });
            }
            const parentNode = document.querySelector('#meeting');
            const meeting = new JitsiMeetExternalAPI(domain, { ...options, parentNode });
            return [meeting.joined, meeting.options.roomName];",
            &json!({ "server": site.service.wire.url(), "room": room }),
        );
        assert_eq!(joined[0], true, "{room}: {joined}");
    }
}

#[test]
fn a_page_of_scripts_without_modules_keeps_its_calls() {
    let block = blocks(&web("README.md"), "Getting it", "html").concat();
    let page = format!(
        "<!doctype html><link rel=\"icon\" href=\"data:,\">{block}
        <script>getJitsiToken({{ room: 'old', userName: 'Jane' }}).then((token) => {{ window.token = token; }});</script>"
    );
    let files = [
        ("index.html", page),
        ("jaas-token.global.js", web("jaas-token.global.js")),
    ];
    let site = Site::new("scripts", &files, Settings::good());
    site.open("");
    site.browser.until("window.token");
    let token = Token::parse(site.value("token").as_str().expect("a token").to_owned());
    assert_eq!(token.claims["room"], "old");
    assert_eq!(token.user()["name"], "Jane");
    assert_eq!(token.user()["moderator"], "false");
}

#[test]
fn the_bundle_of_the_installed_package_gets_a_token() {
    let Some(site) = site_of_build("bundle") else {
        return;
    };
    site.open("");
    site.browser.until("window.client");
    let code = format!(
        "(await client.getJitsiToken({{ server: '{}', room: 'r' }})).split('.').length",
        site.service.wire.url()
    );
    assert_eq!(site.value(&code), 3);
}

/// Like `https://cdn.example/npm/jaas-token@0.1.0/jaas-token.js`: another origin, which everybody may read.
#[test]
fn the_installed_package_is_imported_from_another_origin() {
    let Some(installed) = consumer("empty/node_modules/jaas-token/jaas-token.js") else {
        return;
    };
    let text = fs::read_to_string(installed).expect("the package is installed");
    let cdn = crate::demo::serving("text/javascript", &text);
    let page = "<!doctype html><link rel=\"icon\" href=\"data:,\">".to_owned();
    let site = Site::new("cdn", &[("index.html", page)], Settings::good());
    site.open("");
    let code = format!(
        "(await (await import('{cdn}/npm/jaas-token@0.1.0/jaas-token.js')).getJitsiToken({{ server: '{}' }})).split('.').length",
        site.service.wire.url()
    );
    assert_eq!(site.value(&code), 3);
}
