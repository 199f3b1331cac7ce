//! The three credentials of 8x8, beyond the requirements of the service itself.

use crate::check::checks;
use crate::context::Context;
use crate::finding::Hit;

const KEY: &str = "jaas_private_key";
const ENGINE: &str = "signing_engine";

checks! {
    Warning "throw-away-key" |c| {
        let own = c.facts.throw_away_key.as_deref().map(str::trim);
        c.hit(KEY, !c.is_unconfigured && own == Some(c.text(KEY)),
            "is the throw-away key of this project's folder, which 8x8 does not accept.", "$(cat key.pem)")
    };
    Warning "throw-away-key" |c| {
        let file = match &c.facts.env_file {
            Some(file) => file.path.clone(),
            None => "a file .dev.vars, and name it by --env-file".to_owned(),
        };
        let hit = Hit::variable(KEY, "is not set, nor are the ids: the throw-away key will be used, which 8x8 does not accept.")
            .repair(format!("put JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY into {file}"));
        c.is_unconfigured.then_some(hit)
    };
    Hint "engine-slow" |c| {
        let is_slow = !c.is_unconfigured && c.text(ENGINE) == "jwt-simple";
        c.hit(ENGINE, is_slow && engines_agree(c) == Some(true),
            "is jwt-simple: rs256 signs several times faster, and with this key the same bytes (docs/signing.md).", "rs256")
    };
    Error "engines-differ" |c| c.hit(ENGINE, engines_agree(c) == Some(false),
        "has two values that sign one message differently with this key, where one signature alone is right.", "")
        .map(|hit| hit.repair("set it to jwt-simple, and report this as a fault of the service"));
}

/// Returns whether both engines make the same token, or `None` if that was not tested.
fn engines_agree(c: &Context) -> Option<bool> {
    c.token.as_ref()?.as_ref().ok()?.engines_agree
}
