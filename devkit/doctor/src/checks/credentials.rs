//! The three credentials of 8x8, beyond what the service itself demands of them.

use crate::check::Repair::{Do, Output, Set};
use crate::check::checks;

checks! {
    Warning "app-id-case" |c| c.hit("jaas_app_id", c.text("jaas_app_id").contains(|c: char| c.is_ascii_uppercase()))
        => "has capital letters, which no App ID of 8x8 has; Jitsi compares it case-sensitively.",
        Do("copy it from the API Keys page of https://jaas.8x8.vc");
    Warning "throw-away-key" |c| {
        let own = c.facts.throw_away_key.as_deref().map(str::trim);
        c.hit("jaas_private_key", !c.is_unconfigured && own == Some(c.text("jaas_private_key")))
    }
        => "is the throw-away key of this project's folder, which 8x8 does not accept.", Output("cat key.pem");
    Warning "throw-away-key" |c| c.hit("jaas_private_key", c.is_unconfigured).map(|hit| match &c.facts.env_file {
        Some(file) => hit.repair(format!("put JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY into {}", file.path)),
        None => hit,
    })
        => "is not set, nor are the ids: the throw-away key will be used, which 8x8 does not accept.",
        Do("put JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY into a file .dev.vars, and name it by --env-file");
    Hint "engine-slow" |c| {
        let is_slow = !c.is_unconfigured && c.text("signing_engine") == "jwt-simple";
        c.hit("signing_engine", is_slow && c.engines_agree() == Some(true))
    }
        => "is jwt-simple: rs256 signs several times faster, and with this key the same bytes (docs/signing.md).",
        Set("rs256");
    Error "engines-differ" |c| c.hit("signing_engine", c.engines_agree() == Some(false))
        => "has two values that sign one message differently with this key, where one signature alone is right.",
        Do("set it to jwt-simple, and report this as a fault of the service");
}
