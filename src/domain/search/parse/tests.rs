//! Searches as people type them.

use time::macros::datetime;

use super::super::suggest::unknown_key;
use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-20 09:41 UTC);

fn tests_of(text: &str) -> Vec<(bool, Test)> {
    parse(text, NOW).expect("understood").terms.into_iter().map(|term| (term.negated, term.test)).collect()
}

fn one(text: &str) -> Test {
    let mut tests = tests_of(text);
    assert_eq!(tests.len(), 1, "{text}");
    tests.remove(0).1
}

fn problem(text: &str) -> Problem {
    parse(text, NOW).expect_err("a problem")
}

fn patterns(values: &[&str]) -> Vec<Pattern> {
    values.iter().map(|value| Pattern::new(value)).collect()
}

#[test]
fn pairs_and_words_come_in_any_order() {
    let tests = tests_of("timeout is:unresolved !environment:staging release:[1.0, 1.1]  \"two words\"");
    assert_eq!(
        tests,
        [
            (false, Test::Text(Pattern::new("timeout"))),
            (false, Test::Is(vec![State::Status(Status::Unresolved)])),
            (true, Test::Environment(patterns(&["staging"]))),
            (false, Test::Release(patterns(&["1.0", "1.1"]))),
            (false, Test::Text(Pattern::new("two words"))),
        ]
    );
}

#[test]
fn a_pasted_title_and_a_pasted_address_are_words() {
    let words = |text| tests_of(text).into_iter().map(|(_, test)| test).collect::<Vec<_>>();
    assert_eq!(words("ValueError: bad"), [Test::Text(Pattern::new("ValueError")), Test::Text(Pattern::new("bad"))]);
    assert_eq!(words("https://shop.example/x"), [Test::Text(Pattern::new("https://shop.example/x"))]);
    assert_eq!(words("!"), [Test::Text(Pattern::new("!"))]);
}

#[test]
fn comparisons_cover_levels_numbers_and_times() {
    assert_eq!(one("level:>=error"), Test::Level(vec![Level::Fatal, Level::Error]));
    assert_eq!(one("events:>100"), Test::Count(Counted::Events, Some(101), None));
    assert_eq!(one("times_seen:<=9"), Test::Count(Counted::Events, None, Some(9)));
    assert_eq!(one("users:0"), Test::Count(Counted::Users, Some(0), Some(0)));
    assert_eq!(one("first:<24h"), Test::Seen(Seen::First, Some(datetime!(2026-11-19 09:41 UTC)), None));
    assert_eq!(one("last:+7d"), Test::Seen(Seen::Last, None, Some(datetime!(2026-11-13 09:41 UTC))));
    let day = Test::Seen(Seen::First, Some(datetime!(2026-11-18 0:00 UTC)), Some(datetime!(2026-11-19 0:00 UTC)));
    assert_eq!(one("first:2026-11-18"), day);
    assert_eq!(one("last:>2026-11-18"), Test::Seen(Seen::Last, Some(datetime!(2026-11-19 0:00 UTC)), None));
}

#[test]
fn other_keys_are_tags_and_stars_stand_for_anything() {
    let Test::Tag(key, values) = one("browser:\"Mobile Safari*\"") else { panic!("a tag") };
    assert_eq!((key.as_str(), values[0].like().as_str(), values[0].exact()), ("browser", "Mobile Safari%", None));
    assert_eq!(Pattern::new("100%_\\").like(), "100\\%\\_\\\\");
}

#[test]
fn what_is_not_understood_is_said() {
    assert_eq!(problem("level:high").message, "There is no level “high”. Levels are fatal, error, warning, info and debug.");
    assert!(problem("is:urgent").message.starts_with("An issue is never “urgent”."));
    assert_eq!(problem("environment: x").message, "“environment:” needs a value.");
    assert!(problem("events:many").message.contains("not a number"));
    assert!(problem("first:yesterday").message.contains("not a time"));
    assert_eq!(problem("release:\"1.0").suggestion.as_deref(), Some("release:\"1.0\""));
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one() {
    let text = "is:unresolved envirnment:production";
    assert_eq!(parse(text, NOW).expect("a tag so far").tag_keys().collect::<Vec<_>>(), ["envirnment"]);
    let problem = unknown_key(text, "envirnment", &["browser".into()]);
    assert_eq!(problem.suggestion.as_deref(), Some("is:unresolved environment:production"));
    assert_eq!(unknown_key("brwoser:x", "brwoser", &["browser".into()]).suggestion.as_deref(), Some("browser:x"));
    assert_eq!(unknown_key("qqq:x", "qqq", &[]).suggestion, None);
}

#[test]
fn searches_of_any_size_and_shape_are_bounded() {
    assert!(problem(&"x".repeat(1 << 20)).message.contains("too long"));
    assert!(problem(&"a ".repeat(100)).message.contains("conditions"));
    assert!(problem(&format!("release:[{}]", "a,".repeat(60))).message.contains("values"));
    for text in ["[", "release:[", "::::", "\"", "!!", "a:\"", "é:ü", "first:99999999999999999d", ">", "has:", "*"] {
        let _ = parse(text, NOW);
    }
}

#[test]
fn a_term_can_be_left_out() {
    let query = parse("is:unresolved  !release:\"1 0\" word", NOW).expect("understood");
    assert_eq!(query.without(1), "is:unresolved word");
    assert_eq!(query.without(0), "!release:\"1 0\" word");
}
