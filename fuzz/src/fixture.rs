//! What the targets share: a key, secrets, good configurations, and the search for what must not get out.

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine as _;
use jaas_jwt::config::Config;
use serde_json::json;
use testkit::key_material::openssl_key;

pub const APP_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef";
pub const KEY_ID: &str = "vpaas-magic-cookie-0123456789abcdef0123456789abcdef/4f4910";
/// What the site's login signs with.
pub const SECRET: &str = "kT3vPq8sZx1LmW7rYb5NcH2jGf9DaE4u";
pub const ISSUER: &str = "https://login.example";
pub const AUDIENCE: &str = "jaas";
/// A text that appears nowhere by accident; it stands in for personal data and for made-up credentials.
pub const MARKER: &str = "q7Zk0VxW3nTb8RdYc5Lf";
/// An instant in seconds since 1970: in 2023.
pub const NOW: u64 = 1_700_000_000;

/// When the credentials of the fixture expire, in seconds since 1970.
pub const EXPIRY: u64 = NOW + 3600;

/// How many characters of a secret in a row are no accident.
const WINDOW: usize = 16;

/// A private key of 2048 bits in PKCS#8, made by OpenSSL when it is first asked for.
pub static PEM: LazyLock<String> =
    LazyLock::new(|| openssl_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]));

/// The private key in DER, PKCS#8.
pub static DER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let base64: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .expect("a PEM file is base64")
});

/// Texts of which no response and no log line may hold 16 characters in a row.
pub struct Secrets(HashSet<[u8; WINDOW]>);

impl Secrets {
    fn of(texts: &[&str]) -> Self {
        let windows = texts
            .iter()
            .flat_map(|text| text.as_bytes().windows(WINDOW))
            .filter_map(|window| window.try_into().ok());
        Self(windows.collect())
    }

    /// Checks a text that goes out.
    pub fn check(&self, text: &[u8]) {
        let leak = text.windows(WINDOW).any(|window| self.0.contains(window));
        assert!(!leak, "a secret in {}", String::from_utf8_lossy(text));
    }
}

/// The key, the login's secret, the credentials made with it, and the marker.
pub static SECRETS: LazyLock<Secrets> = LazyLock::new(|| {
    let body: String = PEM.lines().filter(|line| !line.starts_with('-')).collect();
    let mut texts = vec![body.as_str(), SECRET, MARKER];
    texts.extend(PEM.lines().filter(|line| !line.starts_with('-')));
    texts.extend([MEMBER.as_str(), MODERATOR.as_str()]);
    Secrets::of(&texts)
});

/// A credential of a member, and of a moderator.
pub static MEMBER: LazyLock<String> = LazyLock::new(|| login(false));
/// A credential of a moderator.
pub static MODERATOR: LazyLock<String> = LazyLock::new(|| login(true));

fn login(moderator: bool) -> String {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "exp": EXPIRY, "name": "Ann", HOST_CLAIM: moderator,
    });
    // With white space, because identity and token have names and values in common, and 12 bytes of the same text are 16
    // characters of the same base64.
    let payload = format!("{claims:#}");
    signed(br#"{"alg":"HS256","typ":"JWT"}"#, payload.as_bytes())
}

/// A credential with these bytes, signed with [`SECRET`] whatever they are.
pub fn signed(header: &[u8], payload: &[u8]) -> String {
    testkit::hs256::sign(SECRET, header, payload)
}

/// Puts the secrets into the places that an input keeps for them.
pub fn fill(text: &str) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    text.replace("{key}", &PEM)
        .replace("{secret}", SECRET)
        .replace("{member}", &MEMBER)
        .replace("{moderator}", &MODERATOR)
        .replace("{marker}", MARKER)
}

/// A configuration that is right.
pub struct Good {
    pub settings: &'static [(&'static str, &'static str)],
}

impl Good {
    /// What it sets a variable to; `None`: the default holds.
    pub fn setting(&self, name: &str) -> Option<&'static str> {
        let mut settings = self.settings.iter();
        settings.find_map(|(other, value)| (*other == name).then_some(*value))
    }

    /// A variable as its provider has it.
    pub fn variable(&self, name: &str) -> Option<String> {
        let setting = self.setting(name).map(str::to_owned);
        setting.or_else(|| credential(name))
    }
}

/// The claim of moderators. Jitsi's own name for it would give credentials and tokens 16 characters of base64 in common.
const HOST_CLAIM: &str = "hosts";

const AUTHENTICATION: [(&str, &str); 4] = [
    ("auth_moderator_claim", HOST_CLAIM),
    ("auth_hs256_secret", SECRET),
    ("auth_issuer", ISSUER),
    ("auth_audience", AUDIENCE),
];

/// Good configurations of every kind.
pub static GOOD: LazyLock<Vec<Good>> = LazyLock::new(|| {
    let settings: &[&[(&str, &str)]] = &[
        &[],
        &[
            ("require_origin", "true"),
            ("disclose_origins", "false"),
            (
                "allowed_origins",
                "https://vtaiwan.tw, https://*.example.org http://localhost:3000",
            ),
        ],
        &[
            ("auth_mode", "required"),
            AUTHENTICATION[0],
            AUTHENTICATION[1],
            AUTHENTICATION[2],
            AUTHENTICATION[3],
        ],
        &[
            ("auth_mode", "optional"),
            AUTHENTICATION[0],
            AUTHENTICATION[1],
            AUTHENTICATION[2],
            AUTHENTICATION[3],
        ],
        &[
            ("default_room", ""),
            ("default_user_id", "guest-{random}"),
            ("default_user_name", ""),
            ("default_user_email", ""),
            ("default_moderator", ""),
            ("member_features", "recording lobby"),
        ],
        &[
            ("allowed_rooms", "default-room, vTaiwan, Meetup-*, 公民*"),
            ("moderator_features", ""),
            ("default_moderator", "false"),
            ("token_ttl_seconds", "60"),
            ("token_leeway_seconds", "300"),
        ],
    ];
    settings
        .iter()
        .map(|settings| {
            let good = Good { settings };
            let source = |name: &str| Ok(good.variable(name));
            Config::new(&source).signer().expect("a good configuration");
            good
        })
        .collect()
});

/// The three variables that every configuration needs.
pub fn credential(name: &str) -> Option<String> {
    match name {
        "jaas_app_id" => Some(APP_ID.into()),
        "jaas_key_id" => Some(KEY_ID.into()),
        "jaas_private_key" => Some(PEM.clone()),
        _ => None,
    }
}

/// Splits the first line off.
pub fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Some of many: whether an input is one of about a sixteenth.
pub fn is_picked(input: &[u8]) -> bool {
    hmac_sha256::Hash::hash(input)[0] < 16
}
