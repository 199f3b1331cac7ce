//! What an entry that reads bodies first may read of them.

use super::*;

#[test]
fn a_body_is_wanted_where_a_route_reads_it_and_only_as_far_as_it_does() {
    const TOKEN: usize = crate::request::MAX_BODY_BYTES;
    const WEBHOOK: usize = crate::webhook::MAX_BODY_BYTES;
    let good = complete(&[]);
    let all = complete(&[
        ("invitation_secret", SECRET),
        (
            "jaas_webhook_authorization",
            "0123456789abcdef0123456789abcdef",
        ),
    ]);
    let (page, evil) = (("origin", ALLOWED), ("origin", "https://evil.example"));
    for (variables, method, target, headers, limit) in [
        (&good, "POST", TOKEN_PATH, &[][..], Some(TOKEN)),
        (&good, "POST", "/api/jitsi-token?a=b", &[page], Some(TOKEN)),
        (&good, "POST", TOKEN_PATH, &[evil], None),
        (&good, "GET", TOKEN_PATH, &[page], None),
        (&good, "PUT", TOKEN_PATH, &[page], None),
        (&good, "OPTIONS", TOKEN_PATH, &[page], None),
        (&good, "POST", "/api/jitsi-token/", &[page], None),
        (&good, "POST", HEALTH_PATH, &[], None),
        (
            &good,
            "POST",
            TOKEN_PATH,
            &[("content-length", "16384")],
            Some(TOKEN),
        ),
        (
            &good,
            "POST",
            TOKEN_PATH,
            &[("content-length", "16385")],
            None,
        ),
        (
            &good,
            "POST",
            TOKEN_PATH,
            &[("content-length", "no")],
            Some(TOKEN),
        ),
        (&good, "POST", INVITATIONS_PATH, &[], None),
        (&good, "POST", WEBHOOK_PATH, &[], None),
        (&all, "POST", INVITATIONS_PATH, &[page], Some(TOKEN)),
        (&all, "POST", INVITATIONS_PATH, &[evil], None),
        (&all, "DELETE", "/api/invitations/x", &[page], None),
        (&all, "POST", WEBHOOK_PATH, &[evil], Some(WEBHOOK)),
        (&all, "GET", WEBHOOK_PATH, &[], None),
        (
            &all,
            "POST",
            WEBHOOK_PATH,
            &[("content-length", "65537")],
            None,
        ),
    ] {
        let Request {
            method,
            target,
            headers: list,
            ..
        } = request(method, target, headers, "");
        let head = Request {
            method,
            target,
            headers: list,
            body: (),
        };
        let source = source(variables);
        let found = body_limit(&Config::new(&source), &head);
        assert_eq!(found, limit, "{} {} {headers:?}", head.method, head.target);
    }
}

/// Where no body is wanted, the response is the same with and without it.
#[test]
fn a_request_whose_body_is_not_wanted_is_rejected_without_it() {
    let config = complete(&[]);
    let json = ("content-type", "application/json");
    for headers in [
        &[json, ("origin", "https://evil.example")][..],
        &[json, ("content-length", "16385")],
    ] {
        let bodies = ["", "{\"room\":\"a\"}"];
        let [without, with] =
            bodies.map(|body| send(&config, request("POST", TOKEN_PATH, headers, body)).response);
        assert!(without.status >= 400, "{headers:?}");
        assert_eq!((without.status, without.body), (with.status, with.body));
    }
}
