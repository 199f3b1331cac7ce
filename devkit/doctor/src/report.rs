//! The report: for a person, on a terminal and elsewhere, and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use crate::check::{Finding, Severity};
use crate::credential::{Outcome, Verdict};
use crate::hit::Subject;
use crate::token::Judgement;

#[derive(Debug)]
pub struct Report {
    /// Whether the production profile was required; then warnings count as errors do.
    pub production: bool,
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// How the token did; `None` where none was signed.
    pub token: Option<Judgement>,
    /// What was found of a caller's credential, where there was one.
    pub credential: Option<Verdict>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a Verdict>,
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

const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;
const BLUE: u8 = 36;

fn painted(is_on: bool, colour: u8, text: &str) -> String {
    match is_on && !text.is_empty() {
        true => format!("\x1b[{colour}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}

impl Report {
    /// How many findings of this severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        let of_it = self
            .findings
            .iter()
            .filter(|finding| finding.severity == severity);
        of_it.count()
    }

    /// Whether the configuration may be used: no error, and for production no warning.
    fn is_usable(&self) -> bool {
        self.count(Severity::Error) == 0 && (!self.production || self.count(Severity::Warning) == 0)
    }

    /// Whether that is so, and the credential, if there is one, is accepted.
    pub fn is_ok(&self) -> bool {
        let credential = self.credential.as_ref();
        self.is_usable() && credential.is_none_or(|verdict| verdict.accepted)
    }

    /// For a file or a pipe: a line for each finding with its repair, one for the token, one for the sum.
    pub fn text(&self) -> String {
        self.lines(false, " Repair: ")
    }

    /// For a terminal, which breaks long lines itself and copies them whole: each repair has a line of its own.
    pub fn terminal(&self, colours: bool) -> String {
        self.lines(colours, "\n  ")
    }

    fn lines(&self, colours: bool, before_repair: &str) -> String {
        let mut text = String::new();
        let mut line = |colour, label: &str, rest: &str| {
            let _ = writeln!(text, "{}{rest}", painted(colours, colour, label));
        };
        for finding in &self.findings {
            let colour = match finding.severity {
                Severity::Error => RED,
                Severity::Warning => YELLOW,
                Severity::Hint => BLUE,
            };
            let repair = finding.repair.as_ref();
            let repair = repair.map(|repair| format!("{before_repair}{repair}"));
            let rest = format!(" {}{}", finding.sentence(), repair.unwrap_or_default());
            line(colour, &finding.label(), &rest);
        }
        for check in self.credential.iter().flat_map(|verdict| &verdict.checks) {
            let colour = match check.result {
                Outcome::Ok => GREEN,
                Outcome::Note => BLUE,
                Outcome::Fail => RED,
            };
            let whole = check.to_string();
            let (label, rest) = whole.split_at(whole.find(']').map_or(0, |end| end + 1));
            line(colour, label, rest);
        }
        line(0, "", &self.token_line());
        line(if self.is_ok() { GREEN } else { RED }, &self.sum(), "");
        text
    }

    fn token_line(&self) -> String {
        let Some(judgement) = &self.token else {
            return match self.count(Severity::Error) {
                0 => "token: none was signed; there is no key yet.".to_owned(),
                _ => "token: none was signed; the configuration is not complete.".to_owned(),
            };
        };
        format!(
            "token: signed by the service's own code; {} of {} checks of Jitsi's web client hold; its signature {}; {}.",
            judgement.checks.iter().filter(|check| check.ok).count(),
            judgement.checks.len(),
            if judgement.signature_verified {
                "verifies"
            } else {
                "does not verify"
            },
            match judgement.engines_agree {
                Some(true) => "both engines sign alike",
                Some(false) => "the engines sign differently",
                None => "only jwt-simple takes this key",
            }
        )
    }

    fn sum(&self) -> String {
        format!(
            "{}: {}, {}, {}{}.",
            match self.is_usable() {
                true => "usable",
                false => "not usable",
            },
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning"),
            counted(self.count(Severity::Hint), "hint"),
            match self.credential.as_ref().map(|verdict| verdict.accepted) {
                None => "",
                Some(true) => "; credential accepted",
                Some(false) => "; credential not accepted",
            }
        )
    }

    pub fn json(&self) -> String {
        let findings = self.findings.iter().map(|finding| JsonFinding {
            id: finding.id,
            severity: finding.severity,
            variable: match &finding.subject {
                Subject::Variable(name) => Some(name),
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
            credential: self.credential.as_ref(),
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
