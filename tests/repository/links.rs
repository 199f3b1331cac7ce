//! Everything that the documents refer to exists: files, headings, commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use testkit::root;

/// Returns the documents: in the root, in docs/, and beside the code that they describe.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "node_modules"].contains(&name.as_str())
            {
                folders.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

/// Returns the lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// Returns the anchors that GitHub generates for the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let anchor: String = heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let repeated = (1..).map(|number| format!("{anchor}-{number}"));
        let name = std::iter::once(anchor.clone())
            .chain(repeated)
            .find(|name| !found.contains(name));
        found.extend(name);
    }
    found
}

/// Returns the targets of the links within the repository. Links inside backticks do not count.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for rest in plain.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// Returns what is wrong with a link, if anything.
fn problem(document: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        document.to_path_buf()
    } else {
        document.parent()?.join(file)
    };
    if !path.exists() {
        return Some(format!("no file {file}"));
    }
    if anchor.is_empty() || path.extension().is_none_or(|extension| extension != "md") {
        return None;
    }
    let text = std::fs::read_to_string(&path).expect("a document");
    (!anchors(&text).contains(anchor)).then(|| format!("no heading {anchor}"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    let mut problems = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("a document");
        for target in targets(&text) {
            count += 1;
            let shown = document.strip_prefix(root()).unwrap_or(&document).display();
            problems.extend(
                problem(&document, &target).map(|problem| format!("{shown}: {target}: {problem}")),
            );
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(count > 30, "{count}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let readme = root().join("README.md");
    for (target, expected) in [
        ("docs/auth.md", None),
        ("#variables", None),
        ("docs/deploy.md#any-wasi-02-host", None),
        ("docs/no.md", Some("no file docs/no.md")),
        ("#no-such-heading", Some("no heading no-such-heading")),
        ("docs/auth.md#no", Some("no heading no")),
    ] {
        assert_eq!(problem(&readme, target).as_deref(), expected, "{target}");
    }
    let text = "# A, b: `c`\n## A b c\n```\n# no\n[x](no.md)\n```\n`[y](no.md)` [z](yes.md#a) [w](https://x.example)\n";
    assert_eq!(
        anchors(text),
        ["a-b-c", "a-b-c-1"].map(str::to_owned).into()
    );
    assert_eq!(targets(text), ["yes.md#a"]);
}

/// Returns the commands of `cargo dev`, from the names of the variants.
fn commands() -> BTreeSet<String> {
    let source = std::fs::read_to_string(root().join("devkit/src/main.rs")).expect("main.rs");
    let (_, list) = source
        .split_once("\nenum Command {\n")
        .expect("the commands");
    let (list, _) = list.split_once("\n}\n").expect("their end");
    list.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| {
            let name = line.split(|c: char| !c.is_ascii_alphanumeric()).next();
            name.unwrap_or_default().to_lowercase()
        })
        .collect()
}

/// Except in the changelog, which also mentions removed commands.
#[test]
fn every_command_of_the_documents_exists() {
    let commands = commands();
    assert!(
        commands.contains("up") && commands.len() > 5,
        "{commands:?}"
    );
    let mut count = 0;
    for document in documents() {
        if document.ends_with("CHANGELOG.md") {
            continue;
        }
        let text = std::fs::read_to_string(&document).expect("a document");
        for rest in text.split("cargo dev ").skip(1) {
            let word = rest.split(|c: char| !c.is_ascii_alphanumeric()).next();
            // `COMMAND` stands for any command, and an option may precede the command.
            let Some(word) = word.filter(|word| !word.is_empty() && *word != "COMMAND") else {
                continue;
            };
            assert!(
                commands.contains(word),
                "{}: cargo dev {word}",
                document.display()
            );
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
