//! What must hold whatever a caller or an operator sends.
//!
//! Each target takes any bytes, makes of them what an outsider could send, and checks the properties of the response; it
//! panics where one does not hold. Two programs run the same targets: `cargo fuzz`, by coverage and for as long as one
//! likes (`docs/reliability.md`), and `tests/properties.rs`, by rules and within seconds.
//!
//! The inputs are text as far as possible, so that the corpus can be read and mutations of it mean something.

mod configuration;
mod credential;
mod fixture;
mod key;
mod origin;
mod request;
mod service;
mod signing;

/// One thing that an outsider can send.
pub struct Target {
    /// The name, of its folder of the corpus too.
    pub name: &'static str,
    /// Tries one input.
    ///
    /// # Panics
    /// A property does not hold.
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

/// Tries one input with the target of this name.
///
/// # Panics
/// There is no such target, or a property does not hold.
pub fn run(target: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|it| it.name == target);
    (target.expect("a target of this name").run)(input);
}
