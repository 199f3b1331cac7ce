//! Decides what is granted to whom. [`decide`] is the only place that does.
//!
//! `docs/policy.md` has the same rules as tables, from which the tests are generated.
//!
//! Since November 2024, 8x8 lets members whose token has a feature record, transcribe and dial out, and bills for it. So
//! the features follow from the role, and a request can only reduce them.
#![forbid(unsafe_code)]

use crate::caller::Caller;
use crate::environment::Random;
use crate::features::{FeatureSet, GrantedFeatures};
use crate::invitation::Invitation;
use crate::person::{self, Avatar, Email, Id, Name};
use crate::request::TokenRequest;
use crate::role::Role;
use crate::room;

/// The operator's rules.
#[derive(Debug)]
pub struct Settings {
    /// The values of parameters that a request leaves out.
    pub defaults: Defaults,
    /// The features of moderators.
    pub moderator_features: FeatureSet,
    /// The features of members. Visitors have none.
    pub member_features: FeatureSet,
    /// The rooms that are open; `None` if all are.
    pub allowed_rooms: Option<room::List>,
    /// The open rooms that guests without an invitation may join; `None` if they may join all of them.
    pub guest_rooms: Option<room::List>,
}

impl Settings {
    /// Whether an id is one that guests are assigned.
    #[must_use]
    pub fn is_guest_id(&self, id: &str) -> bool {
        let is_default = |default: &DefaultId| default.could_be(id);
        self.defaults.user_id.as_ref().is_some_and(is_default) || is_default(&DefaultId::invited())
    }

    /// Whether an id identifies nobody, because all guests share it.
    #[must_use]
    pub fn is_shared_id(&self, id: &str) -> bool {
        let default = self.defaults.user_id.as_ref();
        default.is_some_and(|default| !default.is_random() && default.could_be(id))
    }
}

/// The person that a token is for.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// The caller, as the login identifies them.
    Caller(&'a Caller),
    /// The holder of this invitation.
    Invited(&'a Invitation),
}

impl<'a> From<&'a Caller> for Subject<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self::Caller(caller)
    }
}

impl<'a> From<&'a Invitation> for Subject<'a> {
    fn from(invitation: &'a Invitation) -> Self {
        Self::Invited(invitation)
    }
}

/// The values of parameters that a request leaves out. `None` leaves the field out of the token too. Every token has a
/// room, so without a default room the parameter is required.
#[derive(Debug)]
pub struct Defaults {
    /// The room.
    pub room: Option<room::Name>,
    /// The person's id.
    pub user_id: Option<DefaultId>,
    /// The person's display name.
    pub user_name: Option<Name>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// Whether the person is a moderator.
    pub moderator: Option<bool>,
}

/// The default id: a text in which `{random}` is replaced with 128 random bits in hexadecimal.
#[derive(Debug)]
pub struct DefaultId(String);

impl DefaultId {
    const RANDOM: &str = "{random}";
    /// The id of invited persons if the configured default is absent or the same for everybody.
    const INVITED: &str = "guest-{random}";

    /// Parses a default id.
    ///
    /// # Errors
    /// See [`person::Error`].
    pub fn parse(text: &str) -> Result<Self, person::Error> {
        let id = Self(text.to_owned());
        Id::parse(&id.fill([0; 16]))?;
        Ok(id)
    }

    fn invited() -> Self {
        Self(Self::INVITED.to_owned())
    }

    /// Whether every generated id is different.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.0.contains(Self::RANDOM)
    }

    /// Whether an id could have been generated from this text. A random id cannot be guessed, so a caller who sends it has been
    /// assigned it before.
    #[must_use]
    pub fn could_be(&self, id: &str) -> bool {
        let Some(start) = self.0.find(Self::RANDOM) else {
            return id == self.0;
        };
        let bits = id.get(start..start + 32).filter(|hex| is_lower_hex(hex));
        let bits = bits.and_then(|hex| u128::from_str_radix(hex, 16).ok());
        bits.is_some_and(|bits| self.fill(bits.to_be_bytes()) == id)
    }

    fn fill(&self, bits: [u8; 16]) -> String {
        let hex = format!("{:032x}", u128::from_be_bytes(bits));
        self.0.replace(Self::RANDOM, &hex)
    }

    /// Generates an id. Reads random bits only if the text contains `{random}`.
    fn make(&self, random: &mut dyn Random) -> Option<Id> {
        let mut bits = [0; 16];
        if self.is_random() {
            random.fill(&mut bits);
        }
        // This cannot fail: `parse` has checked the text with other bits in the same places.
        Id::parse(&self.fill(bits)).ok()
    }
}

/// Whether a text consists of hexadecimal digits in lower case.
fn is_lower_hex(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.bytes().all(is_digit)
}

/// Why a request is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request names no room, and there is no default.
    #[error("room is missing: say which room, for example room=my-room")]
    RoomMissing,
    /// The person may not join the room.
    #[error("Room not allowed")]
    RoomNotAllowed,
}

/// What one token grants.
#[derive(Debug)]
pub struct Grant {
    /// The room.
    pub room: room::Name,
    /// The person's id.
    pub user_id: Option<Id>,
    /// The person's display name.
    pub user_name: Option<Name>,
    /// The person's picture.
    pub user_avatar: Option<Avatar>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// The role; `None` leaves the claim out, which has the same effect as member.
    pub role: Option<Role>,
    /// Whether recordings should leave the person out.
    pub hidden_from_recorder: Option<bool>,
    /// The features of the role, and which of them are granted.
    pub features: GrantedFeatures,
    /// The latest expiry of the token, in seconds since 1970-01-01 UTC; `None` if only the settings limit it.
    pub not_after: Option<u64>,
}

/// Decides on a request: determines the room, the role, the features and the person, in this order.
///
/// # Errors
/// See [`Error`].
pub fn decide<'a>(
    settings: &Settings,
    subject: impl Into<Subject<'a>>,
    mut request: TokenRequest,
    random: &mut dyn Random,
) -> Result<Grant, Error> {
    let subject = subject.into();
    let room = open_room(settings, subject, request.room.take())?;
    let role = role(settings, subject, request.role);
    // Visitors cannot speak, stream or dial out, so have no features.
    let nothing = FeatureSet::default();
    let role_features = match role {
        Some(Role::Moderator) => &settings.moderator_features,
        Some(Role::Member) | None => &settings.member_features,
        Some(Role::Visitor) => &nothing,
    };
    // Only moderators may hide from recordings.
    let hidden_from_recorder = request
        .hidden_from_recorder
        .filter(|_| role == Some(Role::Moderator));
    let features = GrantedFeatures::new(role_features, request.features.as_ref());
    let (user_id, user_name, user_avatar, user_email) = person(settings, subject, request, random);
    Ok(Grant {
        room,
        user_id,
        user_name,
        user_avatar,
        user_email,
        role,
        hidden_from_recorder,
        features,
        not_after: match subject {
            Subject::Invited(invitation) => Some(invitation.expires_at),
            Subject::Caller(_) => None,
        },
    })
}

/// Whether a person may open all of these rooms to others.
#[must_use]
pub fn may_open(settings: &Settings, subject: Subject<'_>, rooms: &room::List) -> bool {
    lists_for(settings, subject)
        .into_iter()
        .flatten()
        .all(|list| list.covers(rooms))
}

type Person = (Option<Id>, Option<Name>, Option<Avatar>, Option<Email>);

/// Returns the person's id, name, picture and e-mail address. A proven identity overrides the request, which may only supply
/// a name if the credential has none. If there is a login, a caller without one cannot choose an id.
fn person(
    settings: &Settings,
    subject: Subject<'_>,
    request: TokenRequest,
    random: &mut dyn Random,
) -> Person {
    let defaults = &settings.defaults;
    let default_id = defaults.user_id.as_ref();
    let invited = DefaultId::invited();
    let requested_id = request.user_id;
    // A returning guest keeps an id that was generated earlier: it cannot be guessed, and no login assigns it.
    let mut guest_id = |made_by: &DefaultId| {
        let own = requested_id
            .clone()
            .filter(|id| made_by.could_be(id.as_str()));
        own.or_else(|| made_by.make(random))
    };
    let (id, name) = match subject {
        Subject::Caller(Caller::Known(identity)) => {
            let requested_name = request.user_name.filter(|_| identity.name_by_request);
            return (
                Some(identity.id.clone()),
                identity.name.clone().or(requested_name),
                identity.avatar.clone(),
                identity.email.clone(),
            );
        }
        Subject::Caller(Caller::Anyone) => {
            let default = || default_id?.make(random);
            (requested_id.or_else(default), None)
        }
        Subject::Caller(Caller::Guest) => (default_id.and_then(guest_id), None),
        Subject::Invited(invitation) => {
            let id = default_id.filter(|id| id.is_random()).unwrap_or(&invited);
            (guest_id(id), invitation.name.clone())
        }
    };
    let name = request.user_name.or(name);
    (
        id,
        name.or_else(|| defaults.user_name.clone()),
        request.user_avatar,
        request.user_email.or_else(|| defaults.user_email.clone()),
    )
}

/// Returns the role. A proven role can only be lowered, and a guest without an invitation is at most a member.
fn role(settings: &Settings, subject: Subject<'_>, requested: Option<Role>) -> Option<Role> {
    let highest = match subject {
        Subject::Caller(Caller::Anyone) => {
            return requested.or_else(|| settings.defaults.moderator.map(Role::moderator));
        }
        Subject::Caller(Caller::Guest) => Role::Member,
        Subject::Caller(Caller::Known(identity)) => identity.role,
        Subject::Invited(invitation) => invitation.role,
    };
    Some(requested.map_or(highest, |requested| requested.min(highest)))
}

/// Returns the room, requested or default, if it is open and this person may join it.
fn open_room(
    settings: &Settings,
    subject: Subject<'_>,
    requested: Option<room::Name>,
) -> Result<room::Name, Error> {
    let invited_to = || match subject {
        Subject::Invited(invitation) => invitation.room.clone(),
        Subject::Caller(_) => None,
    };
    let room = requested
        .or_else(invited_to)
        .or_else(|| settings.defaults.room.clone())
        .ok_or(Error::RoomMissing)?;
    let mut lists = lists_for(settings, subject).into_iter().flatten();
    if lists.all(|rooms| rooms.contains(&room)) {
        Ok(room)
    } else {
        Err(Error::RoomNotAllowed)
    }
}

/// Returns the lists that must all contain a room: the open rooms, and the rooms that this person may join.
fn lists_for<'a>(settings: &'a Settings, subject: Subject<'a>) -> [Option<&'a room::List>; 2] {
    let own = match subject {
        Subject::Caller(Caller::Anyone) => None,
        Subject::Caller(Caller::Guest) => settings.guest_rooms.as_ref(),
        Subject::Caller(Caller::Known(identity)) => identity.rooms.as_ref(),
        Subject::Invited(invitation) => Some(&invitation.rooms),
    };
    [settings.allowed_rooms.as_ref(), own]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Identity;
    use crate::features::Feature;

    const EVERYTHING: &str = "room=r&user_id=mine&user_name=My+Name&user_email=me%40x.tw&user_avatar=https://x.tw/me&user_hidden_from_recorder=true&user_moderator=true&features=recording";

    fn features(keys: &[&str]) -> FeatureSet {
        keys.iter().copied().filter_map(Feature::from_key).collect()
    }

    fn settings() -> Settings {
        Settings {
            defaults: Defaults {
                room: room::Name::parse("default-room").ok(),
                user_id: DefaultId::parse("user123").ok(),
                user_name: Name::parse("Your User").ok(),
                user_email: Email::parse("user@example.com").ok(),
                moderator: Some(true),
            },
            moderator_features: features(&["recording", "transcription"]),
            member_features: features(&["recording"]),
            allowed_rooms: None,
            guest_rooms: None,
        }
    }

    fn identity(moderator: bool) -> Caller {
        Caller::Known(Identity {
            id: Id::parse("proven").unwrap(),
            name: None,
            name_by_request: false,
            email: Some(Email::parse("proven@x.tw").unwrap()),
            avatar: None,
            role: Role::moderator(moderator),
            rooms: Some(room::List::from_names(["r"])),
        })
    }

    fn decide_on(settings: &Settings, caller: &Caller, query: &str) -> Result<Grant, Error> {
        let request = TokenRequest::from_query(query).unwrap();
        let mut random = |bytes: &mut [u8]| bytes.fill(0xcd);
        decide(settings, caller, request, &mut random)
    }

    fn id(grant: Grant) -> Option<String> {
        grant.user_id.map(Id::into_string)
    }

    #[test]
    fn a_proven_identity_overrides_the_request() {
        let grant = decide_on(&settings(), &identity(true), EVERYTHING).unwrap();
        assert_eq!(grant.user_name, None);
        assert_eq!(grant.user_avatar, None);
        let email = grant.user_email.clone().map(Email::into_string);
        assert_eq!(email.as_deref(), Some("proven@x.tw"));
        assert_eq!(grant.role, Some(Role::Moderator));
        assert_eq!(grant.hidden_from_recorder, Some(true));
        assert_eq!(id(grant).as_deref(), Some("proven"));
    }

    #[test]
    fn a_request_names_only_a_person_whose_credential_has_no_name() {
        for (proven, by_request, query, expected) in [
            (None, true, EVERYTHING, Some("My Name")),
            (None, true, "room=r", None),
            (None, false, EVERYTHING, None),
            (Some("Proven"), true, EVERYTHING, Some("Proven")),
            (Some("Proven"), false, EVERYTHING, Some("Proven")),
        ] {
            let Caller::Known(mut identity) = identity(true) else {
                unreachable!("a known person");
            };
            identity.name = proven.and_then(|name| Name::parse(name).ok());
            identity.name_by_request = by_request;
            let grant = decide_on(&settings(), &Caller::Known(identity), query).unwrap();
            let name = grant.user_name.clone().map(Name::into_string);
            assert_eq!(name.as_deref(), expected, "{proven:?} {by_request} {query}");
            assert_eq!(id(grant).as_deref(), Some("proven"));
        }
    }

    #[test]
    fn a_guest_chooses_no_id_and_no_role() {
        let grant = decide_on(&settings(), &Caller::Guest, EVERYTHING).unwrap();
        let name = grant.user_name.clone().map(Name::into_string);
        assert_eq!(name.as_deref(), Some("My Name"));
        assert!(grant.user_avatar.is_some());
        assert_eq!(grant.role, Some(Role::Member));
        assert_eq!(id(grant).as_deref(), Some("user123"));
    }

    #[test]
    fn only_a_moderator_hides_from_recordings() {
        for (caller, query, hidden) in [
            (&Caller::Anyone, "", Some(true)),
            (&Caller::Anyone, "&user_moderator=false", None),
            (&Caller::Guest, "&user_moderator=true", None),
            (&identity(true), "", Some(true)),
            (&identity(true), "&user_moderator=false", None),
            (&identity(false), "&user_moderator=true", None),
        ] {
            let query = format!("room=r&user_hidden_from_recorder=true{query}");
            let grant = decide_on(&settings(), caller, &query).unwrap();
            assert_eq!(grant.hidden_from_recorder, hidden, "{caller:?} {query}");
        }
    }

    #[test]
    fn a_default_id_can_be_random() {
        for (text, expected) in [
            ("guest-{random}", format!("guest-{}", "cd".repeat(16))),
            ("{random}", "cd".repeat(16)),
            ("{Random}", "{Random}".to_owned()),
        ] {
            let mut settings = settings();
            settings.defaults.user_id = DefaultId::parse(text).ok();
            let grant = decide_on(&settings, &Caller::Guest, "").unwrap();
            assert_eq!(id(grant), Some(expected));
        }
        let padded = |n: usize| DefaultId::parse(&format!("{}{{random}}", "a".repeat(n)));
        assert!(padded(224).is_ok() && padded(225).is_err());
        assert!(DefaultId::parse(&"{random}".repeat(9)).is_err());
    }

    #[test]
    fn a_guest_keeps_an_id_that_was_made_for_guests_and_no_other() {
        let hex = "0123456789abcdef0123456789abcdef";
        let own = format!("guest-{hex}");
        for (template, requested, kept) in [
            ("guest-{random}", own.as_str(), true),
            ("{random}", hex, true),
            ("{random}@{random}", &format!("{hex}@{hex}"), true),
            (
                "{random}@{random}",
                &format!("{hex}@{}", "0".repeat(32)),
                false,
            ),
            ("guest-{random}", hex, false),
            ("guest-{random}", &format!("{own}0"), false),
            ("guest-{random}", &own[..own.len() - 1], false),
            ("guest-{random}", &own.to_uppercase(), false),
            (
                "guest-{random}",
                &format!("guest-{}", hex.to_uppercase()),
                false,
            ),
            ("guest-{random}", &format!("guest-+{}", &hex[1..]), false),
            ("guest-{random}", "guest-會會會會會會會會會會會", false),
            ("guest-{random}", "somebody", false),
            ("user123", "user123", true),
            ("user123", "user124", false),
        ] {
            let mut settings = settings();
            settings.defaults.user_id = DefaultId::parse(template).ok();
            let encoded: String =
                url::form_urlencoded::byte_serialize(requested.as_bytes()).collect();
            let grant = decide_on(&settings, &Caller::Guest, &format!("user_id={encoded}"));
            let id = id(grant.unwrap()).unwrap();
            assert_eq!(id == requested, kept, "{template} {requested}: {id}");
        }
    }

    #[test]
    fn a_fixed_id_reads_no_random_bits() {
        let request = TokenRequest::from_query("").unwrap();
        let mut random = |_: &mut [u8]| panic!("random bits were read");
        assert!(decide(&settings(), &Caller::Guest, request, &mut random).is_ok());
    }

    #[test]
    fn a_role_has_its_own_features() {
        for (caller, query, expected) in [
            (&Caller::Anyone, "", &["recording", "transcription"][..]),
            (&Caller::Anyone, "user_moderator=false", &["recording"]),
            (
                &Caller::Guest,
                "features=recording+transcription",
                &["recording"],
            ),
            (
                &identity(true),
                "room=r&features=transcription",
                &["transcription"],
            ),
            (
                &identity(true),
                "room=r&user_moderator=false",
                &["recording"],
            ),
            (
                &identity(false),
                "room=r&user_moderator=true",
                &["recording"],
            ),
        ] {
            let grant = decide_on(&settings(), caller, query).unwrap();
            let value = serde_json::to_value(&grant.features).unwrap();
            let object = value.as_object().unwrap().iter();
            let granted: Vec<_> = object
                .filter(|(_, v)| **v == true)
                .map(|(k, _)| k)
                .collect();
            assert_eq!(granted, expected, "{caller:?} {query}");
        }
    }

    #[test]
    fn a_room_must_be_open_to_all_and_to_the_person() {
        let mut settings = settings();
        settings.allowed_rooms = room::List::parse("r, s").unwrap();
        for (caller, room, allowed) in [
            (&Caller::Anyone, "r", true),
            (&Caller::Anyone, "s", true),
            (&Caller::Anyone, "t", false),
            (&identity(true), "r", true),
            (&identity(true), "s", false),
        ] {
            let decided = decide_on(&settings, caller, &format!("room={room}"));
            let expected = if allowed {
                Ok(())
            } else {
                Err(Error::RoomNotAllowed)
            };
            assert_eq!(decided.map(|_| ()), expected, "{room}");
        }
    }

    #[test]
    fn a_room_is_required_where_it_has_no_default() {
        let mut settings = settings();
        settings.defaults.room = None;
        let decided = decide_on(&settings, &Caller::Anyone, "");
        assert_eq!(decided.unwrap_err(), Error::RoomMissing);
    }

    fn invitation(room: &str, role: Role, name: Option<&str>) -> Invitation {
        Invitation::for_tests(room, role, name.and_then(|name| Name::parse(name).ok()))
    }

    #[test]
    fn who_is_invited_is_a_guest_with_an_id_of_their_own_in_that_room_and_role() {
        use Role::{Member, Moderator, Visitor};
        for (room, role, query, expected) in [
            ("r", Moderator, "", Ok(("r", Moderator))),
            ("r", Member, "", Ok(("r", Member))),
            ("r", Visitor, "", Ok(("r", Visitor))),
            ("r", Member, "user_moderator=true", Ok(("r", Member))),
            ("r", Visitor, "user_role=moderator", Ok(("r", Visitor))),
            ("r", Moderator, "user_role=visitor", Ok(("r", Visitor))),
            ("r", Moderator, "user_moderator=false", Ok(("r", Member))),
            ("r", Member, "room=R", Ok(("r", Member))),
            ("r", Moderator, "room=s", Err(Error::RoomNotAllowed)),
            ("team-*", Member, "room=team-1", Ok(("team-1", Member))),
            ("team-*", Member, "room=other", Err(Error::RoomNotAllowed)),
            // The default room does not match the pattern.
            ("team-*", Member, "", Err(Error::RoomNotAllowed)),
            ("default-*", Member, "", Ok(("default-room", Member))),
        ] {
            let invitation = invitation(room, role, None);
            let request = TokenRequest::from_query(query).unwrap();
            let mut random = |bytes: &mut [u8]| bytes.fill(0xcd);
            let decided = decide(&settings(), &invitation, request, &mut random);
            let found = decided.map(|grant| (grant.room.into_string(), grant.role));
            let expected = expected.map(|(room, role)| (room.to_owned(), Some(role)));
            assert_eq!(found, expected, "{room} {role:?} {query}");
        }
    }

    #[test]
    fn who_is_invited_has_a_random_id_and_their_own_name_or_the_invitations() {
        let random_id = "cd".repeat(16);
        for (default_id, name, query, id, expected_name) in [
            (
                "user123",
                None,
                "",
                format!("guest-{random_id}"),
                "Your User",
            ),
            (
                "user123",
                Some("Ann"),
                "",
                format!("guest-{random_id}"),
                "Ann",
            ),
            (
                "user123",
                Some("Ann"),
                "user_name=Bob&user_id=boss",
                format!("guest-{random_id}"),
                "Bob",
            ),
            (
                "x-{random}",
                None,
                "user_id=boss",
                format!("x-{random_id}"),
                "Your User",
            ),
        ] {
            let mut settings = settings();
            settings.defaults.user_id = DefaultId::parse(default_id).ok();
            let invitation = invitation("r", Role::Member, name);
            let request = TokenRequest::from_query(query).unwrap();
            let mut random = |bytes: &mut [u8]| bytes.fill(0xcd);
            let grant = decide(&settings, &invitation, request, &mut random).unwrap();
            assert_eq!(grant.not_after, Some(invitation.expires_at));
            let name = grant.user_name.clone().map(Name::into_string);
            assert_eq!(name.as_deref(), Some(expected_name), "{query}");
            assert_eq!(self::id(grant), Some(id), "{query}");
        }
    }

    #[test]
    fn a_role_can_be_lowered_by_everybody_and_raised_where_nobody_logs_in() {
        use Role::{Member, Moderator, Visitor};
        for (caller, role, expected) in [
            (&Caller::Anyone, "visitor", Visitor),
            (&Caller::Anyone, "member", Member),
            (&Caller::Anyone, "moderator", Moderator),
            (&Caller::Guest, "visitor", Visitor),
            (&Caller::Guest, "moderator", Member),
            (&identity(false), "visitor", Visitor),
            (&identity(false), "moderator", Member),
            (&identity(true), "visitor", Visitor),
            (&identity(true), "member", Member),
            (&identity(true), "moderator", Moderator),
        ] {
            let query = format!("room=r&user_role={role}");
            let grant = decide_on(&settings(), caller, &query).unwrap();
            assert_eq!(grant.role, Some(expected), "{caller:?} {role}");
            assert_eq!(grant.not_after, None);
        }
    }

    #[test]
    fn guests_can_have_fewer_rooms_than_others() {
        let mut settings = settings();
        settings.allowed_rooms = room::List::parse("r, lobby, hall").unwrap();
        settings.guest_rooms = room::List::parse("lobby, cellar").unwrap();
        let member = invitation("hall", Role::Member, None);
        for (subject, room, open) in [
            (Subject::from(&Caller::Guest), "lobby", true),
            (Subject::from(&Caller::Guest), "hall", false),
            (Subject::from(&Caller::Guest), "cellar", false),
            (Subject::from(&Caller::Anyone), "hall", true),
            (Subject::from(&identity(false)), "r", true),
            (Subject::from(&member), "hall", true),
        ] {
            let request = TokenRequest::from_query(&format!("room={room}")).unwrap();
            let decided = decide(&settings, subject, request, &mut |_: &mut [u8]| {});
            assert_eq!(decided.is_ok(), open, "{subject:?} {room}");
        }
    }

    #[test]
    fn nobody_opens_more_rooms_to_others_than_to_themselves() {
        let mut settings = settings();
        settings.allowed_rooms = room::List::parse("r, team-*").unwrap();
        let moderator = invitation("team-1", Role::Moderator, None);
        for (subject, rooms, open) in [
            (Subject::from(&Caller::Anyone), "team-*", true),
            (Subject::from(&Caller::Anyone), "*", false),
            (Subject::from(&Caller::Anyone), "other", false),
            (Subject::from(&identity(true)), "r", true),
            (Subject::from(&identity(true)), "team-1", false),
            (Subject::from(&moderator), "team-1", true),
            (Subject::from(&moderator), "team-*", false),
            (Subject::from(&moderator), "r", false),
        ] {
            let rooms = room::List::one(rooms).unwrap();
            assert_eq!(
                may_open(&settings, subject, &rooms),
                open,
                "{subject:?} {rooms:?}"
            );
        }
    }
}
