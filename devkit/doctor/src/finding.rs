//! One finding: what is wrong, where, and what repairs it.

use std::fmt;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service does not work like this, or a secret is out.
    Error,
    /// It works, and hardly as it was meant; for production it is too weak.
    Warning,
    /// A decision that somebody should have made.
    Hint,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        })
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal, $severity:ident;)*) => {
        /// What a finding is about. The ids are part of the report's stable shape; the READMEs explain each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])* $name,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in the report.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// How much it matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)*
                }
            }
        }
    };
}

kinds! {
    /// A credential is not set. The service's own message.
    Missing = "missing", Error;
    /// A variable holds what cannot be used. The service's own message.
    Invalid = "invalid", Error;
    /// A line of the env file is no entry.
    EnvFileBroken = "env-file-broken", Error;
    /// `runtime-config.toml` is not TOML.
    RuntimeConfigBroken = "runtime-config-broken", Error;
    /// Git tracks a file that holds a secret.
    FileTracked = "file-tracked", Error;
    /// `auth_jwks` has a private key in it.
    JwksPrivate = "jwks-private", Error;
    /// The service answers its own request for a token with an error.
    TokenRefused = "token-refused", Error;
    /// The token breaks a rule of Jitsi's.
    TokenRule = "token-rule", Error;
    /// The token's signature is not that of the key.
    TokenSignature = "token-signature", Error;
    /// A variable does not reach the production profile.
    WeakerThanProduction = "weaker-than-production", Error;

    /// Others can read a file that holds a secret.
    FileReadable = "file-readable", Warning;
    /// Git would add a file that holds a secret.
    FileNotIgnored = "file-not-ignored", Warning;
    /// The env file begins with a byte order mark.
    FileBom = "file-bom", Warning;
    /// A name is nearly that of a variable.
    NameMisspelt = "name-misspelt", Warning;
    /// A variable's name stands in the environment without Spin's prefix.
    NameUnread = "name-unread", Warning;
    /// Two places give a variable different values.
    TwoValues = "two-values", Warning;
    /// A quote belongs to the value.
    Quotes = "quotes", Warning;
    /// `\n` or `\r` stands in the value as two characters.
    Escapes = "escapes", Warning;
    /// The value ends with a backslash.
    TrailingBackslash = "trailing-backslash", Warning;
    /// A shell was to put something in, and did not.
    Unexpanded = "unexpanded", Warning;
    /// The name or the address of a file instead of what is in it.
    PathForContent = "path-for-content", Warning;
    /// The value is that of an example.
    Placeholder = "placeholder", Warning;
    /// The App ID has capital letters.
    AppIdCase = "app-id-case", Warning;
    /// The key is the throw-away key.
    ThrowAwayKey = "throw-away-key", Warning;
    /// No origin is allowed.
    OriginsEmpty = "origins-empty", Warning;
    /// An origin that no browser will send.
    OriginUnlikely = "origin-unlikely", Warning;
    /// Whoever asks may become moderator.
    ModeratorOpen = "moderator-open", Warning;
    /// Members have features that 8x8 bills.
    MemberFeatures = "member-features", Warning;
    /// Whoever asks has features that 8x8 bills.
    OpenFeatures = "open-features", Warning;
    /// `default_room` is not among `allowed_rooms`.
    DefaultRoomClosed = "default-room-closed", Warning;
    /// A token lives for more than an hour.
    TtlLong = "ttl-long", Warning;
    /// A browser with a slow clock refuses the token.
    LeewayShort = "leeway-short", Warning;
    /// A variable is set that `auth_mode` does not use.
    AuthUnused = "auth-unused", Warning;
    /// The secret has few different characters.
    SecretGuessable = "secret-guessable", Warning;

    /// The env file has the line ends of Windows.
    FileCrlf = "file-crlf", Hint;
    /// A name in the env file or a provider that is no variable.
    NameUnknown = "name-unknown", Hint;
    /// `.dev.vars` is there and was not read.
    EnvFileUnread = "env-file-unread", Hint;
    /// A provider that only the host asks.
    ProviderUnread = "provider-unread", Hint;
    /// The key is shorter than 8x8's own instructions make it.
    KeyBits = "key-bits", Hint;
    /// Signatures by a long key take several times as long as they need.
    EngineSlow = "engine-slow", Hint;
    /// The key id comes without the App ID.
    KeyIdAlone = "key-id-alone", Hint;
    /// An origin is compared in another form than it is written.
    OriginForm = "origin-form", Hint;
    /// An origin stands in the list twice.
    OriginRepeated = "origin-repeated", Hint;
    /// Pages of this machine may call.
    OriginLocal = "origin-local", Hint;
    /// Pages of all sub-domains may call.
    OriginWildcard = "origin-wildcard", Hint;
    /// The list of origins is that of vTaiwan.
    OriginsDefault = "origins-default", Hint;
    /// Whoever does not say is a moderator.
    ModeratorDefault = "moderator-default", Hint;
    /// Callers without a credential are let in as guests.
    Guests = "guests", Hint;
    /// Every room is open.
    RoomsOpen = "rooms-open", Hint;
    /// Callers without an origin are let in.
    OriginOptional = "origin-optional", Hint;
    /// A refused page learns the list of origins.
    OriginsDisclosed = "origins-disclosed", Hint;
    /// All guests are one person.
    PersonDefault = "person-default", Hint;
}

/// What a finding is about; the sentence starts with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A variable, by its name in `spin.toml`.
    Variable(String),
    /// A file, as a person would write its path.
    File(String),
    /// An environment variable or an entry of a file, by its name.
    Name(String),
    /// The token that was signed.
    Token,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) | Self::File(name) | Self::Name(name) => f.write_str(name),
            Self::Token => f.write_str("the token"),
        }
    }
}

/// One finding. None of its texts holds any part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// The rest of the sentence that starts with the subject.
    pub message: String,
    /// The command that repairs it; `None` where the message says what to do.
    pub repair: Option<String>,
}

impl Finding {
    /// A finding about a variable.
    #[must_use]
    pub fn of_variable(
        kind: Kind,
        variable: &str,
        message: impl Into<String>,
        repair: impl Into<String>,
    ) -> Self {
        Self::new(
            kind,
            Subject::Variable(variable.to_owned()),
            message,
            repair,
        )
    }

    /// A finding about anything.
    #[must_use]
    pub fn new(
        kind: Kind,
        subject: Subject,
        message: impl Into<String>,
        repair: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            subject,
            message: message.into(),
            repair: Some(repair.into()),
        }
    }

    /// The whole sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{} {}", self.subject, self.message)
    }
}

/// One line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}[{}] {}",
            self.kind.severity(),
            self.kind.id(),
            self.sentence()
        )?;
        match &self.repair {
            Some(repair) => write!(f, " Repair: {repair}"),
            None => Ok(()),
        }
    }
}
