//! The report: as text, for terminals and for files and pipes, and as JSON.

use serde::Serialize;

use crate::credential::Verdict;
use crate::finding::{Finding, Severity};
use crate::token::Judgement;

/// A report. Its members are those of the JSON, whose stable form `docs/doctor.md` describes.
#[derive(Debug, Serialize)]
pub struct Report {
    version: u32,
    /// Whether the configuration may be used, and the credential, if any, is accepted.
    pub ok: bool,
    /// Whether the production profile was required. Warnings then count like errors.
    pub production: bool,
    pub errors: usize,
    pub warnings: usize,
    pub hints: usize,
    /// The findings, the most severe first.
    pub findings: Vec<Finding>,
    /// The verdict on the token, or `None` if none was signed.
    pub token: Option<Judgement>,
    /// The verdict on a caller's credential, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Verdict>,
}

impl Report {
    pub fn new(
        production: bool,
        mut findings: Vec<Finding>,
        token: Option<Judgement>,
        credential: Option<Verdict>,
    ) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        let count = |severity| findings.iter().filter(|it| it.severity == severity).count();
        let mut report = Self {
            version: 1,
            ok: false,
            production,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            hints: count(Severity::Hint),
            findings,
            token,
            credential,
        };
        report.ok = report.is_usable() && report.is_accepted() != Some(false);
        report
    }

    /// Returns whether the configuration may be used: no errors, and no warnings in production.
    fn is_usable(&self) -> bool {
        self.errors == 0 && (!self.production || self.warnings == 0)
    }

    fn is_accepted(&self) -> Option<bool> {
        Some(self.credential.as_ref()?.accepted)
    }

    /// Formats the report for a file or a pipe: a line for each finding with its repair, one for the token, one for the totals.
    pub fn text(&self) -> String {
        self.lines(" Repair: ").join("\n")
    }

    /// Formats the report for a terminal, with each repair on its own line: terminals wrap long lines, and copy them unbroken.
    pub fn terminal(&self, colours: bool) -> String {
        let lines = self.lines("\n  ").into_iter();
        let lines = lines.map(|line| if colours { painted(&line) } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn lines(&self, before_repair: &str) -> Vec<String> {
        let findings = self.findings.iter().map(|it| it.shown(before_repair));
        let checks = self.credential.iter().flat_map(|it| &it.checks);
        let checks = checks.map(ToString::to_string);
        let end = [self.token_line(), self.sum(), String::new()];
        findings.chain(checks).chain(end).collect()
    }

    fn token_line(&self) -> String {
        let Some(token) = &self.token else {
            let why = match self.errors {
                0 => "there is no key yet",
                _ => "the errors above keep the service from signing",
            };
            return format!("token: none was signed; {why}.");
        };
        let (hold, all) = (token.checks.iter().filter(|it| it.ok), token.checks.len());
        let verifies = if token.signature_verified {
            "verifies"
        } else {
            "does not verify"
        };
        let engines = match token.engines_agree {
            Some(true) => "both engines sign alike",
            Some(false) => "the engines sign differently",
            None => "only jwt-simple takes this key",
        };
        format!(
            "token: signed by the service's own code; {} of {all} checks of Jitsi's web client hold; its signature {verifies}; {engines}.",
            hold.count()
        )
    }

    fn sum(&self) -> String {
        let usable = if self.is_usable() {
            "usable"
        } else {
            "not usable"
        };
        let counts = [
            (self.errors, "error"),
            (self.warnings, "warning"),
            (self.hints, "hint"),
        ];
        let counts = counts.map(|(number, noun)| match number {
            0 => format!("no {noun}s"),
            1 => format!("1 {noun}"),
            _ => format!("{number} {noun}s"),
        });
        let credential = match self.is_accepted() {
            None => "",
            Some(true) => "; credential accepted",
            Some(false) => "; credential not accepted",
        };
        format!("{usable}: {}{credential}.", counts.join(", "))
    }

    pub fn json(&self) -> String {
        // Strings, numbers and lists of them always serialize.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Returns a line with its label in the colour for its first word.
fn painted(line: &str) -> String {
    let (word, _) = line.split_once(['[', ':']).unwrap_or_default();
    let colour = match word {
        "error" | "fail" | "not usable" => 31,
        "ok" | "usable" => 32,
        "warning" => 33,
        "hint" | "note" => 36,
        _ => return line.to_owned(),
    };
    let end = line.find(']').map_or(word.len(), |end| end + 1);
    let (label, rest) = line.split_at(end);
    format!("\x1b[{colour}m{label}\x1b[0m{rest}")
}
