//! `allowed_outbound_hosts`: the servers that the component may call, by Spin's rules.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use url::Host;

use crate::manifest::Manifest;
use crate::providers::Providers;
use crate::resolve::{application, defaults, expand};

/// The servers that the component may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    rules: Vec<Rule>,
    problem: Option<String>,
}

/// One entry: `scheme://host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `None` allows any scheme.
    scheme: Option<String>,
    host: HostRule,
    ports: Range<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostRule {
    Any,
    /// The application itself, which is called without a host.
    Itself,
    /// All subdomains of a domain, which is stored with a leading dot.
    Below(String),
    Network(IpNet),
    One(Host),
}

impl AllowedHosts {
    /// Parses a manifest's entries, with the variables' final values in place of the templates.
    ///
    /// As in Spin, an entry that is invalid with the variables' defaults is an error. An entry that is invalid with other
    /// values becomes the [`problem`](Self::problem): the application starts, but all of its requests are denied. An empty
    /// entry is invalid, as up to Spin 4.0; 4.1 ignores it.
    ///
    /// # Errors
    /// Fails if an entry cannot be parsed or names an unknown variable. The message contains no variable's value.
    pub fn resolve(
        manifest: &Manifest,
        providers: &Providers,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let values = application(manifest, providers, environment)?;
        let mut allowed = Self::default();
        for entry in &manifest.allowed_outbound_hosts {
            let about = || format!("in allowed_outbound_hosts, the entry {entry:?}");
            let host = expand(entry, &values).with_context(about)?;
            // If a variable has no default, there is nothing to check with the defaults.
            if let Ok(by_default) = expand(entry, &defaults(manifest)) {
                Rule::parse(&by_default).with_context(about)?;
            }
            match Rule::parse(&host) {
                Ok(rule) => allowed.rules.push(rule),
                Err(error) => allowed.problem = Some(format!("{}: {error:#}", about())),
            }
        }
        if allowed.problem.is_some() {
            allowed.rules.clear();
        }
        Ok(allowed)
    }

    /// Returns why nothing is allowed, if that is due to an invalid entry.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Returns whether the component may call this server.
    pub fn allow(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        // As browsers parse hosts: `2130706433` is 127.0.0.1, and domains are lower-case.
        let (Ok(host), Some(port)) = (Host::parse(host), port.or_else(|| well_known(scheme)))
        else {
            return false;
        };
        self.rules
            .iter()
            .any(|rule| rule.allows(scheme, &host, port))
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        ensure!(!text.is_empty(), "is empty");
        let (scheme, rest) = text
            .split_once("://")
            .context("has no scheme: write scheme://host or scheme://host:port")?;
        let (host, port) = split_port(rest)?;
        let ports = ports(port, scheme)?;
        ensure!(
            scheme == "*" || scheme.chars().all(char::is_alphabetic),
            "has a scheme that is not made of letters"
        );
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostRule::parse(host)?,
            ports,
        })
    }

    fn allows(&self, scheme: &str, host: &Host, port: u16) -> bool {
        self.scheme.as_deref().is_none_or(|it| it == scheme)
            && self.host.allows(host)
            && self.ports.contains(&port.into())
    }
}

/// Splits the host from the port, which is empty if there is none. IPv6 addresses contain colons, too.
fn split_port(rest: &str) -> Result<(&str, &str)> {
    let Some((host, port)) = rest.rsplit_once(':') else {
        return Ok((rest, ""));
    };
    if !port.is_empty() && HostRule::parse(rest).is_ok() {
        return Ok((rest, ""));
    }
    match port.split_once('/') {
        None | Some((_, "")) => Ok((host, port.trim_end_matches('/'))),
        Some(_) => bail!("has a path, which is not allowed"),
    }
}

fn ports(text: &str, scheme: &str) -> Result<Range<u32>> {
    let number = |text: &str| {
        text.parse::<u16>()
            .context("has a port that is not a number")
    };
    let (first, end) = match (text, text.split_once("..")) {
        ("*", _) => (0, u32::from(u16::MAX) + 1),
        (_, Some((first, end))) => (number(first)?, number(end)?.into()),
        _ => {
            let port = match text {
                "" => well_known(scheme).context("needs a port: its scheme has no default")?,
                _ => number(text)?,
            };
            (port, u32::from(port) + 1)
        }
    };
    Ok(first.into()..end)
}

fn well_known(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "mqtt" => Some(1883),
        "mysql" => Some(3306),
        "postgres" => Some(5432),
        "redis" => Some(6379),
        _ => None,
    }
}

impl HostRule {
    fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        match text {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network));
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        ensure!(
            !text.contains('/'),
            "has a path, which is not allowed, or is no network"
        );
        let parse = |host: &str| Host::parse(host).context("has no valid host");
        match text.strip_prefix("*.") {
            Some(domain) => {
                ensure!(!domain.contains('*'), "has a * that is not in front");
                let Host::Domain(domain) = parse(domain)? else {
                    bail!("has a * before an address");
                };
                Ok(Self::Below(format!(".{domain}")))
            }
            None => {
                ensure!(
                    !text.contains('*'),
                    "has a * that is not a whole subdomain in front"
                );
                Ok(Self::One(parse(text)?))
            }
        }
    }

    fn allows(&self, host: &Host) -> bool {
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(*address)),
            Host::Ipv6(address) => Some(IpAddr::from(*address)),
        };
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(domain), Host::Domain(host)) => host.ends_with(domain.as_str()),
            (Self::Network(network), _) => address.is_some_and(|it| network.contains(&it)),
            (Self::One(allowed), _) => allowed == host,
            (Self::Below(_) | Self::Itself, _) => false,
        }
    }
}

#[cfg(test)]
mod tests;
