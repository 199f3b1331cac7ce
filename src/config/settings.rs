//! Each stage's settings, read at first use and only once.
#![forbid(unsafe_code)]

use std::cell::OnceCell;

use super::key::{self, Key};
use super::memo::Memo;
use super::metering::Metering;
use super::policy;
use super::reader::{Setting, Source};
use super::variable;
use super::{invitation, login};
use crate::caller;
use crate::cors::{AllowedHeaders, AllowedOrigins};
use crate::policy::DefaultId;
use crate::token::Validity;

pub(super) struct Settings<'a> {
    source: &'a dyn Source,
    pub memo: Option<&'a Memo>,
    allowed_origins: OnceCell<Setting<AllowedOrigins>>,
    allowed_headers: OnceCell<Setting<AllowedHeaders>>,
    disclose_origins: OnceCell<Setting<bool>>,
    require_origin: OnceCell<Setting<bool>>,
    login: OnceCell<Setting<Option<caller::Settings>>>,
    invitation_secret: OnceCell<Setting<Option<String>>>,
    invitations: OnceCell<Setting<Option<crate::invitation::Settings>>>,
    policy: OnceCell<Setting<crate::policy::Settings>>,
    validity: OnceCell<Setting<Validity>>,
    pub metering: Metering<'a>,
    key: OnceCell<Setting<Key>>,
}

impl<'a> Settings<'a> {
    pub const fn new(source: &'a dyn Source, memo: Option<&'a Memo>) -> Self {
        Self {
            source,
            memo,
            allowed_origins: OnceCell::new(),
            allowed_headers: OnceCell::new(),
            disclose_origins: OnceCell::new(),
            require_origin: OnceCell::new(),
            login: OnceCell::new(),
            invitation_secret: OnceCell::new(),
            invitations: OnceCell::new(),
            policy: OnceCell::new(),
            validity: OnceCell::new(),
            metering: Metering::new(source),
            key: OnceCell::new(),
        }
    }

    pub fn allowed_origins(&self) -> &Setting<AllowedOrigins> {
        self.allowed_origins.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let list = reader.text(variable::ALLOWED_ORIGINS).unwrap_or_default();
                let (origins, errors) = AllowedOrigins::parse(&list);
                for error in errors {
                    reader.problem(variable::ALLOWED_ORIGINS, error);
                }
                origins
            })
        })
    }

    pub fn allowed_headers(&self) -> &Setting<AllowedHeaders> {
        self.allowed_headers.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let headers = reader.parsed(variable::ALLOWED_HEADERS, AllowedHeaders::parse);
                headers.unwrap_or_default()
            })
        })
    }

    pub fn disclose_origins(&self) -> &Setting<bool> {
        self.disclose_origins.get_or_init(|| {
            Setting::read(self.source, |r| r.switch(variable::DISCLOSE_ORIGINS, false))
        })
    }

    pub fn require_origin(&self) -> &Setting<bool> {
        self.require_origin.get_or_init(|| {
            Setting::read(self.source, |r| r.switch(variable::REQUIRE_ORIGIN, true))
        })
    }

    pub fn login(&self) -> &Setting<Option<caller::Settings>> {
        self.login.get_or_init(|| {
            let has_invitations = || self.has_invitations();
            Setting::read(self.source, |reader| {
                login::read(reader, self.memo, has_invitations)
            })
        })
    }

    /// Whether `invitation_secret` is set, validly or not.
    pub fn has_invitations(&self) -> bool {
        let secret = &self.invitation_secret().value;
        secret.as_ref().is_none_or(|secret| !secret.is_empty())
    }

    /// Returns the secret of invitations: empty if there are none, `None` if the provider failed.
    pub fn invitation_secret(&self) -> &Setting<Option<String>> {
        self.invitation_secret.get_or_init(|| {
            Setting::read(self.source, |reader| {
                reader.text(variable::INVITATION_SECRET)
            })
        })
    }

    pub fn invitations(&self) -> &Setting<Option<crate::invitation::Settings>> {
        self.invitations.get_or_init(|| {
            Setting::read(self.source, |reader| {
                let secret = self.invitation_secret().value.as_deref();
                invitation::read(reader, secret.unwrap_or_default(), || self.login_state())
            })
        })
    }

    fn login_state(&self) -> invitation::Login<'_> {
        let setting = self.login();
        match &setting.value {
            _ if !setting.problems.is_empty() => invitation::Login::Unread,
            None => invitation::Login::Open,
            Some(login) => invitation::Login::Closed(login),
        }
    }

    pub fn policy(&self) -> &Setting<crate::policy::Settings> {
        self.policy.get_or_init(|| {
            let is_open = || matches!(self.login_state(), invitation::Login::Open);
            Setting::read(self.source, |reader| policy::read(reader, is_open))
        })
    }

    /// Returns the default id of guests who choose none.
    pub fn guest_id(&self) -> Option<&DefaultId> {
        self.policy().value.defaults.user_id.as_ref()
    }

    pub fn validity(&self) -> &Setting<Validity> {
        self.validity.get_or_init(|| {
            Setting::read(self.source, |reader| Validity {
                ttl_seconds: reader.seconds(variable::TOKEN_TTL_SECONDS, 60, 86_400),
                leeway_seconds: reader.seconds(variable::TOKEN_LEEWAY_SECONDS, 0, 300),
            })
        })
    }

    pub fn key(&self) -> &Setting<Key> {
        self.key
            .get_or_init(|| Setting::read(self.source, key::read))
    }
}
