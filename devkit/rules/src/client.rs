//! What Jitsi's web client knows: features, the form of room names, and its checks of a token.

use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The features that 8x8 documents. A missing key means denied, even for a moderator.
pub const DOCUMENTED_FEATURES: [&str; 11] = [
    "livestreaming",
    "recording",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
    "file-upload",
    "list-visitors",
    "send-groupchat",
    "create-polls",
];

/// Other features that the client knows. Any further key is `featureInvalid` to it.
pub(crate) const OTHER_FEATURES: [&str; 9] = [
    "flip",
    "branding",
    "calendar",
    "live-translation",
    "lobby",
    "moderation",
    "room",
    "screen-sharing",
    "send-private-message",
];

/// The characters that JavaScript's `encodeURIComponent` escapes.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The web client's checks of a token (`validateJwt`), in its order: the check, and the rules here that cover it.
pub const WEB_CLIENT_CHECKS: [(&str, &[&str]); 14] = [
    ("header decodes", &["three parts", "header decodes"]),
    ("payload decodes", &["payload decodes"]),
    ("kid is present", &["kid is a string"]),
    ("kid begins with sub", &["kid begins with sub"]),
    ("aud is jitsi", &["aud is the string jitsi"]),
    ("iss is chat", &["iss is chat"]),
    ("features are present", &["features are present"]),
    ("nbf is a whole number", &["nbf is a whole number"]),
    (
        "nbf is not in the future",
        &["nbf has passed on a slow clock"],
    ),
    ("exp is a whole number", &["exp is a whole number"]),
    ("exp has not passed", &["exp is in the future"]),
    ("context is present", &["context is present"]),
    ("every feature is known", &["features are known"]),
    ("every feature is true or false", &["features are booleans"]),
];

/// Returns the name of the room that the client requests from the MUC, or `None` if the room is not UTF-8 when decoded.
pub(crate) fn client_form(room: &str) -> Option<String> {
    let name = percent_decode_str(room).decode_utf8().ok()?;
    let normalizer = ComposingNormalizerBorrowed::new_nfkc();
    let name = normalizer.normalize(&name).to_lowercase();
    let encoded = utf8_percent_encode(&name, URI_COMPONENT).to_string();
    Some(encoded.to_lowercase())
}
