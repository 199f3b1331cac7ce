//! The parts of a request that are known before its body is read.
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::caller::{Caller, Warning};
use crate::config::Config;
use crate::cors::{Rejection, RequestOrigin};
use crate::environment::Environment;
use crate::error::Error;
use crate::http::Headers;

/// The parts of a request that are known before its body is read.
pub(super) struct Call<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) method: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a Headers,
    pub(super) origin: RequestOrigin<'a>,
    /// A warning of the login, for the log.
    pub(super) warning: Cell<Option<Warning>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        config: &'a Config<'a>,
        method: &'a str,
        query: &'a str,
        headers: &'a Headers,
    ) -> Self {
        Self {
            config,
            method,
            query,
            headers,
            origin: RequestOrigin::of(headers, || config.allowed_origins()),
            warning: Cell::new(None),
        }
    }
    /// Rejects a request whose origin may not call.
    pub(super) fn check_origin(&self) -> Result<(), Error> {
        let (rejection, rule_is_wrong) = match self.origin {
            RequestOrigin::Allowed(_) => return Ok(()),
            RequestOrigin::Absent if !self.config.require_origin() => return Ok(()),
            RequestOrigin::Absent => (Rejection::Absent, self.config.require_origin_is_wrong()),
            RequestOrigin::Rejected(rejection) => {
                (rejection, self.config.allowed_origins_is_wrong())
            }
        };
        // If the rule itself is invalid, report that to the operator instead of rejecting the request by it.
        if rule_is_wrong {
            return Err(Error::Configuration(self.config.problems()));
        }
        let disclose = self.config.disclose_origins();
        Err(Error::Origin {
            rejection,
            allowed: disclose.then(|| self.config.allowed_origins().to_vec()),
        })
    }

    /// Authenticates the caller.
    pub(super) fn caller(&self, environment: &Environment<'_>) -> Result<Caller, Error> {
        let Some(login) = self.config.login().map_err(Error::Configuration)? else {
            return Ok(Caller::Anyone);
        };
        let mut warning = None;
        let caller = login.authenticate(self.headers, environment, &mut warning);
        self.warning.set(warning);
        Ok(caller?)
    }
}
