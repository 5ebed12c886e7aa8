//! Style sheet, script and mark: embedded, and served under names that hold their hash, so that browsers keep them for a year.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest as _, Sha256};

use crate::http::Doors;
use crate::http::web::page_error::PageError;

struct Asset {
    path: String,
    mime: &'static str,
    body: &'static [u8],
}

/// Every asset is below this path.
pub const PREFIX: &str = "/static/";

static CSS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("bugle", "css", "text/css; charset=utf-8", include_bytes!("../../../static/bugle.css")));
static JS: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("bugle", "js", "text/javascript; charset=utf-8", include_bytes!("../../../static/bugle.js")));
static ICON: LazyLock<Asset> = LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../../static/icon.svg")));

impl Asset {
    fn new(stem: &str, ending: &str, mime: &'static str, body: &'static [u8]) -> Self {
        let hash = Sha256::digest(body).iter().take(6).fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
            hex
        });
        Self { path: format!("{PREFIX}{stem}.{hash}.{ending}"), mime, body }
    }
}

/// Address of the style sheet.
pub fn css() -> &'static str {
    &CSS.path
}

/// Address of the script.
pub fn js() -> &'static str {
    &JS.path
}

/// Address of the mark.
pub fn icon() -> &'static str {
    &ICON.path
}

/// The routes of embedded files.
pub fn routes() -> Router<Doors> {
    Router::new().route("/static/{file}", get(file)).route("/favicon.ico", get(|| async { Redirect::permanent(icon()) }))
}

async fn file(Path(file): Path<String>) -> Result<Response, PageError> {
    let wanted = format!("/static/{file}");
    let asset = [&*CSS, &*JS, &*ICON].into_iter().find(|asset| asset.path == wanted).ok_or(PageError::NotFound)?;
    Ok(([(CONTENT_TYPE, asset.mime), (CACHE_CONTROL, "public, max-age=31536000, immutable")], asset.body).into_response())
}

/// The design's budgets: one request each, and small ones.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_and_the_script_stay_within_their_budgets() {
        assert!(CSS.body.len() <= 30 * 1024, "{} bytes of style", CSS.body.len());
        assert!(JS.body.len() <= 4 * 1024, "{} bytes of script", JS.body.len());
    }
}
