use icu_normalizer::ComposingNormalizerBorrowed;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

use super::{Error, List, ListError, MAX_CLAIM_BYTES, Name};
use crate::text::NamesNothing;

fn claim(text: &str) -> Result<String, Error> {
    Name::parse(text).map(Name::into_string)
}

#[test]
fn a_room_is_named_as_the_jitsi_client_names_it() {
    for (text, expected) in [
        ("default-room", "default-room"),
        ("My-Room", "my-room"),
        ("my room", "my%20room"),
        ("公民會議", "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0"),
        ("Ａ１", "a1"),
        ("①", "1"),
        ("ﬁne", "fine"),
        ("e\u{301}", "%c3%a9"),
        ("É", "%c3%a9"),
        ("ΟΔΟΣ", "%ce%bf%ce%b4%ce%bf%cf%82"),
        ("İ", "i%cc%87"),
        ("Straße", "stra%c3%9fe"),
        ("a.b_c~d-e", "a.b_c~d-e"),
        ("a\"b<c>d", "a%22b%3cc%3ed"),
        ("a{b}|`", "a%7bb%7d%7c%60"),
        ("...", "..."),
        ("😀", "%f0%9f%98%80"),
        ("\u{202e}abc", "%e2%80%aeabc"),
        ("a\u{200b}", "a%e2%80%8b"),
    ] {
        assert_eq!(claim(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_the_client_removes_is_removed_before_decoding() {
    for (text, expected) in [
        ("Q&A: it's on!", "qa%20its%20on"),
        ("a,b;c=d@e", "abcde"),
        ("Meeting (2)", "meeting%202"),
        ("[abc]", "abc"),
        ("room$", "room"),
        ("a+b", "ab"),
        // Removing the characters first creates another escape.
        ("%2!0a%(41", "%20aa"),
        // Encoded twice, so one encoding is kept.
        ("Q%26A", "q%26a"),
        (
            "Q%2526A",
            "must not contain %: name one room, not a pattern",
        ),
        ("a%3Ab%40c%2Cd%3Be%3Df", "a%3ab%40c%2cd%3be%3df"),
        ("a%21b%28c%29", "a!b(c)"),
        ("%5Ba%5D%24%2B", "%5ba%5d%24%2b"),
        ("a%23b%3Fc", "a%23b%3fc"),
        ("%E5%85%AC", "%e5%85%ac"),
        ("my%20room", "my%20room"),
        // Full-width characters are encoded in the URL, so the client keeps them; NFKC then converts them to plain ones.
        (
            "公民會議（二）",
            "%e5%85%ac%e6%b0%91%e6%9c%83%e8%ad%b0(%e4%ba%8c)",
        ),
        ("好！嗎？", "%e5%a5%bd!%e5%97%8e%3f"),
        ("１００％", "100%25"),
    ] {
        let found = claim(text).unwrap_or_else(|error| error.to_string());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_normalised_name_stays_as_it_is() {
    for text in ["My Room", "公民會議", "Straße", "a.b", "Q%26A"] {
        let once = Name::parse(text).unwrap();
        let again = Name::parse(&once.clone().into_string());
        assert_eq!(again, Ok(once), "{text}");
    }
}

#[test]
fn what_is_not_one_room_is_an_error() {
    use Error::{
        Apostrophe, ControlCharacter, Dots, Empty, EndsName, EveryRoom, PatternCharacter,
        ReplacementCharacter, Slash,
    };
    for (text, error) in [
        ("*", EveryRoom),
        ("a*", EveryRoom),
        ("＊", EveryRoom),
        ("﹡", EveryRoom),
        ("%2A", EveryRoom),
        ("%2!A", EveryRoom),
        ("%EF%BC%8A", EveryRoom),
        ("a#b", EndsName('#')),
        ("a?b", EndsName('?')),
        ("?", EndsName('?')),
        ("^room$", PatternCharacter('^')),
        ("%5E", PatternCharacter('^')),
        ("room%d", PatternCharacter('%')),
        ("100%", PatternCharacter('%')),
        ("%252A", PatternCharacter('%')),
        ("%25252A", PatternCharacter('%')),
        ("%ff", PatternCharacter('%')),
        ("a/b", Slash),
        ("a%2Fb", Slash),
        ("a\\b", Slash),
        ("a%5Cb", Slash),
        ("it%27s", Apostrophe),
        ("it＇s", Apostrophe),
        ("a\u{fffd}", ReplacementCharacter),
        ("a%EF%BF%BD", ReplacementCharacter),
        ("a\0b", ControlCharacter),
        ("a\tb", ControlCharacter),
        ("a\nb", ControlCharacter),
        ("a%0Ab", ControlCharacter),
        ("a\u{7f}b", ControlCharacter),
        ("a\u{85}b", ControlCharacter),
        ("a\u{ffff}b", ControlCharacter),
        (".", Dots),
        ("..", Dots),
        ("．", Dots),
        ("%2E", Dots),
        ("!.!", Dots),
        ("", Empty),
        ("!!!", Empty),
        ("& &", Empty),
        ("()", Empty),
        ("%20", Empty),
        ("\u{200b}", Empty),
        ("\u{202e}\u{2066}", Empty),
        ("\u{3164}", Empty),
        ("!\u{ad}", Empty),
    ] {
        assert_eq!(claim(text), Err(error), "{text}");
    }
}

#[test]
fn a_name_has_at_most_128_characters_not_bytes() {
    for c in ["a", "é"] {
        assert!(claim(&c.repeat(128)).is_ok(), "{c}");
        assert_eq!(claim(&c.repeat(129)), Err(Error::TooLong), "{c}");
    }
    assert_eq!(claim(&"a%20".repeat(65)), Err(Error::TooLong));
    assert_eq!(claim(&"會".repeat(129)), Err(Error::TooLong));
}

#[test]
fn the_address_of_the_room_is_shorter_than_1023_bytes() {
    let app_id = format!("vpaas-magic-cookie-{}", "0".repeat(32));
    for (text, good) in [
        ("會".repeat(107), true),
        ("會".repeat(108), false),
        ("會".repeat(128), false),
        (format!("{}{}", "會".repeat(107), "a".repeat(6)), true),
        (format!("{}{}", "會".repeat(107), "a".repeat(7)), false),
        ("😀".repeat(80), true),
        ("😀".repeat(81), false),
        // A few characters that NFKC expands to many.
        ("ﷺ".repeat(20), false),
    ] {
        let claim = claim(&text);
        let expected = if good {
            Ok(())
        } else {
            Err(Error::TooLongEncoded)
        };
        assert_eq!(
            claim.as_ref().map(|_| ()),
            expected.as_ref().map(|_| ()),
            "{text}"
        );
        if let Ok(claim) = claim {
            assert!(format!("[{app_id}]{claim}").len() < 1_023);
        }
    }
    assert_eq!(MAX_CLAIM_BYTES, 969);
    assert_eq!(
        Error::TooLongEncoded.to_string(),
        "is too long after encoding: at most 969 bytes, which are about 107 Chinese characters"
    );
}

#[test]
fn a_list_of_rooms_matches_names_after_normalisation() {
    let list = List::parse("vTaiwan, Meetup-*\n公民*會議, *-open, a*b*c, my room, Team (1)")
        .unwrap()
        .unwrap();
    for (room, listed) in [
        ("vtaiwan", true),
        ("VTAIWAN", true),
        ("vtaiwan2", false),
        ("meetup-", true),
        ("meetup-7", true),
        ("xmeetup-7", false),
        ("公民會議", true),
        ("公民大會議", true),
        ("%E5%85%AC民會議", true),
        ("公民大會", false),
        ("town-open", true),
        ("abc", true),
        ("a-b-b-c", true),
        ("acb", false),
        ("ab", false),
        ("My Room", true),
        ("myroom", false),
        ("team 1", true),
        ("team%20%281%29", false),
    ] {
        let name = Name::parse(room).unwrap();
        assert_eq!(list.contains(&name), listed, "{room}");
    }
}

#[test]
fn a_star_never_stands_for_a_part_of_a_percent_escape() {
    for (pattern, room) in [
        ("team*2024", "team 24"),
        ("team*20", "team "),
        ("*9", "é"),
        ("*a9", "é"),
        ("a*c3*", "aé"),
        ("x*2*", "x y"),
    ] {
        let name = Name::parse(room).unwrap();
        assert!(
            !List::from_names([pattern]).contains(&name),
            "{pattern}: {room}"
        );
    }
}

#[test]
fn overlapping_parts_do_not_match_twice() {
    for (pattern, room, listed) in [
        ("ab*ba", "aba", false),
        ("ab*ba", "abba", true),
        ("a*ab*b", "aab", false),
        ("a*ab*b", "aabb", true),
    ] {
        let name = Name::parse(room).unwrap();
        assert_eq!(List::from_names([pattern]).contains(&name), listed);
    }
}

#[test]
fn a_star_alone_lists_every_room_and_nothing_lists_none() {
    let any = Name::parse("any").unwrap();
    assert!(List::from_names(["*"]).contains(&any));
    assert!(!List::from_names([]).contains(&any));
    assert!(!List::from_names(["a/b", "x\0", "", "!", "!*", "*!"]).contains(&any));
    assert_eq!(List::parse(""), Ok(None));
    assert_eq!(List::parse(" \n "), Ok(None));
}

#[test]
fn an_entry_that_no_room_can_have_is_named_by_its_place() {
    let entry = |place, problem| Err(ListError::Entry { place, problem });
    for (text, expected) in [
        ("a, b/c", entry(2, Error::Slash)),
        ("a\nb\n.", entry(3, Error::Dots)),
        (r#"["a*", "%2A"]"#, entry(2, Error::EncodedStar)),
        ("!*", entry(1, Error::Empty)),
        ("a%2*", entry(1, Error::PatternCharacter('%'))),
        (",", Err(ListError::NamesNothing(NamesNothing))),
        ("[]", Err(ListError::NamesNothing(NamesNothing))),
    ] {
        assert_eq!(List::parse(text), expected, "{text}");
    }
    assert_eq!(
        List::parse("%2A").unwrap_err().to_string(),
        "entry 1 has a * in percent-encoding or full width, which does not stand for any text: \
         write a plain *; write names separated by commas, with * for any text in a name."
    );
    assert_eq!(
        List::parse("a, b/c").unwrap_err().to_string(),
        "entry 2 must not contain / or \\: give the room's name without App ID or path; \
         write names separated by commas, with * for any text in a name."
    );
}

/// Whether a text matches a pattern, character by character.
fn matches(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => {
            matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..]))
        }
        ([c, rest @ ..], [d, behind @ ..]) => c == d && matches(rest, behind),
        (_, []) => false,
    }
}

/// Texts that often match each other: they use few characters, among them those of percent escapes.
fn text(most: usize, stars: bool) -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        Just("a"),
        Just("E"),
        Just("2"),
        Just("0"),
        Just("5"),
        Just("9"),
        Just(" "),
        Just("é"),
        Just("e\u{301}"),
        Just("會"),
        Just("Ａ"),
        Just("（"),
        Just("％"),
        Just("ß"),
    ];
    let letter = if stars {
        prop_oneof![2 => letter, 1 => Just("*")].boxed()
    } else {
        letter.boxed()
    };
    proptest::collection::vec(letter, 1..most).prop_map(|letters| letters.concat())
}

fn percent_encoded(text: &str) -> String {
    let parts = text
        .split('*')
        .map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string());
    parts.collect::<Vec<_>>().join("*")
}

proptest! {
    #[test]
    fn lists_match_decoded_text(name in text(8, false), pattern in text(8, true), encoded: bool) {
        let room = Name::parse(&name);
        proptest::prop_assume!(room.is_ok());
        let room = room.unwrap();
        let pattern = pattern.trim();
        // The room as its claim writes it.
        let claim = room.clone().into_string();
        let decoded = percent_decode_str(&claim).decode_utf8().unwrap();
        let decoded: Vec<char> = decoded.chars().collect();
        let written = if encoded { percent_encoded(pattern) } else { pattern.to_owned() };
        let normal = ComposingNormalizerBorrowed::new_nfkc().normalize(pattern).to_lowercase();
        let normal: Vec<char> = normal.chars().collect();
        let expected = matches(&normal, &decoded);
        assert_eq!(List::from_names([written.as_str()]).contains(&room), expected, "{written}");
    }

    #[test]
    fn a_name_is_listed_by_itself(text in any::<String>()) {
        if let Ok(room) = Name::parse(text.trim()) {
            assert!(List::from_names([text.as_str()]).contains(&room));
        }
    }
}

#[test]
fn a_list_covers_the_rooms_that_are_surely_its_own() {
    for (list, other, covered) in [
        ("team-1", "team-1", true),
        ("team-1", "TEAM-1", true),
        ("team-1", "team-2", false),
        ("team-*", "team-1", true),
        ("team-*", "team-*", true),
        ("team-*", "team-a*z", true),
        ("team-*", "*", false),
        ("team-*", "*team-1", false),
        ("team-1", "team-*", false),
        ("*", "a*b*c", true),
        ("a*c", "a*b*c", true),
        ("a*b*c", "a*c", false),
        ("a*b*c", "a*b*b*c", true),
        ("a, team-*", "team-9", true),
        ("公民*", "公民會議", true),
    ] {
        let list = List::parse(list).unwrap().unwrap();
        let other = List::one(other).unwrap();
        assert_eq!(list.covers(&other), covered, "{list:?} {other:?}");
    }
    assert!(List::one("a/b").is_err() && List::one("!*").is_err());
}
