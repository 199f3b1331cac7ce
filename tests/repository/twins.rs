//! A page in Traditional Chinese matches its English twin: the same headings, rows, lists and examples in the same order,
//! with the same code and the same links.

use std::collections::BTreeSet;

use testkit::root;

const PAGES: [&str; 3] = ["README", "docs/configuration", "docs/troubleshooting"];

/// The parts of a line that do not depend on the language.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Heading, row, item or paragraph; for a row, with the number of cells; for an example, its text.
    kind: String,
    code: BTreeSet<String>,
    links: BTreeSet<String>,
}

/// Returns the lines of a page without blank lines and ASCII diagrams, whose labels may differ.
fn outline(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut example: Option<&str> = None;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            example = match example {
                Some(_) => None,
                None => Some(language),
            };
            lines.push(Line::of(line));
        } else if let Some(language) = example {
            if !language.is_empty() {
                lines.push(Line::of_example(line));
            }
        } else if !line.trim().is_empty() {
            lines.push(Line::of(line));
        }
    }
    lines
}

impl Line {
    fn of_example(line: &str) -> Self {
        Self {
            kind: line.to_owned(),
            code: BTreeSet::new(),
            links: BTreeSet::new(),
        }
    }

    fn of(line: &str) -> Self {
        let start = line.split(' ').next().unwrap_or_default();
        let kind = if start == "|" {
            let cells = line.replace("\\|", "").matches('|').count();
            format!("row of {cells}")
        } else if start == "-" || start == ">" || start.starts_with('#') || start.starts_with("```")
        {
            start.to_owned()
        } else if start.ends_with('.') && start.starts_with(|c: char| c.is_ascii_digit()) {
            "numbered".to_owned()
        } else {
            "paragraph".to_owned()
        };
        // The parts between pairs of backticks.
        let code = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let links = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .map(|link| {
                // Anchors differ between the languages, and so does the target of the link to the other language.
                let page = link.split('#').next().unwrap_or_default();
                page.replace(".zh-TW.md", ".md")
            });
        Self {
            kind,
            code: code.collect(),
            links: links.collect(),
        }
    }
}

#[test]
fn a_page_and_its_twin_have_the_same_content() {
    for page in PAGES {
        let read = |suffix: &str| {
            let path = root().join(format!("{page}{suffix}.md"));
            std::fs::read_to_string(path).expect(page)
        };
        let (english, chinese) = (outline(&read("")), outline(&read(".zh-TW")));
        for (english, chinese) in english.iter().zip(&chinese) {
            assert_eq!(english, chinese, "{page}");
        }
        assert_eq!(english.len(), chinese.len(), "{page}");
    }
}

/// Chinese punctuation stands between pieces of code, and each term is used consistently.
#[test]
fn a_chinese_page_is_written_as_in_taiwan() {
    for page in PAGES {
        let path = root().join(format!("{page}.zh-TW.md"));
        let text = std::fs::read_to_string(path).expect(page);
        for word in [
            "`, `",
            "公鑰",
            "私鑰",
            "迴路",
            "該宣告",
            "識別碼",
            "功能鍵",
            "你的",
            "內建主機",
            "可攜版",
            "寬算術版",
            "診斷工具",
        ] {
            assert!(!text.contains(word), "{page}: {word}");
        }
    }
}

#[test]
fn a_difference_is_found() {
    let english = "# A\n\n| `a`, `b` | c |\n\n```sh\nrun\n```\n- [x](y.md#z)";
    let chinese = "# 甲\n| `b`、`a` | 丙 |\n\n```sh\nrun\n```\n\n- [乙](y.zh-TW.md#丁)";
    assert_eq!(outline(english), outline(chinese));
    for (from, to) in [
        ("# 甲", "## 甲"),
        ("`b`", "`B`"),
        (" | 丙", " 丙"),
        ("run", "walk"),
        ("y.zh", "x.zh"),
        ("- [", "1. ["),
    ] {
        let changed = chinese.replace(from, to);
        assert_ne!(outline(english), outline(&changed), "{from}");
    }
}
