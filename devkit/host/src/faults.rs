//! What can go wrong with a host, for tests.

use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

/// What a variables provider returns in place of the host: `None` leaves the value as it is, an error is the
/// provider's. It is called for each variable of each request, and may take its time.
pub type Provider = dyn Fn(&str) -> Option<Result<String, String>> + Send + Sync;

/// What goes wrong. By default nothing does.
#[derive(Clone, Default)]
pub struct Faults {
    /// A provider of variables that errs, is slow or changes its mind.
    pub variables: Option<Arc<Provider>>,
    /// Where the clock stands, as the time since 1970.
    pub clock: Option<Duration>,
    /// Whether the source of random bytes fails: asking it ends the instance.
    pub no_random: bool,
    /// What is wrong with the key-value store.
    pub store: Option<StoreFault>,
}

/// What can be wrong with the key-value store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// `key_value_stores` of the component does not name it.
    NotGranted,
    /// Opening it fails, as where the disk is full.
    CannotOpen,
    /// It opens, and every other call fails, as where its server is down.
    Fails,
}

impl Faults {
    /// Lets them happen to an instance.
    pub(crate) fn add_to(&self, wasi: &mut WasiCtxBuilder) {
        if let Some(time) = self.clock {
            wasi.wall_clock(Stopped(time));
        }
        if self.no_random {
            // Wasmtime ends a guest that asks for more than this; its own generators cannot fail.
            wasi.max_random_size(0);
        }
    }
}

/// A clock that stands still.
struct Stopped(Duration);

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}
