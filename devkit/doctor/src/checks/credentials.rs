//! The three credentials of 8x8, beyond what the service itself demands of them.

use crate::check::Check;
use crate::check::Repair::{Do, Output, Set};
use crate::check::Severity::{Error, Hint, Warning};
use crate::context::Context;

/// The length that 8x8's instructions make (`ssh-keygen -b 4096`), in bits.
const LONG_KEY_BITS: usize = 4096;

pub const CHECKS: &[Check] = &[
    Check {
        id: "sample-app-key",
        severity: Error,
        when: |context| {
            let id = context.text("jaas_key_id").to_ascii_uppercase();
            context.hit("jaas_key_id", id.ends_with("-SAMPLE_APP"))
        },
        message: "belongs to the console's sample app, whose private key nobody has; upload a key of your own and use its id.",
        repair: Do(
            "ssh-keygen -t rsa -b 4096 -m PEM -N '' -f key.pem, and upload the output of `openssl pkey -in key.pem -pubout` on the API Keys page of https://jaas.8x8.vc",
        ),
    },
    Check {
        id: "app-id-case",
        severity: Warning,
        when: |context| {
            let capital = |b: u8| b.is_ascii_uppercase();
            context.hit(
                "jaas_app_id",
                context.text("jaas_app_id").bytes().any(capital),
            )
        },
        message: "has capital letters, which no App ID of 8x8 has; Jitsi compares it case-sensitively.",
        repair: Do("copy it from the API Keys page of https://jaas.8x8.vc"),
    },
    Check {
        id: "throw-away-key",
        severity: Warning,
        when: |context| {
            let is_throw_away = |pem: &String| pem.trim() == context.text("jaas_private_key");
            let applies = !context.is_unconfigured
                && context
                    .facts
                    .throw_away_key
                    .as_ref()
                    .is_some_and(is_throw_away);
            context.hit("jaas_private_key", applies)
        },
        message: "is the throw-away key of this project's folder, which 8x8 does not accept.",
        repair: Output("cat key.pem"),
    },
    Check {
        id: "throw-away-key",
        severity: Warning,
        when: |context| context.hit("jaas_private_key", context.is_unconfigured),
        message: "is not set, nor are the ids: `cargo dev up` will use a throw-away key, which 8x8 does not accept.",
        repair: Do(
            "put JAAS_APP_ID, JAAS_KEY_ID and JAAS_PRIVATE_KEY into a file .dev.vars, and name it by --env-file",
        ),
    },
    Check {
        id: "engine-slow",
        severity: Hint,
        when: |context| context.hit("signing_engine", is_slow(context)),
        message: "is jwt-simple, which signs with a key of 4096 bits in 34 ms where rs256 takes 7 ms (docs/performance.md).",
        repair: Set("rs256"),
    },
];

fn is_slow(context: &Context) -> bool {
    let is_long = context
        .key
        .as_ref()
        .is_some_and(|key| key.bits() == LONG_KEY_BITS);
    is_long && context.text("signing_engine") == "jwt-simple"
}
