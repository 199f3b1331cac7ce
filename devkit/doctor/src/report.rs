//! The report: for a person, and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::finding::{Finding, Severity, Subject};
use crate::token::Judgement;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Whether the production profile was asked for; then warnings count as errors do.
    pub production: bool,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// How the token did; `None` where none was signed.
    pub token: Option<Judgement>,
}

/// The stable shape, which `docs/doctor.md` describes.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    ok: bool,
    production: bool,
    errors: usize,
    warnings: usize,
    hints: usize,
    findings: Vec<JsonFinding<'a>>,
    token: Option<&'a Judgement>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    id: &'static str,
    severity: Severity,
    variable: Option<&'a str>,
    file: Option<&'a str>,
    message: String,
    repair: Option<&'a str>,
}

impl Report {
    /// How many findings of this severity there are.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.kind.severity() == severity)
            .count()
    }

    /// Whether the configuration may be used: no error, and for production no warning.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.count(Severity::Error) == 0 && (!self.production || self.count(Severity::Warning) == 0)
    }

    /// For a person: one line for each finding, one for the token, one for the sum.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let _ = writeln!(text, "{finding}");
        }
        let _ = match &self.token {
            None => writeln!(
                text,
                "token: none was signed; the configuration is not complete."
            ),
            Some(judgement) => writeln!(
                text,
                "token: signed by the service's own code; {} of {} checks of Jitsi's web client hold; its signature {}.",
                judgement.checks.iter().filter(|check| check.ok).count(),
                judgement.checks.len(),
                if judgement.signature_verified {
                    "verifies"
                } else {
                    "does not verify"
                }
            ),
        };
        let _ = writeln!(
            text,
            "{}: {}, {}, {}.",
            if self.is_ok() { "usable" } else { "not usable" },
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning"),
            counted(self.count(Severity::Hint), "hint")
        );
        text
    }

    /// For a program.
    #[must_use]
    pub fn json(&self) -> String {
        let findings = self.findings.iter().map(|finding| JsonFinding {
            id: finding.kind.id(),
            severity: finding.kind.severity(),
            variable: match &finding.subject {
                Subject::Variable(name) | Subject::Name(name) => Some(name),
                Subject::File(_) | Subject::Token => None,
            },
            file: match &finding.subject {
                Subject::File(path) => Some(path),
                _ => None,
            },
            message: finding.sentence(),
            repair: finding.repair.as_deref(),
        });
        let json = Json {
            version: 1,
            ok: self.is_ok(),
            production: self.production,
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            hints: self.count(Severity::Hint),
            findings: findings.collect(),
            token: self.token.as_ref(),
        };
        // Texts, numbers and lists of them always serialise.
        serde_json::to_string_pretty(&json).unwrap_or_default()
    }
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
