//! The three credentials of 8x8, beyond what the service itself demands of them.

use crate::check::Repair::{Do, Output, Set};
use crate::check::checks;

/// The length that 8x8's instructions make (`ssh-keygen -b 4096`), in bits.
const LONG_KEY_BITS: usize = 4096;

checks! {
    Warning "app-id-case" |c| c.hit("jaas_app_id", c.text("jaas_app_id").contains(|c: char| c.is_ascii_uppercase()))
        => "has capital letters, which no App ID of 8x8 has; Jitsi compares it case-sensitively.",
        Do("copy it from the API Keys page of https://jaas.8x8.vc");
    Warning "throw-away-key" |c| {
        let own = c.facts.throw_away_key.as_deref().map(str::trim);
        c.hit("jaas_private_key", !c.is_unconfigured && own == Some(c.text("jaas_private_key")))
    }
        => "is the throw-away key of this project's folder, which 8x8 does not accept.", Output("cat key.pem");
    Warning "throw-away-key" |c| c.hit("jaas_private_key", c.is_unconfigured)
        => "is not set, nor are the ids: the throw-away key will be used, which 8x8 does not accept.",
        Do("put JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY into a file .dev.vars, and name it by --env-file");
    Hint "engine-slow" |c| {
        let is_long = c.key.as_ref().is_some_and(|key| key.bits() == LONG_KEY_BITS);
        c.hit("signing_engine", is_long && c.text("signing_engine") == "jwt-simple")
    }
        => "is jwt-simple, which signs with a key of 4096 bits in 34 ms where rs256 takes 7 ms (docs/performance.md).",
        Set("rs256");
}
