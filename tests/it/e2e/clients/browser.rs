//! `@sentry/browser` in Chromium, on a page of another origin than Bugle.

use std::path::{Component, Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::program::{node_modules, source};
use crate::e2e::chromium::Chromium;
use crate::harness::listen;

/// Opens the shop and lets its page report to this DSN.
pub async fn tell_the_story(dsn: &str) {
    let listener = listen().await;
    let url = format!("http://{}/", listener.local_addr().expect("a bound listener has an address"));
    let modules = node_modules();
    let server = tokio::spawn(async move {
        let pages = Router::new().fallback(move |uri: Uri| async move { page(&modules, uri.path()) });
        axum::serve(listener, pages).await
    });
    let chromium = Chromium::open(true, false).await;
    chromium.goto(&url).await;
    let script = "const [dsn, done] = arguments; window.story(dsn).then(done, (error) => done(String(error)))";
    let sent = chromium.run_async(script, vec![json!(dsn)]).await;
    assert_eq!(sent, json!(true), "the browser has not sent everything");
    chromium.close().await;
    server.abort();
}

/// The shop's own files, and under `/modules` what npm installed.
fn page(modules: &Path, path: &str) -> Response {
    let file = match path.strip_prefix("/modules/") {
        Some(module) => modules.join(module),
        None if path == "/" => PathBuf::from(source("browser/index.html")),
        None => PathBuf::from(source("browser")).join(path.trim_start_matches('/')),
    };
    let kind = if path.ends_with(".js") || path.ends_with(".mjs") { "text/javascript" } else { "text/html; charset=utf-8" };
    match std::fs::read(&file) {
        Ok(bytes) if file.components().all(|part| part != Component::ParentDir) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], Bytes::from(bytes)).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
