//! What must and what must not move a hash.

use super::Version;
use crate::domain::fingerprint::Fingerprint;
use crate::protocol::event::{Event, Exception, Frame, LogEntry, Mechanism, Stacktrace};

fn frame<'a>(module: &'a str, function: &'a str, line: &'a str) -> Frame<'a> {
    Frame {
        module: Some(module.into()),
        function: Some(function.into()),
        context_line: Some(line.into()),
        in_app: Some(true),
        ..Frame::default()
    }
}

fn library<'a>(module: &'a str, function: &'a str) -> Frame<'a> {
    Frame { in_app: Some(false), ..frame(module, function, "call()") }
}

fn exception<'a>(kind: &'a str, value: &'a str, frames: Vec<Frame<'a>>) -> Exception<'a> {
    let stacktrace = (!frames.is_empty()).then(|| Stacktrace { frames, ..Stacktrace::default() });
    Exception { kind: Some(kind.into()), value: Some(value.into()), stacktrace, ..Exception::default() }
}

fn event(exceptions: Vec<Exception<'_>>) -> Event<'_> {
    Event { platform: "python".into(), exceptions, ..Event::default() }
}

fn raised<'a>(value: &'a str, frames: Vec<Frame<'a>>) -> Event<'a> {
    event(vec![exception("ValueError", value, frames)])
}

fn message<'a>(text: &'a str, logger: &'a str) -> Event<'a> {
    let logentry = Some(LogEntry { message: Some(text.into()), formatted: Some(text.into()), ..LogEntry::default() });
    Event { platform: "python".into(), logentry, logger: Some(logger.into()), ..Event::default() }
}

fn compute(event: &Event) -> Fingerprint {
    super::compute(event, Version::NEWEST)
}

/// As the store decides: the first hash.
fn same(a: &Event, b: &Event) -> bool {
    compute(a).hashes[0] == compute(b).hashes[0]
}

#[test]
fn text_line_numbers_releases_and_library_frames_do_not_matter() {
    let mut first =
        raised("order 17", vec![library("django.core.handlers.base", "_get_response"), frame("shop.views", "pay", "charge(order)")]);
    let mut second = raised("order 18", vec![library("asgiref.sync", "thread_handler"), frame("shop.views", "pay", "  charge(order) ")]);
    first.release = Some("1".into());
    second.release = Some("2".into());
    if let Some(trace) = &mut second.exceptions[0].stacktrace {
        trace.frames[1].lineno = Some(99);
        trace.frames[1].abs_path = Some("/srv/elsewhere/shop/views.py".into());
    }
    assert!(same(&first, &second));
    assert_ne!(compute(&first).hashes[1], compute(&second).hashes[1]);
}

#[test]
fn another_type_statement_function_or_module_is_another_bug() {
    let bug = raised("x", vec![frame("shop.views", "pay", "charge(order)")]);
    for other in [
        event(vec![exception("KeyError", "x", vec![frame("shop.views", "pay", "charge(order)")])]),
        raised("x", vec![frame("shop.views", "pay", "refund(order)")]),
        raised("x", vec![frame("shop.views", "refund", "charge(order)")]),
        raised("x", vec![frame("shop.tasks", "pay", "charge(order)")]),
        raised("x", vec![frame("shop.views", "caller", "pay(order)"), frame("shop.views", "pay", "charge(order)")]),
    ] {
        assert!(!same(&bug, &other));
    }
}

#[test]
fn a_frame_that_becomes_library_code_keeps_its_issue_through_the_second_hash() {
    let app = raised("x", vec![frame("shop.views", "pay", "f()"), frame("shared.money", "add", "call()")]);
    let moved = raised("x", vec![frame("shop.views", "pay", "f()"), library("shared.money", "add")]);
    assert!(!same(&app, &moved));
    assert_eq!(compute(&app).hashes.last(), compute(&moved).hashes.last());
}

#[test]
fn recursion_counts_once_whatever_its_depth() {
    let walk = |depth: usize, helper: bool| {
        let mut frames = vec![frame("shop.views", "tree", "walk(root)")];
        for _ in 0..depth {
            frames.push(frame("shop.tree", "walk", "return walk(child)"));
            if helper {
                frames.push(frame("shop.tree", "each", "visit(child)"));
            }
        }
        frames.push(frame("shop.tree", "walk", "return node['x']"));
        raised("x", frames)
    };
    let flat = walk(0, false);
    for depth in [1, 2, 30, 1_000] {
        assert!(same(&flat, &walk(depth, false)), "{depth}");
        assert!(same(&flat, &walk(depth, true)), "{depth}");
    }
}

#[test]
fn decorators_and_comprehensions_do_not_matter() {
    let plain = raised("x", vec![frame("shop.views", "pay", "total = [f(x) for x in xs]")]);
    let wrapped = raised(
        "x",
        vec![
            frame("shop.deco", "wrapper", "return fn(*args, **kwargs)"),
            frame("shop.views", "pay", "total = ["),
            frame("shop.views", "<listcomp>", "total = [f(x) for x in xs]"),
        ],
    );
    assert!(same(&plain, &wrapped));
    let failing = raised("x", vec![frame("shop.deco", "wrapper", "return fn(*args, **kwargs)")]);
    assert!(compute(&failing).explanation.parts.iter().any(|part| part.contains("wrapper")));
}

#[test]
fn a_chain_is_its_outermost_link_and_its_innermost_of_the_application() {
    let attempt = || exception("Timeout", "try", vec![frame("shop.pay", "once", "post(url)")]);
    fn inside(kind: &str) -> Exception<'_> {
        exception(kind, "x", vec![library("urllib3.connection", "connect")])
    }
    let outer = || exception("PaymentFailed", "gave up", vec![frame("shop.pay", "retry", "raise PaymentFailed()")]);
    let three = event(vec![inside("OSError"), inside("MaxRetryError"), attempt(), attempt(), attempt(), outer()]);
    let five = event(vec![inside("socket.timeout"), attempt(), attempt(), attempt(), attempt(), attempt(), outer()]);
    let cause = event(vec![exception("KeyError", "x", vec![frame("shop.pay", "read", "d['x']")]), outer()]);
    assert!(same(&three, &five));
    assert!(!same(&three, &cause));
}

fn grouped(members: Vec<Exception<'_>>) -> Event<'_> {
    let mut all = members;
    all.push(exception("ExceptionGroup", "2 errors", vec![frame("shop.jobs", "run", "async with TaskGroup() as tg:")]));
    let root = all.len() - 1;
    for (place, exception) in all.iter_mut().enumerate() {
        let is_root = place == root;
        exception.mechanism = Some(Mechanism {
            exception_id: Some((root - place) as i64),
            parent_id: (!is_root).then_some(0),
            is_exception_group: Some(is_root),
            source: (!is_root).then(|| format!("exceptions[{place}]").into()),
            ..Mechanism::default()
        });
    }
    event(all)
}

#[test]
fn a_group_of_one_kind_is_its_member_and_order_does_not_matter() {
    let a = || exception("KeyError", "1", vec![frame("shop.jobs", "a", "d[k]")]);
    let b = || exception("ValueError", "2", vec![frame("shop.jobs", "b", "int(k)")]);
    assert!(same(&grouped(vec![a(), a(), a()]), &event(vec![a()])));
    assert!(same(&grouped(vec![a(), b(), a()]), &grouped(vec![b(), a()])));
    assert!(!same(&grouped(vec![a(), b()]), &grouped(vec![a()])));
}

#[test]
fn messages_are_their_sentence_and_their_logger() {
    assert!(same(&message("order 17 of ann@example.org failed", "shop"), &message("order 9 of bob@example.net failed", "shop")));
    assert!(!same(&message("order 17 failed", "shop"), &message("order 17 failed", "billing")));
    assert!(!same(&message("could not reserve 3", "shop"), &message("could not release 3", "shop")));
}

#[test]
fn the_clients_fingerprint_is_obeyed() {
    fn with<'a>(parts: &[&'a str], base: Event<'a>) -> Event<'a> {
        Event { fingerprint: parts.iter().map(|&part| part.into()).collect(), ..base }
    }
    let one = || raised("x", vec![frame("a", "b", "c")]);
    let two = || message("hello", "shop");
    assert!(same(&with(&["gateway-down"], one()), &with(&["gateway-down"], two())));
    assert!(!same(&with(&["gateway-down"], one()), &with(&["gateway-down", "eu"], one())));
    assert_eq!(compute(&with(&["{{default}}"], one())).hashes, compute(&one()).hashes);
    assert_eq!(compute(&with(&[" ", ""], one())).hashes, compute(&one()).hashes);
    let eu = with(&["{{ default }}", "eu"], one());
    assert!(!same(&eu, &one()) && !same(&eu, &with(&["{{ default }}", "us"], one())) && !same(&eu, &with(&["{{ default }}", "eu"], two())));
    assert!(same(&with(&["{{ error.type }}"], one()), &with(&["ValueError"], two())));
    assert!(!same(&with(&["{{ nonsense }}"], one()), &with(&["{{ nonsense }}"], two())));
    assert!(same(&Event { checksum: Some("c".into()), ..one() }, &Event { checksum: Some("c".into()), ..two() }));
}

#[test]
fn a_synthetic_type_and_the_text_beside_frames_do_not_count() {
    let mut first = raised("a", vec![frame("a", "b", "c")]);
    let mut second = event(vec![exception("Error", "z", vec![frame("a", "b", "c")])]);
    for event in [&mut first, &mut second] {
        event.exceptions[0].mechanism = Some(Mechanism { synthetic: Some(true), ..Mechanism::default() });
    }
    assert!(same(&first, &second));
    assert!(same(&raised("row 1 is bad", vec![]), &raised("row 2 is bad", vec![])));
    assert!(!same(&raised("row 1 is bad", vec![]), &raised("row 1 is good", vec![])));
}

#[test]
fn nothing_at_all_is_one_bucket() {
    let found = compute(&Event::default());
    assert_eq!((found.hashes.len(), found.explanation.rung.as_str()), (1, "nothing"));
    assert!(same(&Event::default(), &event(vec![Exception::default()])));
}
