//! Files that strangers sent, handed to a browser or a tool: always saved and never run, whatever they or their senders say they are.
//!
//! `Content-Disposition: attachment` keeps a browser from opening them, `nosniff` from guessing what they are, the policy from running
//! anything should somebody open them all the same. The content type is what Bugle saw in the bytes. An `<img>` shows a picture regardless of
//! the disposition, so pages need no other address for them.

use std::fmt::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::domain::attachment;
use crate::domain::ids::ProjectId;
use crate::store::Db;
use crate::store::attachments::{Attachment, chunks};

/// Nothing runs, nothing is loaded, in an origin of its own.
const POLICY: &str = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The file, read from the database piece by piece while it is sent; `None` where its bytes are not kept any more.
pub async fn file(db: &Db, project: ProjectId, file: Attachment) -> anyhow::Result<Option<Response>> {
    let Some(first) = piece(db, project, &file, 0).await? else { return Ok(None) };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type(&file.media_type))),
        (header::CONTENT_LENGTH, HeaderValue::from(file.byte_count)),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600")),
        (header::HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    ];
    Ok(Some((headers, pieces(db.clone(), project, file, first)).into_response()))
}

/// The beginning of a file: its first piece.
pub async fn beginning(db: &Db, project: ProjectId, file: &Attachment) -> anyhow::Result<Option<Bytes>> {
    piece(db, project, file, 0).await
}

async fn piece(db: &Db, project: ProjectId, file: &Attachment, number: i32) -> anyhow::Result<Option<Bytes>> {
    if number >= file.chunk_count {
        return Ok((number == 0).then(Bytes::new));
    }
    chunks::find(db, project, file, number).await?.map(chunks::Chunk::unpack).transpose()
}

fn pieces(db: Db, project: ProjectId, file: Attachment, first: Bytes) -> Body {
    let state = (db, file, 1, Some(first));
    Body::from_stream(stream::try_unfold(state, move |(db, file, number, ready)| async move {
        if let Some(ready) = ready {
            return Ok::<_, anyhow::Error>(Some((ready, (db, file, number, None))));
        }
        if number >= file.chunk_count {
            return Ok(None);
        }
        // The day was dropped meanwhile: a broken answer, which every client notices by its length.
        let next = piece(&db, project, &file, number).await?.ok_or_else(|| anyhow::anyhow!("a piece of an attachment is gone"))?;
        Ok(Some((next, (db, file, number + 1, None))))
    }))
}

fn content_type(media_type: &str) -> &'static str {
    match media_type {
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        "text/plain" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `attachment; filename="…"; filename*=UTF-8''…`: the first for old programs, in ASCII.
fn disposition(name: &str) -> HeaderValue {
    let plain: String = name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' }).collect();
    let mut coded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            coded.push(char::from(byte));
        } else {
            write!(coded, "%{byte:02X}").expect("writing to a string");
        }
    }
    let value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// Whether a page draws it: a picture of a moderate size.
pub fn is_drawn(file: &Attachment) -> bool {
    attachment::is_image(&file.media_type) && file.byte_count <= attachment::SHOWN_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_end_the_header_or_their_quotes() {
        assert_eq!(disposition("import.log"), "attachment; filename=\"import.log\"; filename*=UTF-8''import.log");
        let hostile = disposition("a\"; x=\r\nSet-Cookie: b=\"ü.html");
        let text = hostile.to_str().expect("it is ASCII");
        assert!(text.starts_with("attachment; filename=\"a__ x=__Set-Cookie: b=__.html\"; filename*=UTF-8''a%22%3B%20x"), "{text}");
        assert!(text.is_ascii());
    }

    #[test]
    fn nothing_active_has_a_type_of_its_own() {
        for media in ["image/svg+xml", "text/html", "application/pdf", "application/x-dmp", ""] {
            assert_eq!(content_type(media), "application/octet-stream");
        }
    }
}
