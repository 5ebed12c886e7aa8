//! Which events a filter knows.

use super::*;

fn filters(filter: Filter, text: &str) -> Filters {
    let mut chosen = Chosen::default();
    match filter.has_patterns() {
        true => chosen.read(filter, text).unwrap(),
        false => chosen.on.push(filter),
    }
    Filters::of(&chosen)
}

fn facts() -> Facts<'static> {
    Facts {
        failures: vec![("KeyError", "'x'"), ("ConnectionError", "timed out")],
        release: "shop@1.2.3-dev",
        environment: "staging",
        logger: "django.security",
        urls: vec!["https://shop.example/cart?x=1"],
        transaction: "/cart/",
        user_agent: "Mozilla/5.0 Chrome/156.0",
        browser: ("Chrome", "156.0"),
        address: "203.0.113.7",
        remote: "198.51.100.1",
        sender: "2001:db8::5",
    }
}

#[test]
fn each_filter_knows_its_own() {
    for (filter, text, is) in [
        (Filter::Message, "ConnectionError", true),
        (Filter::Message, "*timed out", true),
        (Filter::Message, "keyerror: *", true),
        (Filter::Message, "TimeoutError", false),
        (Filter::Release, "*-dev", true),
        (Filter::Release, "shop@2*", false),
        (Filter::Environment, "prod*\nstag*", true),
        (Filter::Logger, "django.*", true),
        (Filter::Url, "https://shop.example/cart*", true),
        (Filter::Url, "/cart", false),
        (Filter::Address, "203.0.113.0/24", true),
        (Filter::Address, "198.51.100.0/30", true),
        (Filter::Address, "2001:db8::/32", true),
        (Filter::Address, "203.0.113.8", false),
        (Filter::LegacyBrowser, "", false),
        (Filter::Crawler, "", false),
        (Filter::Localhost, "", false),
        (Filter::HealthCheck, "", false),
    ] {
        let known = filters(filter, text).decide(&facts());
        assert_eq!(known, is.then_some(filter), "{text}");
    }
    assert!(!Filters::NONE.is_any() && Filters::NONE.decide(&facts()).is_none());
    assert!(!Filters::of(&Chosen::default()).is_any());
}

#[test]
fn nothing_is_known_of_what_was_not_sent() {
    for filter in Filter::ALL {
        let text = if filter == Filter::Address { "0.0.0.0/0" } else { "*a*\nb?" };
        assert_eq!(filters(filter, text).decide(&Facts::default()), None, "{filter:?}");
    }
}

#[test]
fn own_machines_and_health_checks_are_known_by_their_addresses() {
    let with = |filter, url| filters(filter, "").decide(&Facts { urls: vec![url], ..Facts::default() }).is_some();
    for url in ["http://localhost:8000/x", "http://127.0.0.1/", "http://[::1]:80/", "https://u:p@shop.localhost/x"] {
        assert!(with(Filter::Localhost, url), "{url}");
    }
    for url in ["http://localhost.example/", "https://shop.example/localhost", "/localhost", "http://10.0.0.1/"] {
        assert!(!with(Filter::Localhost, url), "{url}");
    }
    for url in ["https://x.test/healthz", "https://x.test/api/health/?full=1", "http://x.test/ping", "https://x.test/up"] {
        assert!(with(Filter::HealthCheck, url), "{url}");
    }
    for url in ["https://x.test/health-insurance", "https://x.test/sign/up", "https://x.test/", "https://ping/"] {
        assert!(!with(Filter::HealthCheck, url), "{url}");
    }
    let of = |transaction| filters(Filter::HealthCheck, "").decide(&Facts { transaction, ..Facts::default() }).is_some();
    assert!(of("GET /healthz") && of("/api/livez/") && !of("shop.views.health") && !of("/cart"));
    let known = filters(Filter::Localhost, "").decide(&Facts { address: "::ffff:127.0.0.1", ..Facts::default() });
    assert_eq!(known, Some(Filter::Localhost));
}

#[test]
fn what_is_wrong_is_said_by_line() {
    let mut chosen = Chosen::default();
    let lines = |faults: Result<(), Vec<BadLine>>| faults.unwrap_err().iter().map(|fault| fault.line).collect::<Vec<_>>();
    assert_eq!(lines(chosen.read(Filter::Message, "ok\n**\n\n?")), [2, 4]);
    assert_eq!(lines(chosen.read(Filter::Address, "10.0.0.0/8\n10.0.0.0/40\nlocalhost\n::1")), [2, 3]);
    assert_eq!(lines(chosen.read(Filter::Url, &"x".repeat(201))), [1]);
    assert_eq!(chosen, Chosen::default(), "nothing of it is taken");
    chosen.read(Filter::Address, " 10.0.0.1 \n10.0.0.1\n").unwrap();
    assert_eq!(chosen.patterns_of(Filter::Address), ["10.0.0.1"]);
}
