//! Properties that must hold for all input from callers and operators.
//!
//! Each target turns arbitrary bytes into something that an outsider could send, checks the properties of the response,
//! and panics if one does not hold. Two programs run the targets: `cargo fuzz`, guided by coverage, for any length of time
//! (`docs/reliability.md`), and `tests/properties.rs`, with generated inputs, within seconds.
//!
//! Most inputs are text, so that people can read the corpus and mutations are meaningful.

mod configuration;
mod credential;
mod fixture;
mod key;
mod origin;
mod request;
mod service;
mod signing;

/// A kind of input from outside.
pub struct Target {
    /// The name of the target and of its folder in the corpus.
    pub name: &'static str,
    /// Tests one input.
    ///
    /// # Panics
    /// Panics if a property does not hold.
    pub run: fn(&[u8]),
}

/// All targets, in alphabetical order.
pub const TARGETS: &[Target] = &[
    Target {
        name: "configuration",
        run: configuration::run,
    },
    Target {
        name: "credential",
        run: credential::run,
    },
    Target {
        name: "key",
        run: key::run,
    },
    Target {
        name: "origin",
        run: origin::run,
    },
    Target {
        name: "request",
        run: request::run,
    },
    Target {
        name: "service",
        run: service::run,
    },
    Target {
        name: "signing",
        run: signing::run,
    },
];

/// Tests one input with the target of this name.
///
/// # Panics
/// Panics if there is no such target, or if a property does not hold.
pub fn run(target: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|it| it.name == target);
    (target.expect("a target of this name").run)(input);
}
