//! The structure of the source: files do not import each other in a circle, and the component has no import upwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use testkit::root;

/// The component's modules, lowest floor first. A module imports only from lower floors.
const FLOORS: [&[&str]; 13] = [
    &[
        "features", "http", "json", "jwt", "kept", "role", "secret", "text",
    ],
    &["environment", "person"],
    &["cors", "private_key", "room"],
    &["secret_text"],
    &["caller", "request", "usage", "webhook"],
    &["invitation"],
    &["policy"],
    &["token"],
    &["config"],
    &["log"],
    &["error"],
    &["host", "service"],
    &["entry"],
];

/// The imports of a crate: for the path of each module, such as `["cors", "origin"]`, the modules that it imports from.
type Imports = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

#[test]
fn the_component_imports_only_from_floors_below() {
    let imports = imports_of(&root().join("src"));
    assert!(imports.len() > 20, "{imports:?}");
    for (file, imported) in &imports {
        let Some(room) = file.first() else {
            continue; // lib.rs is above all floors.
        };
        for target in imported.iter().filter_map(|path| path.first()) {
            assert!(
                target == room || floor(target) < floor(room),
                "src/{}: imports from {target}, which is not below {room}",
                file.join("/")
            );
        }
    }
}

#[test]
fn no_crate_has_a_circle_of_imports_between_its_files() {
    for source in [
        "src",
        "rs256/src",
        "devkit/src",
        "devkit/bench/src",
        "devkit/doctor/src",
        "devkit/host/src",
        "devkit/invite/src",
        "devkit/rules/src",
        "devkit/spin-app/src",
        "testkit/src",
    ] {
        let circle = find_circle(&imports_of(&root().join(source)));
        assert_eq!(circle, None, "{source}");
    }
}

#[test]
fn a_circle_and_an_import_upwards_are_found() {
    let parsed = |text: &str| {
        let tokens = text.parse().unwrap();
        let mut paths = Vec::new();
        collect_paths(&without_tests(tokens), &mut paths);
        paths
    };
    let paths = parsed(
        "use crate::{a, b::{c, d::E}}; #[cfg(test)] mod tests { use crate::x; } fn f() { super::g::h() }",
    );
    for expected in ["crate a", "crate b c", "crate b d E", "super g h"] {
        let expected: Vec<_> = expected.split(' ').collect();
        assert!(paths.iter().any(|path| *path == expected), "{paths:?}");
    }
    assert!(!paths.iter().any(|path| path.contains(&"x".to_owned())));

    let file = |name: &str| vec![name.to_owned()];
    let graph = |arrows: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in arrows {
            imports.entry(file(from)).or_default().insert(file(to));
        }
        imports
    };
    assert_eq!(
        find_circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])),
        None
    );
    assert!(find_circle(&graph(&[("a", "b"), ("b", "c"), ("c", "a")])).is_some());
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("{room} has no floor: give it one in FLOORS"))
}

fn imports_of(source: &Path) -> Imports {
    let mut files = BTreeMap::new();
    collect_files(source, &mut Vec::new(), &mut files);
    let modules: BTreeSet<_> = files.keys().cloned().collect();
    files
        .iter()
        .map(|(module, path)| {
            let text = fs::read_to_string(path).unwrap();
            let tokens: TokenStream = text.parse().expect("Rust");
            let mut paths = Vec::new();
            collect_paths(&without_tests(tokens), &mut paths);
            let targets = paths
                .iter()
                .filter_map(|path| resolve(module, path, &modules))
                .filter(|target| target != module)
                .collect();
            (module.clone(), targets)
        })
        .collect()
}

fn collect_files(
    folder: &Path,
    module: &mut Vec<String>,
    files: &mut BTreeMap<Vec<String>, PathBuf>,
) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            module.push(name);
            collect_files(&path, module, files);
            module.pop();
        } else if path.extension().is_some_and(|e| e == "rs") && name != "tests" {
            let mut own = module.clone();
            if !["lib", "main", "mod"].contains(&name.as_str()) {
                own.push(name);
            }
            files.insert(own, path);
        }
    }
}

/// Returns the module that a path leads to: the longest prefix that is a file.
fn resolve(
    module: &[String],
    path: &[String],
    modules: &BTreeSet<Vec<String>>,
) -> Option<Vec<String>> {
    let mut absolute = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_vec(),
        "super" => module.split_last()?.1.to_vec(),
        _ => {
            // A child module, named without a prefix.
            let child = [module, &path[..1]].concat();
            return modules.contains(&child).then(|| {
                let full = [module, path].concat();
                longest(&full, modules)
            });
        }
    };
    let mut rest = &path[1..];
    while rest.first().is_some_and(|name| name == "super") {
        absolute.pop();
        rest = &rest[1..];
    }
    absolute.extend_from_slice(rest);
    Some(longest(&absolute, modules))
}

fn longest(path: &[String], modules: &BTreeSet<Vec<String>>) -> Vec<String> {
    (0..=path.len())
        .rev()
        .map(|n| path[..n].to_vec())
        .find(|beginning| modules.contains(beginning))
        .unwrap_or_default()
}

/// Returns the tokens without the items marked `#[cfg(test)]`.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let attribute = matches!(&token, TokenTree::Punct(p) if p.as_char() == '#')
            && matches!(tokens.peek(), Some(TokenTree::Group(g)) if g.stream().to_string().replace(' ', "") == "cfg(test)");
        if attribute {
            // Skips to the end of the item: its block or its semicolon.
            tokens.next();
            for token in tokens.by_ref() {
                match token {
                    TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                    TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                    _ => {}
                }
            }
        } else {
            kept.push(token);
        }
    }
    kept
}

/// Collects every path with at least two segments, in order. Paths in a braced group include the prefix before the group.
fn collect_paths(tokens: &[TokenTree], paths: &mut Vec<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    let mut flush = |path: &mut Vec<String>| {
        if path.len() > 1 {
            paths.push(path.clone());
        }
        path.clear();
    };
    let mut groups = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    flush(&mut path);
                }
                path.push(name.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                let prefix = if colons == 2 {
                    path.clone()
                } else {
                    Vec::new()
                };
                groups.push((prefix, group.stream()));
                flush(&mut path);
                colons = 0;
            }
            _ => {
                flush(&mut path);
                colons = 0;
            }
        }
    }
    flush(&mut path);
    for (prefix, stream) in groups {
        let mut inner = Vec::new();
        let tokens = without_tests(stream);
        if prefix.is_empty() {
            collect_paths(&tokens, paths);
            continue;
        }
        for part in tokens.split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ',')) {
            collect_paths(part, &mut inner);
            if let [TokenTree::Ident(name), ..] = part
                && !inner.iter().any(|path| *name == path[0])
            {
                inner.push(vec![name.to_string()]);
            }
        }
        paths.extend(
            inner
                .into_iter()
                .map(|path| [prefix.clone(), path].concat()),
        );
    }
}

fn find_circle(imports: &Imports) -> Option<Vec<Vec<String>>> {
    fn visit<'a>(
        file: &'a Vec<String>,
        imports: &'a Imports,
        open: &mut Vec<&'a Vec<String>>,
        done: &mut BTreeSet<&'a Vec<String>>,
    ) -> Option<Vec<Vec<String>>> {
        if let Some(start) = open.iter().position(|other| *other == file) {
            return Some(open[start..].iter().map(|file| (*file).clone()).collect());
        }
        if !done.insert(file) {
            return None;
        }
        open.push(file);
        for target in imports.get(file).into_iter().flatten() {
            if let Some(circle) = visit(target, imports, open, done) {
                return Some(circle);
            }
        }
        open.pop();
        None
    }
    let mut done = BTreeSet::new();
    imports
        .keys()
        .find_map(|file| visit(file, imports, &mut Vec::new(), &mut done))
}
