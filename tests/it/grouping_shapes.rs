//! What applications in other languages and frameworks send: pairs of events that are one bug, and pairs that are two; and how it is explained.

use bugle::pipeline::fingerprint::{self, Version};
use bugle::pipeline::normalize::{self, Arrival};
use bugle::protocol::event;
use serde_json::{Value, json};
use time::OffsetDateTime;

const ARRIVAL: Arrival = Arrival { received_at: OffsetDateTime::UNIX_EPOCH, sent_at: None, client_ip: None, user_agent: None };

/// A frame of the application: module, function, line.
fn app(module: &str, function: &str, line: &str) -> Value {
    json!({ "module": module, "function": function, "context_line": line, "in_app": true, "lineno": 7 })
}

/// A frame of a library.
fn lib(path: &str, function: &str) -> Value {
    json!({ "filename": path, "abs_path": path, "function": function, "in_app": false, "lineno": 9 })
}

fn raised(platform: &str, kind: &str, value: &str, frames: &[Value]) -> Value {
    json!({ "platform": platform, "exception": { "values": [{ "type": kind, "value": value, "stacktrace": { "frames": frames } }] } })
}

fn said(text: &str) -> Value {
    json!({ "platform": "python", "logger": "shop", "message": text })
}

fn text_only(platform: &str, kind: &str, value: &str) -> Value {
    json!({ "platform": platform, "exception": { "values": [{ "type": kind, "value": value }] } })
}

/// A walk over a tree whose two functions live in two modules.
fn walk(rounds: usize) -> Value {
    let mut frames = vec![app("shop.views", "tree", "render(root)")];
    for _ in 0..rounds {
        frames.push(app("shop.nodes", "node", "return children(n.items)"));
        frames.push(app("shop.lists", "children", "return [node(n) for n in items]"));
    }
    frames.push(app("shop.nodes", "node", "return n['title']"));
    raised("python", "KeyError", "'title'", &frames)
}

fn overflow(rounds: usize, last: &str) -> Value {
    let mut frames = Vec::new();
    for _ in 0..rounds {
        frames.push(app("shop.a", "ping", "pong(n + 1)"));
        frames.push(app("shop.b", "pong", "ping(n + 1)"));
    }
    frames.push(app("shop.c", last, "return str(n)"));
    raised("python", "RecursionError", "maximum recursion depth exceeded", &frames)
}

fn behind(middleware: Option<Value>) -> Value {
    let mut frames: Vec<Value> = middleware.into_iter().collect();
    frames.push(app("shop.views", "pay", "charge(order)"));
    raised("python", "PaymentError", "declined", &frames)
}

fn one_bug() -> Vec<(&'static str, Value, Value)> {
    let pg =
        |value: &str| raised("node", "error", value, &[lib("/app/node_modules/pg-protocol/dist/parser.js", "Parser.parseErrorMessage")]);
    vec![
        (
            "a Django middleware was added",
            behind(None),
            behind(Some(app("shop.middleware", "__call__", "response = self.get_response(request)"))),
        ),
        ("an ASGI middleware was added", behind(None), behind(Some(app("shop.asgi", "__call__", "await self.app(scope, receive, send)")))),
        ("a Starlette middleware was added", behind(None), behind(Some(app("shop.mw", "dispatch", "response = await call_next(request)")))),
        (
            "a wrapper with named arguments was added",
            behind(None),
            behind(Some(app("shop.deco", "wrapper", "return func(request, pk=pk)"))),
        ),
        ("recursion over two modules", walk(1), walk(40)),
        ("a stack that overflowed elsewhere", overflow(60, "show"), overflow(75, "format")),
        (
            "a duplicate key of another row",
            pg("duplicate key value violates unique constraint \"users_email_key\""),
            pg("duplicate key value violates unique constraint \"users_email_key\""),
        ),
        (
            "a refused connection on another port",
            raised(
                "node",
                "Error",
                "connect ECONNREFUSED 10.0.0.7:5432",
                &[lib("node:net", "TCPConnectWrap.afterConnect [as oncomplete]")],
            ),
            raised(
                "node",
                "Error",
                "connect ECONNREFUSED 10.0.0.9:5433",
                &[lib("node:net", "TCPConnectWrap.afterConnect [as oncomplete]")],
            ),
        ),
        (
            "a wrapped error of Go with other values",
            raised("go", "*fmt.wrapError", "charge order 17: dial tcp 10.0.0.7:443: i/o timeout", &[app("main", "(*Server).fail", "")]),
            raised("go", "*fmt.wrapError", "charge order 18: dial tcp 10.0.0.9:443: i/o timeout", &[app("main", "(*Server).fail", "")]),
        ),
        (
            "a proxy of Spring",
            raised("java", "java.lang.IllegalStateException", "x", &[app("shop.Cart$$SpringCGLIB$$0", "pay", "")]),
            raised("java", "java.lang.IllegalStateException", "x", &[app("shop.Cart$$SpringCGLIB$$1", "pay", "")]),
        ),
        (
            "a bundle of another build",
            raised(
                "javascript",
                "TypeError",
                "x is undefined",
                &[json!({"filename": "https://cdn.example/app.3f2a91bc.js", "function": "pay", "in_app": true})],
            ),
            raised(
                "javascript",
                "TypeError",
                "x is undefined",
                &[json!({"filename": "https://cdn.example/app.77aa12cd.js", "function": "pay", "in_app": true})],
            ),
        ),
        (
            "values of a structured logger",
            said("{\"event\": \"payment.failed\", \"order\": 17, \"user\": \"ann\"}"),
            said("{\"event\": \"payment.failed\", \"order\": 18, \"user\": \"bob\"}"),
        ),
        ("values after =", said("payment failed order=17 user=ann"), said("payment failed order=18 user=bob")),
        ("logfmt", said("level=error msg=\"cannot reach 10.0.0.1\" user=ann"), said("level=error msg=\"cannot reach 10.0.0.2\" user=bob")),
        ("a currency", said("no exchange rate for GBP today"), said("no exchange rate for USD today")),
        ("nothing instead of a number", said("User 17 has no cart"), said("User None has no cart")),
        ("another method and address", said("GET /orders/17/ took too long"), said("POST /orders/18/ took too long")),
        (
            "SQL with other parameters",
            text_only("php", "PDOException", "SQLSTATE[23000]: Duplicate entry '17-ann' for key 'users.name'"),
            text_only("php", "PDOException", "SQLSTATE[23000]: Duplicate entry '18-bob' for key 'users.name'"),
        ),
        ("Chinese with other numbers", said("订单17支付失败"), said("订单18支付失败")),
        ("German with other values", said("Bestellung 17 von »ann« nicht gefunden"), said("Bestellung 18 von »ann« nicht gefunden")),
    ]
}

fn two_bugs() -> Vec<(&'static str, Value, Value)> {
    let net = |value: &str| raised("node", "Error", value, &[lib("node:net", "TCPConnectWrap.afterConnect [as oncomplete]")]);
    let go = |value: &str| raised("go", "*errors.errorString", value, &[app("main", "(*Server).fail", "")]);
    vec![
        (
            "a refused and an unknown host, with frames of the runtime only",
            net("connect ECONNREFUSED 10.0.0.7:5432"),
            net("getaddrinfo ENOTFOUND db.internal"),
        ),
        ("two errors of Go at one place that reports all of them", go("order not paid"), go("no such order")),
        ("two lines of logfmt", said("level=error msg=\"cannot pay\" user=ann"), said("level=error msg=\"cannot ship\" user=ann")),
        ("two texts in quotes", said("\"cannot pay\""), said("\"cannot ship\"")),
        ("two dictionaries", said("{'order': 17, 'reason': 'x'}"), said("{'user': 17, 'cause': 'x'}")),
        (
            "two functions behind one middleware",
            behind(Some(app("shop.mw", "__call__", "return self.get_response(request)"))),
            raised(
                "python",
                "PaymentError",
                "declined",
                &[app("shop.mw", "__call__", "return self.get_response(request)"), app("shop.views", "refund", "charge(order)")],
            ),
        ),
        (
            "two cycles that overflow",
            overflow(60, "show"),
            raised("python", "RecursionError", "x", &(0..60).map(|_| app("shop.z", "again", "again(n)")).collect::<Vec<_>>()),
        ),
        ("two actions", said("failed to reserve 3 items"), said("failed to release 3 items")),
        ("a comparison and another", said("stock == ordered"), said("stock == shipped")),
    ]
}

fn hashes(raw: &Value) -> Vec<[u8; 16]> {
    let text = raw.to_string();
    let mut event = event::read(text.as_bytes()).expect("it is an object");
    normalize::event(&mut event, &ARRIVAL);
    fingerprint::compute(&event, Version::NEWEST).hashes
}

#[test]
fn one_bug_of_other_applications_is_one_issue() {
    let split: Vec<_> =
        one_bug().into_iter().filter(|(_, one, other)| hashes(one)[0] != hashes(other)[0]).map(|(name, _, _)| name).collect();
    assert_eq!(split, [""; 0]);
}

#[test]
fn two_bugs_of_other_applications_are_two() {
    let merged: Vec<_> = two_bugs()
        .into_iter()
        .filter(|(_, one, other)| hashes(one).iter().any(|hash| hashes(other).contains(hash)))
        .map(|(name, _, _)| name)
        .collect();
    assert_eq!(merged, [""; 0]);
}

/// What people read on the event page, and with it the hashes of version 2, which never change.
#[test]
fn each_shape_is_explained() {
    let explained = one_bug().into_iter().chain(two_bugs()).map(|(name, raw, _)| {
        let text = raw.to_string();
        let mut event = event::read(text.as_bytes()).expect("it is an object");
        normalize::event(&mut event, &ARRIVAL);
        let found = fingerprint::compute(&event, Version::Two);
        let hash: String = found.hashes[0].iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "case": name, "hash": hash, "explanation": found.explanation })
    });
    insta::assert_json_snapshot!(explained.collect::<Vec<_>>());
}
