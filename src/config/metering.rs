//! The variables for 8x8's webhook, room settings and monthly users. Each is read when it is first needed.
#![forbid(unsafe_code)]

use std::cell::OnceCell;

use super::problem::Problem;
use super::reader::{Setting, Source};
use super::usage::{self, Surroundings, Switches};
use super::webhook::{self, Proof};
use crate::policy::DefaultId;
use crate::secret::Secret;
use crate::usage::Settings;
use crate::webhook::RoomSettings;

pub(super) struct Metering<'a> {
    source: &'a dyn Source,
    proof: OnceCell<Setting<Proof>>,
    room_settings: OnceCell<Setting<Option<RoomSettings>>>,
    switches: OnceCell<Setting<Switches>>,
    usage: OnceCell<Setting<Settings>>,
    operator_token: OnceCell<Setting<Option<Secret<String>>>>,
}

impl<'a> Metering<'a> {
    pub const fn new(source: &'a dyn Source) -> Self {
        Self {
            source,
            proof: OnceCell::new(),
            room_settings: OnceCell::new(),
            switches: OnceCell::new(),
            usage: OnceCell::new(),
            operator_token: OnceCell::new(),
        }
    }

    pub fn proof(&self) -> &Setting<Proof> {
        self.proof
            .get_or_init(|| Setting::read(self.source, webhook::read_proof))
    }

    pub fn room_settings(&self) -> &Setting<Option<RoomSettings>> {
        self.room_settings.get_or_init(|| {
            Setting::read(self.source, |reader| {
                webhook::read_room_settings(reader, || self.has_webhook())
            })
        })
    }

    pub fn switches(&self) -> &Setting<Switches> {
        self.switches
            .get_or_init(|| Setting::read(self.source, usage::read_switches))
    }

    /// Reads how users are counted. `guest_id` is the default id of guests who choose none.
    pub fn usage(&self, guest_id: Option<&DefaultId>) -> &Setting<Settings> {
        self.usage.get_or_init(|| {
            let proof = self.proof();
            let surroundings = Surroundings {
                switches: self.switches().value,
                has_signatures: !proof.value.secrets.is_empty() || !proof.problems.is_empty(),
                has_random_ids: guest_id.is_some_and(DefaultId::is_random),
            };
            Setting::read(self.source, |reader| usage::read(reader, &surroundings))
        })
    }

    pub fn operator_token(&self) -> &Setting<Option<Secret<String>>> {
        self.operator_token
            .get_or_init(|| Setting::read(self.source, usage::read_operator_token))
    }

    /// Whether the webhook's route exists: its variables are set, validly or not.
    pub fn has_webhook(&self) -> bool {
        let proof = self.proof();
        proof.value.is_set() || !proof.problems.is_empty()
    }

    /// Whether the operator's route exists: its variable is set, validly or not.
    pub fn has_operator(&self) -> bool {
        let token = self.operator_token();
        token.value.is_some() || !token.problems.is_empty()
    }

    /// Returns the problems that prevent tokens from being issued.
    pub fn problems_of_tokens(&self, guest_id: Option<&DefaultId>) -> Vec<Problem> {
        let is_on = self.switches().value.is_on();
        let mut problems = self.room_settings().problems.clone();
        problems.extend_from_slice(&self.switches().problems);
        if is_on {
            problems.extend_from_slice(&self.usage(guest_id).problems);
        }
        problems
    }

    /// Returns the remaining problems, which affect only routes other than the token route.
    pub fn problems_of_routes(&self, guest_id: Option<&DefaultId>) -> Vec<Problem> {
        let mut problems = self.proof().problems.clone();
        problems.extend_from_slice(&self.operator_token().problems);
        if !self.switches().value.is_on() {
            problems.extend_from_slice(&self.usage(guest_id).problems);
        }
        problems
    }
}
