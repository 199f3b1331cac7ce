//! Faults of a host, for tests.

use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

/// A variable provider in place of the host's. `None` leaves the host's value, and an error is the provider's. It is called
/// for each variable of each request, and may block.
pub type Provider = dyn Fn(&str) -> Option<Result<String, String>> + Send + Sync;

/// The faults of a host; none by default.
#[derive(Clone, Default)]
pub struct Faults {
    /// A variable provider that fails, is slow or changes its values.
    pub variables: Option<Arc<Provider>>,
    /// The reading of the clock, as the time since the Unix epoch.
    pub clock: Option<Duration>,
    /// Whether reading random bytes fails, which traps the instance.
    pub no_random: bool,
    /// The fault of the key-value store.
    pub store: Option<StoreFault>,
}

/// A fault of the key-value store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// The component's `key_value_stores` does not list the store.
    NotGranted,
    /// Opening the store fails, as on a full disk.
    CannotOpen,
    /// The store opens, but every other call fails, as if its server were down.
    Fails,
}

impl Faults {
    /// Applies the faults to an instance.
    pub(crate) fn add_to(&self, wasi: &mut WasiCtxBuilder) {
        if let Some(time) = self.clock {
            wasi.wall_clock(Stopped(time));
        }
        if self.no_random {
            // Wasmtime traps a guest that reads more random bytes than this; its own generators cannot fail.
            wasi.max_random_size(0);
        }
    }
}

/// A stopped clock.
struct Stopped(Duration);

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}
