//! An invented installation with a past: Harbour & Pine's Django shop on a bad Friday morning. For pictures that look like a real day.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::harness::{Project, TestApp, exception};

/// Between the shop's first event and now.
pub const PAST: Duration = Duration::hours(52);
/// When the payment errors began to rise, in hours before now.
const RISING_HOURS: u32 = 4;
/// The release that broke more is this old.
const DEPLOYED_HOURS: u32 = 20;
/// Moves the last events a little into the past, so that not everything happened just now.
const QUIET: Duration = Duration::seconds(40);

/// Lives through two days of the project in steps of an hour; `rush` is how many payments fail in each hour of this morning.
pub async fn two_days(app: &TestApp, project: &Project, rush: u32) {
    for hour in (0..u32::try_from(PAST.whole_hours()).expect("hours are few")).rev() {
        let release = if hour < DEPLOYED_HOURS { "2026.11.19-2" } else { "2026.11.18-1" };
        an_ordinary_hour(app, project, release, hour).await;
        let failing = if hour < RISING_HOURS { rush } else { hour % 3 };
        for n in 0..failing {
            app.sdk(project).capture(payment_capture_error(release, hour * 1_000 + n, app.now())).await;
        }
        app.settle().await;
        app.clock.advance(if hour == 0 { QUIET } else { Duration::HOUR });
    }
    app.settle().await;
}

async fn an_ordinary_hour(app: &TestApp, project: &Project, release: &str, hour: u32) {
    let sdk = app.sdk(project);
    let with = |mut event: Value, at: &str, customer: Option<u32>| {
        event["release"] = json!(release);
        event["environment"] = json!(if hour.is_multiple_of(9) { "staging" } else { "production" });
        event["transaction"] = json!(at);
        if let Some(customer) = customer {
            event["user"] = json!({ "id": format!("c-{customer}") });
        }
        event
    };
    if hour % 2 == 1 {
        let text = "HTTPSConnectionPool(host='api.parcelhub.example', port=443): Read timed out. (read timeout=8)";
        sdk.capture(with(exception("ReadTimeout", text, "ParcelHub.quote"), "/checkout/shipping/", Some(hour))).await;
    }
    if hour % 5 == 2 {
        let text = "duplicate key value violates unique constraint \"orders_order_idempotency_key_key\"";
        sdk.capture(with(exception("IntegrityError", text, "ConfirmView.post"), "/checkout/confirm/", Some(hour / 2))).await;
    }
    if hour < 30 && hour % 7 == 1 {
        sdk.capture(with(exception("TemplateDoesNotExist", "emails/order_shipped_sv.html", "render_mail"), "notifications.mail", None))
            .await;
    }
    if hour.is_multiple_of(12) {
        let mut event = with(json!({ "level": "warning", "logger": "flags.client" }), "/catalogue/", Some(hour));
        event["logentry"] = json!({ "message": "Flag %s is not defined for site %s; using default", "params": ["gift_wrap_v2", "se"] });
        sdk.capture(event).await;
    }
    if hour == 9 {
        memory_error(app, project, release).await;
    }
}

/// Something rare and grave.
pub async fn memory_error(app: &TestApp, project: &Project, release: &str) {
    let text = "Unable to allocate 512 MiB for an array while rendering invoice batch 2026-11";
    let mut event = exception("MemoryError", text, "render_batch");
    event["level"] = json!("fatal");
    event["release"] = json!(release);
    event["environment"] = json!("production");
    event["transaction"] = json!("invoices.pdf");
    app.sdk(project).capture(event).await;
}

/// A Django view in which one exception caused another, with everything the Python SDK sends; `n` tells the events apart.
pub fn payment_capture_error(release: &str, n: u32, at: OffsetDateTime) -> Value {
    let (order, country) = (20_000 + n % 1_000, ["SE", "SE", "SE", "DE", "NL"][n as usize % 5]);
    let browser = ["Mobile Safari 18.1", "Mobile Safari 18.1", "Chrome 130.0", "Firefox 132"][n as usize % 4];
    json!({
        "platform": "python", "level": "error", "release": release, "server_name": "web-3",
        "environment": if n.is_multiple_of(24) { "staging" } else { "production" },
        "transaction": "/checkout/confirm/", "transaction_info": { "source": "route" },
        "exception": { "values": [rejected(order), not_captured(order)] },
        "breadcrumbs": { "values": breadcrumbs(order, at) },
        "user": { "id": format!("c-{}", 7_000 + n % 312), "email": format!("customer{}@mail.example", n % 312) },
        "tags": { "payment_provider": "adyra", "gift_wrap": "on", "country": country, "browser": browser },
        "request": {
            "method": "POST", "url": "https://harbourpine.example/checkout/confirm/",
            "headers": { "Host": "harbourpine.example", "Content-Type": "application/x-www-form-urlencoded", "User-Agent": browser },
            "data": { "order": format!("HP-{order}"), "wrap": "on", "csrfmiddlewaretoken": "[Filtered]" },
        },
        "contexts": {
            "runtime": { "name": "CPython", "version": "3.12.7" },
            "trace": { "trace_id": format!("{:032x}", 0xbd84_ab59_u64 * u64::from(n + 1)), "span_id": "893d83db746f8dc1", "op": "http.server" },
        },
        "sdk": { "name": "sentry.python.django", "version": "2.75.0" },
    })
}

fn rejected(order: u32) -> Value {
    json!({
        "type": "ProviderRejected", "value": "amount_mismatch: capture 12990 exceeds authorised 12900", "module": "payments.gateways",
        "mechanism": { "type": "chained", "exception_id": 1, "parent_id": 0, "source": "__cause__", "handled": false },
        "stacktrace": { "frames": [
            frame("payments/services.py", "capture_payment", 136, CAPTURE, json!({})),
            frame("payments/gateways/adyra.py", "Adyra.capture", 61, GATEWAY, json!({ "amount": "12990", "order": format!("HP-{order}") })),
        ] },
    })
}

fn not_captured(order: u32) -> Value {
    let library = |file: &str, function: &str, line: u32| {
        let mut frame =
            frame(file, function, line, &[(line, "                response = wrapped_callback(request, *args, **kwargs)")], json!({}));
        frame["in_app"] = json!(false);
        frame
    };
    json!({
        "type": "PaymentCaptureError", "value": format!("could not capture 129.90 EUR for order HP-{order}: provider answered amount_mismatch"),
        "module": "payments.errors", "mechanism": { "type": "django", "exception_id": 0, "handled": false },
        "stacktrace": { "frames": [
            library("django/core/handlers/exception.py", "inner", 55),
            library("django/core/handlers/base.py", "_get_response", 197),
            library("django/views/generic/base.py", "dispatch", 143),
            frame("checkout/views.py", "ConfirmView.post", 88, CONFIRM, json!({
                "order": format!("<Order: HP-{order}>"), "request": "<WSGIRequest: POST '/checkout/confirm/'>",
            })),
            frame("payments/services.py", "capture_payment", 139, CAPTURE, json!({
                "amount": "12990", "exc": "ProviderRejected('amount_mismatch')", "gateway": "<payments.gateways.Adyra object at 0x7f2e4c1b9d90>",
                "order": format!("<Order: HP-{order} total=129.00 EUR wrap=0.90 status=confirmed>"), "order.authorisation_id": "[Filtered]",
            })),
        ] },
    })
}

const CAPTURE: &[(u32, &str)] = &[
    (131, "def capture_payment(order, *, gateway=None):"),
    (132, "    \"\"\"Take the money that was authorised at checkout.\"\"\""),
    (133, "    gateway = gateway or gateway_for(order)"),
    (134, "    amount = to_minor_units(order.total_with_wrap(), order.currency)"),
    (135, "    try:"),
    (136, "        receipt = gateway.capture(order.authorisation_id, amount)"),
    (137, "    except ProviderRejected as exc:"),
    (138, "        log.warning(\"capture refused\", extra={\"order\": order.number})"),
    (139, "        raise PaymentCaptureError(order, amount, exc.code) from exc"),
    (140, "    Payment.objects.create(order=order, receipt=receipt.id, amount=amount)"),
    (141, "    order_paid.send(sender=Order, order=order)"),
];
const GATEWAY: &[(u32, &str)] = &[
    (58, "        reply = self.session.post(url, json=payload, timeout=self.timeout)"),
    (59, "        if reply.status_code == 402:"),
    (60, "            body = reply.json()"),
    (61, "            raise ProviderRejected(body[\"code\"], body[\"message\"])"),
    (62, "        reply.raise_for_status()"),
];
const CONFIRM: &[(u32, &str)] = &[
    (84, "    def post(self, request, *args, **kwargs):"),
    (85, "        order = self.get_order()"),
    (86, "        with transaction.atomic():"),
    (87, "            order.confirm(by=request.user)"),
    (88, "            payment = capture_payment(order)"),
    (89, "        return redirect(\"checkout:thanks\", number=order.number)"),
];

/// `code` holds numbered lines around `line`.
fn frame(file: &str, function: &str, line: u32, code: &[(u32, &str)], vars: Value) -> Value {
    let lines = |wanted: fn(u32, u32) -> bool| code.iter().filter(|(n, _)| wanted(*n, line)).map(|(_, text)| *text).collect::<Vec<_>>();
    json!({
        "filename": file, "abs_path": format!("/srv/shop/{file}"), "module": file.trim_end_matches(".py").replace('/', "."),
        "function": function, "lineno": line, "in_app": true, "vars": vars,
        "pre_context": lines(|n, line| n < line), "context_line": lines(|n, line| n == line)[0], "post_context": lines(|n, line| n > line),
    })
}

/// What happened in the two seconds before `at`.
fn breadcrumbs(order: u32, at: OffsetDateTime) -> Value {
    let before = |milliseconds: i64, mut crumb: Value| {
        crumb["timestamp"] = json!((at - Duration::milliseconds(milliseconds)).unix_timestamp_nanos() as f64 / 1e9);
        crumb
    };
    json!([
        before(1_930, json!({ "type": "navigation", "category": "navigation", "data": { "from": "/cart/", "to": "/checkout/" } })),
        before(1_420, json!({ "category": "query", "message": "SELECT … FROM orders_order WHERE number = %s FOR UPDATE" })),
        before(1_388, json!({ "category": "flags", "level": "info", "message": format!("gift wrap added to HP-{order} (0.90 EUR)") })),
        before(
            310,
            json!({
                "type": "http", "category": "httplib", "data": { "url": "https://api.adyra.example/v2/captures", "method": "POST", "status_code": 402 },
            })
        ),
        before(12, json!({ "category": "payments", "level": "warning", "message": "capture refused" })),
    ])
}
