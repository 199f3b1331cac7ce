//! What is granted to whom: [`decide`], in one place and in one order.
//!
//! `docs/policy.md` has the same as a table, from which the tests are generated.
//!
//! Since November 2024 8x8 lets a member whose token has a feature record, transcribe and dial out, and bills it. So
//! features follow from the role, and a request can only ask for fewer.
#![forbid(unsafe_code)]

use crate::caller::Caller;
use crate::config::Config;
use crate::error::Error;
use crate::features::GrantedFeatures;
use crate::parameters::name;
use crate::room::RoomName;
use crate::token_request::{Avatar, Email, PersonalText, TokenRequest};

/// What one token grants.
#[derive(Debug)]
pub struct Grant {
    /// The one room.
    pub room: RoomName,
    /// The person's id.
    pub user_id: Option<PersonalText>,
    /// The person's display name.
    pub user_name: Option<PersonalText>,
    /// The person's picture.
    pub user_avatar: Option<Avatar>,
    /// The person's e-mail address.
    pub user_email: Option<Email>,
    /// The role; `None` leaves the claim out, which is the same as not being a moderator.
    pub moderator: Option<bool>,
    /// Whether recordings leave the person out.
    pub hidden_from_recorder: Option<bool>,
    /// What the role may do in the meeting.
    pub features: GrantedFeatures,
}

/// Decides on a request. `random` gives 128 random bits, for ids that are made up.
///
/// # Errors
/// 400 where no room is named and none is the default; 403 for a room that is not open to the caller.
pub fn decide(
    config: &Config,
    caller: &Caller,
    request: TokenRequest,
    random: &mut dyn FnMut() -> [u8; 16],
) -> Result<Grant, Error> {
    let defaults = &config.defaults;

    // 1. The room: named or default, open to everybody, open to this person.
    let room = request
        .room
        .or_else(|| defaults.room.clone())
        .ok_or_else(|| Error::Parameter {
            name: name::ROOM,
            problem: "is missing: say which room, for example room=my-room".into(),
        })?;
    let for_all = config.allowed_rooms.as_ref();
    let for_caller = match caller {
        Caller::Known(identity) => identity.rooms.as_ref(),
        Caller::Anyone | Caller::Guest => None,
    };
    if [for_all, for_caller]
        .into_iter()
        .flatten()
        .any(|rooms| !rooms.contains(&room))
    {
        return Err(Error::RoomNotAllowed);
    }

    // 2. The person: who is proven is not asked, and who is not proven cannot take an id.
    let mut default_id = || defaults.user_id.as_ref().map(|id| id.make(random));
    let (user_id, user_name, user_avatar, user_email) = match caller {
        Caller::Known(identity) => (
            Some(identity.id.clone()),
            identity.name.clone(),
            identity.avatar.clone(),
            identity.email.clone(),
        ),
        Caller::Anyone | Caller::Guest => (
            match caller {
                Caller::Anyone => request.user_id.or_else(default_id),
                _ => default_id(),
            },
            request.user_name.or_else(|| defaults.user_name.clone()),
            request.user_avatar,
            request.user_email.or_else(|| defaults.user_email.clone()),
        ),
    };

    // 3. The role: what is proven can only be lowered, and a guest has none.
    let moderator = match caller {
        Caller::Anyone => request.moderator.or(defaults.moderator),
        Caller::Guest => Some(false),
        Caller::Known(identity) => Some(identity.moderator && request.moderator != Some(false)),
    };

    // 4. The features: those of the role, fewer where the request asks for fewer.
    let role = if moderator == Some(true) {
        &config.moderator_features
    } else {
        &config.member_features
    };
    Ok(Grant {
        room,
        user_id,
        user_name,
        user_avatar,
        user_email,
        moderator,
        hidden_from_recorder: request.hidden_from_recorder,
        features: GrantedFeatures::new(role, request.features.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Identity;
    use crate::config::tests::config_with;
    use crate::parameters::Parameters;
    use crate::room::RoomList;

    const EVERYTHING: &str = "room=r&user_id=mine&user_name=My+Name&user_email=me%40x.tw&user_avatar=https://x.tw/me&user_hidden_from_recorder=true&user_moderator=true&features=recording";

    fn identity(moderator: bool) -> Caller {
        Caller::Known(Identity {
            id: PersonalText::parse("proven").unwrap(),
            name: None,
            email: Some(Email::parse("proven@x.tw").unwrap()),
            avatar: None,
            moderator,
            rooms: Some(RoomList::from_names(["r"])),
        })
    }

    fn decide_on(variables: &[(&str, &str)], caller: &Caller, query: &str) -> Result<Grant, Error> {
        let request = TokenRequest::read(&Parameters::from_form(query)).unwrap();
        decide(&config_with(variables), caller, request, &mut || [0xcd; 16])
    }

    fn id(grant: Grant) -> Option<String> {
        grant.user_id.map(PersonalText::into_string)
    }

    #[test]
    fn who_is_proven_is_not_asked() {
        let grant = decide_on(&[], &identity(true), EVERYTHING).unwrap();
        assert_eq!(grant.user_name, None);
        assert_eq!(grant.user_avatar, None);
        assert_eq!(
            grant.user_email.clone().unwrap().into_string(),
            "proven@x.tw"
        );
        assert_eq!(grant.moderator, Some(true));
        assert_eq!(grant.hidden_from_recorder, Some(true));
        assert_eq!(id(grant).as_deref(), Some("proven"));
    }

    #[test]
    fn a_guest_chooses_no_id_and_no_role() {
        let grant = decide_on(&[], &Caller::Guest, EVERYTHING).unwrap();
        assert_eq!(grant.user_name.clone().unwrap().into_string(), "My Name");
        assert!(grant.user_avatar.is_some());
        assert_eq!(grant.moderator, Some(false));
        assert_eq!(id(grant).as_deref(), Some("user123"));
        let variables = [("default_user_id", "guest-{random}")];
        let grant = decide_on(&variables, &Caller::Guest, EVERYTHING).unwrap();
        assert_eq!(id(grant), Some(format!("guest-{}", "cd".repeat(16))));
    }

    #[test]
    fn a_role_has_its_own_features() {
        let variables = [
            ("moderator_features", "recording transcription"),
            ("member_features", "recording"),
        ];
        let features = |caller: &Caller, query: &str| {
            let grant = decide_on(&variables, caller, query).unwrap();
            let value = serde_json::to_value(&grant.features).unwrap();
            let on = value
                .as_object()
                .unwrap()
                .iter()
                .filter(|(_, v)| **v == true);
            on.map(|(key, _)| key.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(features(&Caller::Anyone, ""), "recording transcription");
        assert_eq!(
            features(&Caller::Anyone, "user_moderator=false"),
            "recording"
        );
        assert_eq!(
            features(&Caller::Guest, "features=recording+transcription"),
            "recording"
        );
        assert_eq!(
            features(&identity(true), "room=r&features=transcription"),
            "transcription"
        );
        assert_eq!(
            features(&identity(true), "room=r&user_moderator=false"),
            "recording"
        );
        assert_eq!(
            features(&identity(false), "room=r&user_moderator=true"),
            "recording"
        );
    }

    #[test]
    fn a_room_must_be_open_to_all_and_to_the_person() {
        let open = [("allowed_rooms", "r, s")];
        for (caller, room, allowed) in [
            (&Caller::Anyone, "r", true),
            (&Caller::Anyone, "s", true),
            (&Caller::Anyone, "t", false),
            (&identity(true), "r", true),
            (&identity(true), "s", false),
        ] {
            let decided = decide_on(&open, caller, &format!("room={room}"));
            assert_eq!(decided.is_ok(), allowed, "{room}");
            if let Err(error) = decided {
                assert_eq!(error, Error::RoomNotAllowed);
            }
        }
    }

    #[test]
    fn a_room_is_required_where_it_has_no_default() {
        let error = decide_on(&[("default_room", "")], &Caller::Anyone, "").unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(error.message().starts_with("room is missing"));
    }
}
