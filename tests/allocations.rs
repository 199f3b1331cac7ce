//! The allocations for a query: unknown names are skipped without a copy, however many a caller sends.

use allocation_counter::measure;
use jaas_jwt::request::TokenRequest;

#[test]
fn a_query_is_copied_only_where_a_known_value_is_encoded() {
    let queries = [
        "&".repeat(60_000),
        "=&".repeat(30_000),
        "x=1&".repeat(15_000),
        "x=%41+%ff&".repeat(6_000),
        "%78=1&".repeat(10_000),
        "%72oo=+&".repeat(7_500),
        "user_moderator=false&".repeat(3_000),
        format!("{}=1", "%72".repeat(20_000)),
    ];
    for query in queries {
        let counted = measure(|| {
            TokenRequest::from_query(&query).expect("nothing wrong");
        });
        assert_eq!(counted.count_total, 0, "{query:.20}");
    }
    // The counter works.
    let counted = measure(|| {
        TokenRequest::from_query("user_name=a+b").expect("nothing wrong");
    });
    assert!((1..10).contains(&counted.count_total));
}
