//! Envelopes as Django projects send them with sentry_sdk: every text is made up, sizes and shape are those of the real thing.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// How many issues the steady mix has.
pub const MIX_ISSUES: u64 = 200;
/// JSON of an ordinary event, in bytes: frames, locals and breadcrumbs are added until it is reached.
const EVENT_BYTES: usize = 50_000;
/// JSON of a message, in bytes: breadcrumbs are added until it is reached.
const MESSAGE_BYTES: usize = 1_950;
const FRAMES: std::ops::RangeInclusive<usize> = 20..=40;
/// Like `GzipFile`, a level that makes about the same size as Python's.
const GZIP_LEVEL: i32 = 6;

/// What is sent in one measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 200 issues, 50 KB events.
    Mix,
    /// One issue, 50 KB events.
    Spike,
    /// 2 KB messages without stack traces.
    Messages,
    /// Every event founds an issue; 50 KB events.
    New,
}

impl Shape {
    /// In the order of measuring.
    pub const ALL: [Self; 4] = [Self::Mix, Self::Spike, Self::Messages, Self::New];

    /// For the table and `--shape`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Spike => "spike",
            Self::Messages => "messages",
            Self::New => "new",
        }
    }

    /// Which issue the event of this number belongs to. The mix has all of its issues once in every 200 events, neighbours far apart:
    /// 77 and 200 have no common divisor.
    fn issue(self, number: u64) -> u64 {
        match self {
            Self::Mix => number * 77 % MIX_ISSUES,
            Self::Spike => 0,
            Self::Messages => number % MIX_ISSUES,
            Self::New => number,
        }
    }
}

/// One request body with what it weighs before compression.
#[derive(Clone)]
pub struct Body {
    /// gzip of the envelope.
    pub gzip: Vec<u8>,
    /// Bytes of the event's JSON.
    pub json_len: usize,
}

/// The first bodies of a shape.
pub fn bodies(shape: Shape, count: u64) -> Vec<Body> {
    numbered(shape, 0, count)
}

/// The bodies numbered from `first` of a shape, made by all cores.
pub fn numbered(shape: Shape, first: u64, count: u64) -> Vec<Body> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let now = bugle::clock::Clock::system().now();
    let part = |thread: u64| {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(GZIP_LEVEL).expect("a level of the library"));
        (first + count * thread / threads..first + count * (thread + 1) / threads)
            .map(|number| body(shape, number, now, &mut compressor))
            .collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("made without panic")).collect()
    })
}

fn body(shape: Shape, number: u64, now: OffsetDateTime, compressor: &mut libdeflater::Compressor) -> Body {
    let plain = envelope(shape, number, now);
    let mut gzip = vec![0; compressor.gzip_compress_bound(plain.len())];
    let len = compressor.gzip_compress(&plain, &mut gzip).expect("the bound is enough");
    gzip.truncate(len);
    gzip.shrink_to_fit();
    Body { gzip, json_len: plain.len() }
}

/// Envelope header, item header, event.
pub fn envelope(shape: Shape, number: u64, now: OffsetDateTime) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(number);
    let id = Uuid::new_v4().simple().to_string();
    let at = now.format(&Rfc3339).expect("a date of this century");
    let event = event(shape, number, &id, &at, &mut rng);
    let payload = serde_json::to_vec(&event).expect("values are JSON");
    let trace = &event["contexts"]["trace"]["trace_id"];
    let header = json!({"event_id": id, "sent_at": at, "trace": {"trace_id": trace, "environment": "production", "release": "shop@2.3.1"}});
    let item = json!({"type": "event", "content_type": "application/json", "length": payload.len()});
    [header.to_string().as_bytes(), b"\n", item.to_string().as_bytes(), b"\n", &payload, b"\n"].concat()
}

fn event(shape: Shape, number: u64, id: &str, at: &str, rng: &mut StdRng) -> Value {
    let issue = shape.issue(number);
    let mut event = base(issue, id, at, rng);
    let fields = event.as_object_mut().expect("an object");
    if shape == Shape::Messages {
        fields.insert("level".into(), "warning".into());
        fields.insert("logger".into(), format!("shop.{}", word(issue)).into());
        let template = format!("{} {} of order %s took too long in {}", word(issue), word(issue / 7), word(issue * 31 + 5));
        let formatted = template.replace("%s", &rng.random_range(10_000..99_999).to_string());
        fields.insert("logentry".into(), json!({"message": template, "formatted": formatted, "params": [rng.random_range(1..99_999)]}));
        let (mut crumbs, mut len) = (vec![], event.to_string().len());
        while len < MESSAGE_BYTES {
            crumbs.push(crumb(at, rng));
            len += crumbs[crumbs.len() - 1].to_string().len() + 1;
        }
        event["breadcrumbs"] = json!({ "values": crumbs });
        return event;
    }
    fields.insert("level".into(), "error".into());
    fields.insert("modules".into(), modules());
    fields.insert("request".into(), request(issue, rng));
    fields.insert("extra".into(), json!({"sys.argv": ["/srv/venv/bin/gunicorn", "shop.wsgi", "--workers", "4"]}));
    let frame_count = StdRng::seed_from_u64(issue).random_range(FRAMES);
    let mut frames: Vec<Value> = (0..frame_count).map(|depth| frame(issue, depth, frame_count, rng)).collect();
    let mut crumbs: Vec<Value> = (0..30).map(|_| crumb(at, rng)).collect();
    let mut len =
        [&Value::Array(frames.clone()), &Value::Array(crumbs.clone()), &event].iter().map(|part| part.to_string().len()).sum::<usize>();
    for depth in (0..frame_count).cycle() {
        if len >= EVENT_BYTES {
            break;
        }
        let (name, value) = local(rng);
        len += name.len() + value.to_string().len() + 4;
        frames[depth]["vars"][name] = value;
        if depth == 0 && crumbs.len() < 100 {
            crumbs.push(crumb(at, rng));
        }
    }
    let fields = event.as_object_mut().expect("an object");
    let kind = format!("{}{}Error", title(word(issue / 3)), title(word(issue * 17 + 3)));
    let value = format!("{} {} has no {}", word(issue), rng.random_range(1_000..99_999), word(issue + 9));
    fields.insert(
        "exception".into(),
        json!({"values": [{"type": kind, "value": value, "module": format!("shop.{}", word(issue)),
            "mechanism": {"type": "django", "handled": false}, "stacktrace": {"frames": frames}}]}),
    );
    fields.insert("breadcrumbs".into(), json!({ "values": crumbs }));
    event
}

/// What messages and errors have in common.
fn base(issue: u64, id: &str, at: &str, rng: &mut StdRng) -> Value {
    let user = rng.random_range(1..5_000);
    let payment = *["card", "invoice", "wallet"].choose(rng).expect("not empty");
    json!({
        "event_id": id, "timestamp": at, "platform": "python", "server_name": format!("web-{}", rng.random_range(1..9)),
        "release": if rng.random_ratio(1, 10) { "shop@2.3.0" } else { "shop@2.3.1" },
        "environment": if rng.random_ratio(1, 20) { "staging" } else { "production" },
        "transaction": format!("/{}/{{order_id}}/", word(issue)), "transaction_info": {"source": "route"},
        "tags": {"tenant": word(rng.random_range(0..30)), "payment": payment},
        "user": {"id": user.to_string(), "email": format!("customer{user}@example.com"), "ip_address": format!("203.0.113.{}", user % 250)},
        "contexts": {
            "trace": {"trace_id": hex(rng, 32), "span_id": hex(rng, 16), "parent_span_id": hex(rng, 16), "op": "http.server"},
            "runtime": {"name": "CPython", "version": "3.12.1", "build": "3.12.1 (main, May  9 2026, 07:36:11) [GCC 12.2.0]"},
        },
        "sdk": {"name": "sentry.python.django", "version": "2.75.0", "packages": [{"name": "pypi:sentry-sdk", "version": "2.75.0"}],
            "integrations": ["argv", "atexit", "celery", "dedupe", "django", "excepthook", "httpx", "logging", "modules", "stdlib", "threading"]},
    })
}

/// Outside in: Django's own frames first, the project's last.
fn frame(issue: u64, depth: usize, count: usize, rng: &mut StdRng) -> Value {
    let in_app = depth * 2 > count;
    let seed = if in_app { issue * 1_000 + depth as u64 } else { depth as u64 };
    let module =
        if in_app { format!("shop.{}.{}", word(seed), word(seed / 3)) } else { format!("django.{}.{}", word(seed), word(seed * 7)) };
    let path = module.replace('.', "/") + ".py";
    let root = if in_app { "/srv/shop/" } else { "/srv/venvs/py312/lib/python3.12/site-packages/" };
    let mut lines = StdRng::seed_from_u64(seed);
    let mut context = |n: usize| (0..n).map(|_| code_line(&mut lines)).collect::<Vec<_>>();
    let (before, line, after) = (context(5), context(1).remove(0), context(5));
    let mut vars = Map::new();
    vars.insert("self".into(), format!("<{module}.{} object at 0x7f{}>", title(word(seed)), hex(rng, 10)).into());
    vars.insert("request".into(), format!("<WSGIRequest: POST '/{}/{}/'>", word(issue), rng.random_range(10_000..99_999)).into());
    json!({
        "filename": path, "abs_path": format!("{root}{path}"), "function": format!("{}_{}", word(seed / 2), word(seed * 13 + 1)),
        "module": module, "lineno": 20 + seed % 400, "pre_context": before, "context_line": line, "post_context": after,
        "vars": vars, "in_app": in_app,
    })
}

fn code_line(rng: &mut StdRng) -> String {
    let mut pick = || word(rng.random_range(0..4_000));
    let (a, b, c, d) = (pick(), pick(), pick(), pick());
    let indent = " ".repeat(4 * rng.random_range(1..4));
    match rng.random_range(0..6) {
        0 => format!("{indent}if not {a}.{b}:"),
        1 => format!("{indent}return self.{a}({b}, {c}={d})"),
        2 => format!("{indent}# {a} {b} before the {c} of the {d}"),
        3 => String::new(),
        4 => format!("{indent}for {a} in self.{b}.{c}.filter({d}=True):"),
        _ => format!("{indent}{a} = {b}.objects.get({c}={d}.pk)"),
    }
}

fn local(rng: &mut StdRng) -> (String, Value) {
    let name = format!("{}_{}", word(rng.random_range(0..4_000)), word(rng.random_range(0..40)));
    let number = rng.random_range(1_000..9_999_999);
    let value = match rng.random_range(0..5) {
        0 => number.to_string().into(),
        1 => format!("<{}: {} ({number})>", title(word(number % 90)), word(number)).into(),
        2 => {
            json!({"sku": format!("'{}-{number}'", word(number % 50)), "price": format!("Decimal('{}.99')", number % 500), "count": (number % 9).to_string()})
        }
        3 => json!([format!("'{}'", word(number)), format!("'{}'", word(number / 3)), (number % 100).to_string()]),
        _ => format!("'{}'", Uuid::from_u128(rng.random())).into(),
    };
    (name, value)
}

fn crumb(at: &str, rng: &mut StdRng) -> Value {
    let (table, id) = (word(rng.random_range(0..40)), rng.random_range(1..99_999));
    match rng.random_range(0..3) {
        0 => json!({"type": "default", "category": "query", "level": "info", "timestamp": at,
            "message": format!("SELECT {table}.id, {table}.created_at, {table}.total FROM shop_{table} AS {table} WHERE {table}.id = %s LIMIT 21")}),
        1 => json!({"type": "http", "category": "httplib", "timestamp": at, "data": {"method": "GET", "status_code": 200, "reason": "OK",
            "url": format!("https://api.payments.example.com/v2/{table}/{id}")}}),
        _ => json!({"type": "log", "category": format!("shop.{table}"), "level": "info", "timestamp": at, "data": {},
            "message": format!("{table} {id} was loaded in {} ms", id % 90)}),
    }
}

fn request(issue: u64, rng: &mut StdRng) -> Value {
    let order = rng.random_range(10_000..99_999);
    json!({
        "url": format!("https://shop.example.com/{}/{order}/", word(issue)), "method": "POST", "query_string": format!("page={}", order % 7),
        "headers": {"Host": "shop.example.com", "Accept-Language": "de-AT,de;q=0.9", "Cookie": "[Filtered]", "Content-Type": "application/json",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "Referer": "https://shop.example.com/cart", "X-Request-Id": hex(rng, 32)},
        "env": {"SERVER_NAME": "shop.example.com", "SERVER_PORT": "443", "REMOTE_ADDR": "203.0.113.9"},
        "cookies": {"csrftoken": "[Filtered]", "sessionid": "[Filtered]", "theme": "dark"},
        "data": {"order": order, "coupon": word(order), "lines": [{"sku": word(order / 2), "count": order % 5}]},
    })
}

fn modules() -> Value {
    let version = |n: u64| format!("{}.{}.{}", n % 6, n % 23, n % 9);
    (0..60).map(|n: u64| (format!("{}-{}", word(n), word(n * 5 + 2)), Value::from(version(n * 37)))).collect::<Map<_, _>>().into()
}

fn hex(rng: &mut StdRng, digits: usize) -> String {
    (0..digits).map(|_| char::from_digit(rng.random_range(0..16), 16).expect("a digit")).collect()
}

fn title(word: String) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// The word of a number: letters only, so that no two are the same to grouping; small numbers make common words.
pub fn word(number: u64) -> String {
    const SYLLABLES: [&str; 32] = [
        "or", "der", "pay", "ment", "cart", "ship", "user", "tax", "count", "line", "stock", "form", "view", "ses", "sion", "item",
        "price", "re", "fund", "mail", "queue", "task", "token", "page", "bas", "ket", "prod", "uct", "cou", "pon", "add", "ress",
    ];
    let mut rest = number;
    let mut word = String::new();
    loop {
        word += SYLLABLES[usize::try_from(rest % 32).expect("below 32")];
        rest /= 32;
        if rest == 0 {
            return word;
        }
    }
}
