//! What every answer of the web door gets: security headers, the error page in place of a bare status, and the flash note taken away once shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum_extra::extract::CookieJar;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, StatusCode};
use tower_http::csrf::ProtectionError;

use crate::domain::user::Theme;
use crate::http::Doors;
use crate::http::web::cookies;
use crate::http::web::page_error::Fault;

/// Nothing inline, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; \
                      connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Set by [`super::signed_in::SignedIn`] when the session's life was extended: then the cookie's is too.
#[derive(Clone, Default)]
pub struct Extended(pub Arc<AtomicBool>);

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage<'a> {
    theme: Theme,
    status: u16,
    fault: &'a Fault,
    here: &'a str,
}

/// The layer.
pub async fn layer(State(doors): State<Doors>, jar: CookieJar, mut request: Request, next: Next) -> Response {
    let extended = Extended::default();
    request.extensions_mut().insert(extended.clone());
    let here = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut response = with_error_page(next.run(request).await, &jar, &here);
    let shown = response.status() == StatusCode::OK && is_html(response.headers());
    let headers = response.headers_mut();
    if shown && jar.get(cookies::NOTE).is_some() && !headers.contains_key(SET_COOKIE) {
        let gone = cookies::gone(&doors, cookies::NOTE).to_string();
        headers.append(SET_COOKIE, HeaderValue::from_str(&gone).expect("a cookie of ours is ASCII"));
    }
    if let Some(cookie) = jar.get(cookies::SESSION).filter(|_| extended.0.load(Ordering::Relaxed)) {
        let again = cookies::session(&doors, cookie.value().to_owned()).to_string();
        headers.extend(HeaderValue::from_str(&again).ok().map(|value| (SET_COOKIE, value)));
    }
    secure(headers);
    response
}

fn with_error_page(response: Response, jar: &CookieJar, here: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_html(response.headers()) {
        return response;
    }
    let cross_site = response.extensions().get::<ProtectionError>().map(|_| Fault::cross_site());
    let fault = cross_site.or_else(|| response.extensions().get::<Fault>().cloned()).unwrap_or_else(|| Fault::of(status));
    let theme = jar.get(cookies::THEME).map_or(Theme::Auto, |cookie| Theme::parse(cookie.value()));
    let page = ErrorPage { theme, status: status.as_u16(), fault: &fault, here };
    let html = page.render().unwrap_or_else(|_| fault.title.clone());
    let mut drawn = (status, Html(html)).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        drawn.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("10"));
    }
    drawn
}

fn secure(headers: &mut HeaderMap) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // `no-referrer` would blank the Origin of our own forms, which the cross-site check reads.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}
