//! A check: its id, its severity, and what it finds.

use crate::context::Context;
use crate::finding::{Finding, Hit, Severity};

/// A row of the tables in [`crate::checks`].
pub struct Check {
    /// The name in the report, which never changes.
    pub id: &'static str,
    pub severity: Severity,
    /// Returns what is wrong in this configuration, with repairs.
    pub hits: fn(&Context) -> Vec<Hit>,
}

/// Defines a table of checks: `SEVERITY ID |context| HITS;`.
macro_rules! checks {
    ($($severity:ident $id:literal |$context:ident| $hits:expr;)*) => {
        pub const CHECKS: &[$crate::check::Check] = &[$($crate::check::Check {
            id: $id,
            severity: $crate::finding::Severity::$severity,
            hits: |$context| $hits.into_iter().collect(),
        }),*];
    };
}
pub(crate) use checks;

impl Check {
    pub fn run(&self, context: &Context) -> Vec<Finding> {
        let (id, severity) = (self.id, self.severity);
        let hits = (self.hits)(context).into_iter();
        hits.map(|hit| Finding { id, severity, hit }).collect()
    }
}
