//! What rules make of events.

use super::{apply, first, forget, narrowed, without};
use crate::domain::grouping_rules::{FingerprintRules, StackRules};
use crate::domain::level::Level;
use crate::protocol::event::{Event, Exception, Frame, LogEntry, Mechanism, Stacktrace};

fn frame<'a>(module: &'a str, function: &'a str, path: &'a str, in_app: bool) -> Frame<'a> {
    Frame {
        module: Some(module.into()),
        function: Some(function.into()),
        abs_path: Some(path.into()),
        in_app: Some(in_app),
        ..Frame::default()
    }
}

fn exception<'a>(kind: &'a str, value: &'a str, frames: Vec<Frame<'a>>) -> Exception<'a> {
    let stacktrace = Some(Stacktrace { frames, ..Stacktrace::default() });
    let mechanism = Some(Mechanism { kind: Some("django".into()), ..Mechanism::default() });
    Exception { kind: Some(kind.into()), value: Some(value.into()), stacktrace, mechanism, ..Exception::default() }
}

/// Called from top to bottom: main, a library, the application, a library that fails.
fn event() -> Event<'static> {
    let frames = vec![
        frame("app.main", "run", "/srv/app/main.py", true),
        frame("django.core", "handle", "/usr/lib/python3/site-packages/django/core.py", false),
        frame("app.orders", "pay", r"C:\srv\App\orders.py", true),
        frame("requests.api", "post", "site-packages/requests/api.py", false),
    ];
    Event {
        platform: "python".into(),
        level: Some(Level::Error),
        logger: Some("app.pay".into()),
        transaction: Some("/pay/".into()),
        release: Some("shop@1.2".into()),
        exceptions: vec![exception("OSError", "Connection Refused by db-3", vec![]), exception("PaymentError", "declined: 17", frames)],
        tags: vec![("server_name".into(), "canary-1".into())],
        ..Event::default()
    }
}

fn line_of(rules: &str, event: &Event<'_>) -> Option<usize> {
    first(event, &FingerprintRules::parse(rules).expect("understood")).map(|ruled| ruled.line)
}

#[test]
fn each_matcher_looks_where_it_says() {
    for (rule, expected) in [
        ("error.type:PaymentError", true),
        ("error.type:paymenterror", false),
        ("type:OSError", true),
        ("error.type:OSError error.value:declined*", false),
        ("error.type:OSError value:\"connection refused*\"", true),
        ("error.mechanism:django", true),
        ("message:*REFUSED*", true),
        ("logger:app.*", true),
        ("logger:App.*", false),
        ("level:ERROR", true),
        ("release:shop@*", true),
        ("tags.server_name:canary-*", true),
        ("tags.server_name:Canary-*", false),
        ("!tags.region:eu", true),
        ("tags.region:*", false),
        ("sdk:sentry.*", false),
        ("!sdk:sentry.*", false),
        ("path:**/app/orders.py", true),
        ("path:**/site-packages/**", true),
        ("path:site-packages/*/api.py", true),
        ("path:/srv/*.py", false),
        ("module:app.orders function:pay", true),
        ("module:app.orders function:run", false),
        ("function:pay app:no", false),
        ("app:no function:post", true),
        ("family:other", true),
        ("family:native,javascript", false),
        ("family:all", true),
        ("!module:app.*", true),
        ("!module:*", false),
        ("package:*", false),
        ("error.type:PaymentError logger:app.pay message:*declined* !level:warning function:pay", true),
    ] {
        assert_eq!(line_of(&format!("{rule} -> x"), &event()).is_some(), expected, "{rule}");
    }
    let logged = Event { logentry: Some(LogEntry { message: Some("Disk Full".into()), ..LogEntry::default() }), ..Event::default() };
    assert!(line_of("message:\"disk full\" -> x", &logged).is_some());
    assert!(line_of("!error.type:X message:disk* -> x", &logged).is_none(), "there is no exception that is not X");
}

#[test]
fn the_first_rule_that_matches_says_fingerprint_and_title() {
    let rules = "error.type:KeyError -> a\n# pay\nfunction:pay -> {{ default }}, pay-{{ transaction }} title=\"Pay: {{ error.value }} in {{ tags.region }}\"\ntype:* -> b";
    let ruled = first(&event(), &FingerprintRules::parse(rules).expect("understood")).expect("a match");
    assert_eq!(ruled.line, 3);
    assert_eq!(ruled.parts, ["{{ default }}", "pay-{{ transaction }}"]);
    assert_eq!(ruled.title.as_deref(), Some("Pay: declined: 17 in <no tags.region>"));
}

/// Of each frame of the raised exception: `A` of the application, `+` or `-` what is said about grouping.
fn after(rules: &str) -> String {
    let mut event = event();
    let rules = StackRules::parse(rules).expect("understood");
    apply(&mut event, &rules);
    let once = event.clone();
    apply(&mut event, &rules);
    assert_eq!(event, once, "applying twice is applying once");
    let shown = shown(&event);
    forget(&mut event);
    assert_eq!(event, self::event(), "everything can be undone");
    shown
}

fn shown(event: &Event<'_>) -> String {
    let sign = |frame: &Frame<'_>| {
        let app = if frame.in_app == Some(true) { "A" } else { "." };
        let group = match frame.ruling.as_ref().and_then(|ruling| ruling.group) {
            Some(true) => "+",
            Some(false) => "-",
            None => "",
        };
        format!("{app}{group}")
    };
    event.exceptions[1].frames().iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[test]
fn stack_rules_change_what_frames_count_for() {
    for (rules, expected) in [
        ("function:nothing -app", "A . A ."),
        ("path:**/site-packages/** +app", "A A A A"),
        ("function:pay -app", "A . . ."),
        ("function:pay ^-group", "A . A .-"),
        ("function:pay v-group -group", "A- .- A- ."),
        ("function:pay v+app", "A A A ."),
        ("app:no -group\nfunction:post +group", "A .- A .+"),
        ("app:no +app\napp:yes -group", "A- A- A- A-"),
        ("[ module:django.* ] | app:yes -app", "A . . ."),
        ("app:no | [ app:yes ] -group", "A .- A ."),
        ("function:run | [ function:pay ] -app", "A . A ."),
        ("[ function:* ] | function:run -app", "A . A ."),
        ("module:requests.* category=http\ncategory:http +app", "A . A A"),
        ("error.type:PaymentError function:pay -app", "A . . ."),
        ("error.type:OSError function:pay -app", "A . A ."),
        ("error.mechanism:django error.value:DECLINED* app:yes -app", ". . . ."),
        ("family:javascript -app -group", "A . A ."),
        ("!app:yes -group", "A .- A .-"),
    ] {
        assert_eq!(after(rules), expected, "{rules}");
    }
}

#[test]
fn an_event_can_be_asked_as_if_there_were_no_rules() {
    for (rules, is_narrowed) in [
        ("function:pay -app", true),
        ("function:pay -group", true),
        ("family:all max-frames=1", true),
        ("app:no +app", false),
        ("function:x -app", false),
    ] {
        let mut event = event();
        apply(&mut event, &StackRules::parse(rules).expect("understood"));
        let ruled = event.clone();
        assert_eq!(narrowed(&event), is_narrowed, "{rules}");
        without(&mut event, |plain| assert_eq!(*plain, self::event(), "{rules}"));
        assert_eq!(event, ruled, "{rules}");
    }
}

#[test]
fn limits_of_frames_and_the_rules_behind_a_change_are_noted() {
    let mut event = event();
    apply(&mut event, &StackRules::parse("\nfunction:pay -app -group\nfamily:other max-frames=2 min-frames=1").expect("understood"));
    let trace = event.exceptions[1].stacktrace.as_ref().expect("a stack");
    let ruling = trace.ruling.expect("limits");
    assert_eq!((ruling.max_frames, ruling.min_frames), (Some(2), Some(1)));
    let frame = trace.frames[2].ruling.as_ref().expect("said something");
    assert_eq!((frame.was_in_app, frame.in_app_line, frame.group, frame.group_line), (Some(true), Some(2), Some(false), Some(2)));
    let stored = crate::protocol::event::from_stored(&crate::protocol::event::to_stored(&event)).expect("readable");
    assert_eq!(stored.exceptions, event.exceptions);
}

#[test]
fn what_costs_too_much_decides_nothing() {
    let long = "a".repeat(8_000);
    let event = Event { logentry: Some(LogEntry { message: Some(long.as_str().into()), ..LogEntry::default() }), ..Event::default() };
    let hostile = format!("message:\"{0}*[b]{0}*\" -> x\n", "*a".repeat(75));
    let rules = hostile.repeat(10) + "message:a* -> last";
    assert_eq!(line_of(&rules, &event), None);
    assert_eq!(line_of("message:a* -> last", &event), Some(1));
}
