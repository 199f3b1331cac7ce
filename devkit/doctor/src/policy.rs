//! What the configuration decides, where another decision may have been meant.

use jaas_jwt::config::{Config, Variable, variable};
use jaas_jwt::features::{Feature, FeatureSet};
use jaas_jwt::origin::{AllowedOrigins, is_loopback};
use jaas_jwt::parameters::split_list;
use jaas_jwt::room::{RoomList, RoomName};
use url::{Host, Url};

use crate::facts::Facts;
use crate::finding::{Finding, Kind};
use crate::values::set;

/// The features that 8x8 bills to the owner.
pub const BILLED: [&str; 7] = [
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
];

/// The longest life of a token that is not remarked on, in seconds: the Worker's.
pub const LONG_TTL_SECONDS: u64 = 3600;
/// How slow a browser's clock may be, in seconds; Jitsi's samples allow as much.
const SLOW_CLOCK_SECONDS: u64 = 10;
/// As many different characters has every random secret of 32 bytes, in hexadecimal digits too.
const MIN_DIFFERENT_CHARACTERS: usize = 10;

/// The keys of a list that a set has.
pub fn keys_in<'a>(set: &FeatureSet, keys: &[&'a str]) -> Vec<&'a str> {
    keys.iter()
        .copied()
        .filter(|key| Feature::from_key(key).is_some_and(|feature| set.contains(feature)))
        .collect()
}

/// Whether every room is open.
pub fn is_every_room(rooms: Option<&RoomList>) -> bool {
    // They share no character, so that nothing but a star alone lists both.
    rooms.is_none_or(|rooms| {
        ["0000000000", "zzzzzzzzzz"]
            .into_iter()
            .filter_map(|name| RoomName::parse(name).ok())
            .all(|room| rooms.contains(&room))
    })
}

/// One entry of `allowed_origins` that can be used.
pub struct Origin<'a> {
    /// Its place in the list, from 1.
    pub place: usize,
    /// As it is written.
    pub written: &'a str,
    /// As a browser sends it.
    pub serialized: String,
    host: Host<String>,
}

impl Origin<'_> {
    /// Whether it is a page of this machine.
    pub fn is_local(&self) -> bool {
        is_loopback(&match &self.host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        })
    }

    fn is_wildcard(&self) -> bool {
        self.serialized.contains('*')
    }
}

/// The entries that can be used. What is wrong with the others the service says.
pub fn origins(list: &str) -> Vec<Origin<'_>> {
    split_list(list)
        .zip(1..)
        .filter_map(|(written, place)| {
            let (origins, _) = AllowedOrigins::parse(written);
            let serialized = origins.to_vec().into_iter().next()?;
            let host = Url::parse(&serialized).ok()?.host()?.to_owned();
            Some(Origin {
                place,
                written,
                serialized,
                host,
            })
        })
        .collect()
}

/// Everything but the text of values, which is [`crate::values`]'s.
pub fn examine(facts: &Facts, config: &Config, found: &mut Vec<Finding>) {
    examine_origins(facts, config, found);
    examine_roles(facts, config, found);
    examine_times(config, found);
    examine_authentication(facts, config, found);
}

fn examine_origins(facts: &Facts, config: &Config, found: &mut Vec<Finding>) {
    let name = variable::ALLOWED_ORIGINS.name;
    let list = facts.value(name).unwrap_or_default();
    let origins = origins(list);
    let example = || set(name, "https://app.example.org");
    let mut add = |kind, message: String, repair: String| {
        found.push(Finding::of_variable(kind, name, message, repair));
    };
    if split_list(list).next().is_none() {
        add(
            Kind::OriginsEmpty,
            if config.require_origin {
                "is empty and require_origin is true, so that nobody at all can ask.".to_owned()
            } else {
                "is empty, so that no web page can ask.".to_owned()
            },
            example(),
        );
    }
    if !facts.is_changed(name) {
        add(
            Kind::OriginsDefault,
            "has its default, the pages of vTaiwan; name your own.".to_owned(),
            example(),
        );
    }
    for (index, origin) in origins.iter().enumerate() {
        let entry = format!("entry {}", origin.place);
        if let Some(first) = origins[..index]
            .iter()
            .find(|other| other.serialized == origin.serialized)
        {
            add(
                Kind::OriginRepeated,
                format!("{entry} is the same origin as entry {}.", first.place),
                "take one of the two out".to_owned(),
            );
        }
        if origin.written != origin.serialized {
            let form = if !origin.written.is_ascii() {
                "has letters that browsers send in punycode"
            } else if origin.written.to_ascii_lowercase() != origin.written {
                "has capital letters, which browsers send as small ones"
            } else {
                "writes its port or its host as no browser sends it (443 of https and 80 of http are left out)"
            };
            add(
                Kind::OriginForm,
                format!(
                    "{entry} {form}; it is understood, and other software may compare it as it stands."
                ),
                "copy it from `location.origin` in the page's console".to_owned(),
            );
        }
        let labels = match &origin.host {
            Host::Domain(host) => host.split('.').collect(),
            _ => Vec::new(),
        };
        let ends_with_dot = labels.last() == Some(&"");
        if ends_with_dot || (labels.len() == 1 && !origin.is_local()) {
            add(
                Kind::OriginUnlikely,
                format!(
                    "{entry} will hardly ever match: {}.",
                    if ends_with_dot {
                        "its host ends with a dot"
                    } else {
                        "its host has one label, which only a local network knows"
                    }
                ),
                "copy it from `location.origin` in the page's console".to_owned(),
            );
        }
        if origin.is_wildcard() {
            add(
                Kind::OriginWildcard,
                format!(
                    "{entry} lets the pages of every sub-domain ask; all of them must be yours, also the forgotten ones."
                ),
                "list the sub-domains that need it".to_owned(),
            );
        }
    }
    let local: Vec<String> = origins
        .iter()
        .filter(|origin| origin.is_local())
        .map(|origin| origin.place.to_string())
        .collect();
    if !local.is_empty() {
        add(
            Kind::OriginLocal,
            format!(
                "lets pages ask that run on the visitor's own machine (entry {}); good for development only.",
                local.join(", ")
            ),
            example(),
        );
    }
    if config.disclose_origins {
        found.push(Finding::of_variable(
            Kind::OriginsDisclosed,
            variable::DISCLOSE_ORIGINS.name,
            "is true: a page that is refused learns the whole list of origins.",
            set(variable::DISCLOSE_ORIGINS.name, "false"),
        ));
    }
    if !config.require_origin {
        found.push(Finding::of_variable(
            Kind::OriginOptional,
            variable::REQUIRE_ORIGIN.name,
            "is false: callers that are no web page are answered as well.",
            set(variable::REQUIRE_ORIGIN.name, "true"),
        ));
    }
}

fn examine_roles(facts: &Facts, config: &Config, found: &mut Vec<Finding>) {
    let mut add = |kind, variable: Variable, message: String, repair: String| {
        found.push(Finding::of_variable(kind, variable.name, message, repair));
    };
    let billed = |set| keys_in(set, &BILLED).join(", ");
    let guests = config
        .authentication
        .as_ref()
        .is_some_and(|authentication| !authentication.required);
    // Nobody is asked. Where the mode cannot be understood, the service says so, and answers nobody.
    let nobody = facts.value(variable::AUTH_MODE.name).map(str::trim) == Some("none");
    if nobody {
        add(
            Kind::ModeratorOpen,
            variable::AUTH_MODE,
            "is none: whoever asks may become moderator of any room that is open.".into(),
            set(variable::AUTH_MODE.name, "required"),
        );
        if config.defaults.moderator == Some(true) {
            add(
                Kind::ModeratorDefault,
                variable::DEFAULT_MODERATOR,
                "is true: who does not say what they are is a moderator.".into(),
                set(variable::DEFAULT_MODERATOR.name, "false"),
            );
        }
        let features = billed(&config.moderator_features);
        if !features.is_empty() {
            add(
                Kind::OpenFeatures,
                variable::MODERATOR_FEATURES,
                format!("gives whoever asks what 8x8 bills to you: {features}."),
                set(variable::MODERATOR_FEATURES.name, "''"),
            );
        }
    }
    if guests {
        add(
            Kind::Guests,
            variable::AUTH_MODE,
            "is optional: people whom your login does not know are let in as guests.".into(),
            set(variable::AUTH_MODE.name, "required"),
        );
    }
    let features = billed(&config.member_features);
    if !features.is_empty() {
        add(
            Kind::MemberFeatures,
            variable::MEMBER_FEATURES,
            format!("gives people who are no moderators what 8x8 bills to you: {features}."),
            set(variable::MEMBER_FEATURES.name, "''"),
        );
    }
    if !config.is_wrong(variable::ALLOWED_ROOMS) {
        let rooms = config.allowed_rooms.as_ref();
        if is_every_room(rooms) {
            add(
                Kind::RoomsOpen,
                variable::ALLOWED_ROOMS,
                "lets people into every room of your App ID.".into(),
                set(variable::ALLOWED_ROOMS.name, "'my-room, meetup-*'"),
            );
        }
        if let (Some(rooms), Some(room)) = (rooms, &config.defaults.room)
            && !rooms.contains(room)
        {
            add(
                Kind::DefaultRoomClosed,
                variable::DEFAULT_ROOM,
                "is not among allowed_rooms: a request that names no room is refused.".into(),
                set(variable::DEFAULT_ROOM.name, "''"),
            );
        }
    }
    let id = facts
        .value(variable::DEFAULT_USER_ID.name)
        .unwrap_or_default();
    if (nobody || guests) && !id.trim().is_empty() && !id.contains("{random}") {
        add(
            Kind::PersonDefault,
            variable::DEFAULT_USER_ID,
            "gives all people who bring no id the same one.".into(),
            set(variable::DEFAULT_USER_ID.name, "'guest-{random}'"),
        );
    }
}

fn examine_times(config: &Config, found: &mut Vec<Finding>) {
    let validity = config.validity;
    if validity.ttl_seconds > LONG_TTL_SECONDS {
        found.push(Finding::of_variable(
            Kind::TtlLong,
            variable::TOKEN_TTL_SECONDS.name,
            format!(
                "is more than {LONG_TTL_SECONDS}: a token that is passed on, or whose owner lost a role, is good for so long."
            ),
            set(variable::TOKEN_TTL_SECONDS.name, "3600"),
        ));
    }
    if validity.leeway_seconds < SLOW_CLOCK_SECONDS
        && !config.is_wrong(variable::TOKEN_LEEWAY_SECONDS)
    {
        found.push(Finding::of_variable(
            Kind::LeewayShort,
            variable::TOKEN_LEEWAY_SECONDS.name,
            format!(
                "is less than {SLOW_CLOCK_SECONDS}: a browser whose clock is a little slow takes the token for one of the future and refuses it."
            ),
            set(variable::TOKEN_LEEWAY_SECONDS.name, "10"),
        ));
    }
}

fn examine_authentication(facts: &Facts, config: &Config, found: &mut Vec<Finding>) {
    let mode = facts.value(variable::AUTH_MODE.name).unwrap_or_default();
    if mode.trim() == "none" {
        for variable in [
            variable::AUTH_HS256_SECRET,
            variable::AUTH_PUBLIC_KEY,
            variable::AUTH_JWKS,
            variable::AUTH_ISSUER,
            variable::AUTH_AUDIENCE,
            variable::AUTH_MODERATOR_CLAIM,
            variable::AUTH_MODERATOR_VALUES,
        ] {
            if facts.is_changed(variable.name) {
                found.push(Finding::of_variable(
                    Kind::AuthUnused,
                    variable.name,
                    "is set and not used: auth_mode is none, so that nobody is asked who they are.",
                    set(variable::AUTH_MODE.name, "required"),
                ));
            }
        }
    }
    let secret = facts
        .value(variable::AUTH_HS256_SECRET.name)
        .unwrap_or_default();
    let different: std::collections::BTreeSet<char> = secret.trim().chars().collect();
    if !secret.trim().is_empty()
        && different.len() < MIN_DIFFERENT_CHARACTERS
        && !config.is_wrong(variable::AUTH_HS256_SECRET)
    {
        found.push(Finding::of_variable(
            Kind::SecretGuessable,
            variable::AUTH_HS256_SECRET.name,
            format!(
                "has fewer than {MIN_DIFFERENT_CHARACTERS} different characters, so that it can be guessed; it must be random."
            ),
            set(
                variable::AUTH_HS256_SECRET.name,
                "\"$(openssl rand -base64 48)\"",
            ),
        ));
    }
    let jwks = facts.value(variable::AUTH_JWKS.name).unwrap_or_default();
    let has_private_part = serde_json::from_str::<serde_json::Value>(jwks)
        .ok()
        .and_then(|document| document.get("keys")?.as_array().cloned())
        .is_some_and(|keys| {
            keys.iter()
                .any(|key| key.get("d").is_some() || key.get("k").is_some())
        });
    if has_private_part {
        found.push(Finding::of_variable(
            Kind::JwksPrivate,
            variable::AUTH_JWKS.name,
            "has the private part of a key in it, which only your login may have; make a new pair and put its public part here.",
            set(
                variable::AUTH_JWKS.name,
                "\"$(curl -fsS JWKS_URI_OF_YOUR_LOGIN)\"",
            ),
        ));
    }
}
