//! What is found in texts.

use super::*;
use crate::pipeline::scrub::rules::Rules;

fn scrubbed(text: &str, kind: Kind) -> String {
    scrub(text, kind, Rules::DEFAULT.root()).unwrap_or_else(|| text.to_owned())
}

fn prose(text: &str) -> String {
    scrubbed(text, Kind::Prose)
}

#[test]
fn assignments_of_every_syntax_are_found() {
    for (text, clean) in [
        ("password=hunter2", "password=[Filtered]"),
        ("/p/?page=2&token=qs-secret&x=1", "/p/?page=2&token=[Filtered]&x=1"),
        ("<WSGIRequest: GET '/p/?token=qs-secret'>", "<WSGIRequest: GET '/p/?token=[Filtered]'>"),
        ("{'password': 'hunter2', 'a': 1}", "{'password': '[Filtered]', 'a': 1}"),
        (r#"{"api_key": "x\"y", "b": 2}"#, r#"{"api_key": "[Filtered]", "b": 2}"#),
        (r#"{\"password\": \"body-5\", \"n\": 1}"#, r#"{\"password\": \"[Filtered]\", \"n\": 1}"#),
        ("{'tokens': ['abc', 'def'], 'b': 2}", "{'tokens': [Filtered], 'b': 2}"),
        ("user%5Bpassword%5D=hunter2&b=1", "user%5Bpassword%5D=[Filtered]&b=1"),
        ("\"secret\"=>\"x y\"", "\"secret\"=>\"[Filtered]\""),
        ("Login(user='ada', password=b'hunter2')", "Login(user='ada', password=b'[Filtered]')"),
        ("password: hunter2", "password: [Filtered]"),
        ("password: hunter", "password: [Filtered]"),
        ("api_key = 12ab34", "api_key = [Filtered]"),
        ("Cookie: a=b; sessionid=x\nHost: h", "Cookie: [Filtered]\nHost: h"),
        ("Authorization: Digest username=ada, x=y", "Authorization: [Filtered]"),
        ("{'password': 'cut in the mid...", "{'password': '[Filtered]"),
        ("'sessionid': abcdef", "'sessionid': [Filtered]"),
    ] {
        assert_eq!(prose(text), clean, "{text}");
    }
}

#[test]
fn prose_and_code_around_the_words_stay() {
    for text in [
        "Unexpected token: expected ')'",
        "password: This field is required.",
        "invalid session: try again",
        "author=ada&discard=1",
        "auth::token::verify(x)",
        "if token == other:",
        "max_tokens=4096, token_count=12",
        "token=None password='' secret=[Filtered] api_key=********",
        "SELECT * FROM auth_user WHERE auth_user.id = 12345",
        "https://example.test:8080/path at 10:30:59",
        "bearer authentication is missing; Basic realm",
        "",
    ] {
        assert_eq!(prose(text), text);
    }
}

#[test]
fn source_lines_lose_only_literals() {
    for (text, clean) in [
        ("    password = \"hunter2\"  # noqa", "    password = \"[Filtered]\"  # noqa"),
        ("password: str = 'hunter2'", "password: str = '[Filtered]'"),
        ("os.environ['API_KEY'] = \"x\"", "os.environ['API_KEY'] = \"[Filtered]\""),
        ("const token = `abc`;", "const token = `[Filtered]`;"),
        ("get(\"/pay/12?token=secret\")", "get(\"/pay/12?token=[Filtered]\")"),
    ] {
        assert_eq!(scrubbed(text, Kind::Source), clean, "{text}");
    }
    for text in [
        "def login(self, token: Optional[str] = None, password=None):",
        "token = get_token(request)",
        "auth=session.auth,",
        "if (token === 'a') {",
    ] {
        assert_eq!(scrubbed(text, Kind::Source), text);
    }
}

#[test]
fn secrets_are_known_by_their_form() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
    for (text, clean) in [
        ("paid with 4111111111111111 today".to_owned(), "paid with [Filtered card number] today"),
        ("4111 1111 1111 1111 12/27".to_owned(), "[Filtered card number] 12/27"),
        ("card 3782-822463-10005.".to_owned(), "card [Filtered card number]."),
        (format!("got {jwt}, ok"), "got [Filtered JWT], ok"),
        (format!("key:\n{pem}\nend"), "key:\n[Filtered private key]\nend"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcut".to_owned(), "[Filtered private key]"),
        ("id AKIAIOSFODNN7EXAMPLE used".to_owned(), "id [Filtered token] used"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ".to_owned(), "[Filtered token]"),
        ("sent Bearer header-secret-3".to_owned(), "sent Bearer [Filtered credentials]"),
        ("Basic YWRtaW46aHVudGVy".to_owned(), "Basic [Filtered credentials]"),
        ("postgres://app:s3cr%40t@db:5432/shop".to_owned(), "postgres://app:[Filtered URL password]@db:5432/shop"),
        ("https://0123456789abcdef0123@github.com/x".to_owned(), "https://[Filtered URL password]@github.com/x"),
        ("dial postgres://app:s3cr%40t...".to_owned(), "dial postgres://app:[Filtered URL password]..."),
        ("dial postgres://app:1234567...".to_owned(), "dial postgres://app:[Filtered URL password]..."),
        ("dialling http://shop.example:8080...".to_owned(), "dialling http://shop.example:8080..."),
        ("dialling http://[2001:db8::1]...".to_owned(), "dialling http://[2001:db8::1]..."),
        ("dialling http://shop.example...".to_owned(), "dialling http://shop.example..."),
    ] {
        assert_eq!(prose(&text), clean, "{text}");
    }
}

#[test]
fn secrets_are_found_wherever_they_stand() {
    for secret in [
        "pwd=x",
        "sid: 'a'",
        "4111111111111111",
        "4111-1111-1111-1111",
        "basic a1b2c3",
        "Bearer a1b2c3",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-0123456789",
        "glpat-0123456789abcdef",
        "SG.0123456789abcdefghij",
        "eyJhbGci.eyJzdWIi",
        "x://a:b@c",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        for len in 0..30 {
            let before = &"so it is in that way "[..len.min(21)];
            let text = format!("{before}{}{secret}", " ".repeat(len - before.len() + 1));
            assert!(holds_secret(&text, Rules::DEFAULT.root()) && holds_secret(&format!("{text} ..."), Rules::DEFAULT.root()), "{text}");
        }
    }
}

#[test]
fn numbers_that_are_no_cards_stay() {
    for text in [
        "4111111111111112",
        "order 1795161739250000000",
        "31092821-5612-4339-8353-589fcb2e04dc",
        "4969880433884845a",
        "a4111111111111111",
        "0.4111111111111111",
        "2026-11-20 08:27:24.605811",
        "99999999999999999999999999999999999999999",
    ] {
        assert_eq!(prose(text), text);
    }
}

#[test]
fn long_secrets_go_to_their_end() {
    for sign in ["=", ": "] {
        assert_eq!(prose(&format!("token{sign}{} end", "abcdefg1".repeat(500))), format!("token{sign}[Filtered] end"));
    }
}

#[test]
fn what_is_hidden_in_an_address_does_not_depend_on_its_length() {
    for filler in [1, 400, 505, 520, 5_000] {
        let text = format!("db://ada:{}@x@{}@host/shop", "p".repeat(filler), "q".repeat(filler));
        assert_eq!(prose(&text), "db://ada:[Filtered URL password]@host/shop", "{filler}");
        let key = format!("db://{}@host/shop", "k1_".repeat(filler + 8));
        assert_eq!(prose(&key), "db://[Filtered URL password]@host/shop", "{filler}");
    }
}

#[test]
fn long_and_hostile_texts_take_no_detours() {
    let nests = "password=(".repeat(20_000);
    assert!(prose(&nests).len() < 100);
    for unit in
        ["=", ":", "1 ", "1-", "-----BEGIN ", "://", "a=", "token", "\\", "é:", "'password':", "eyJ", "eyJ-", "token:", "xoxb-", "bearer "]
    {
        let text = unit.repeat(20_000);
        assert!(prose(&text).len() <= text.len() * 2, "{unit}");
        scrubbed(&text, Kind::Source);
    }
}
