//! `multipart/form-data`, taken apart without copying: files that are uploaded and fields of forms (RFC 7578).

use memchr::memmem;

/// Most parts of one body; crash handlers send some dozens.
pub const PARTS_MAX: usize = 1_000;
/// Longest head of a part, in bytes.
const HEAD_LEN_MAX: usize = 16 * 1_024;
/// Longest boundary, in bytes (RFC 2046).
const BOUNDARY_LEN_MAX: usize = 70;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Of the field.
    pub name: String,
    /// Of the file; `None`: it is a field.
    pub file_name: Option<String>,
    /// As sent; '' not sent.
    pub content_type: String,
    /// Its bytes.
    pub content: &'a [u8],
}

/// Why a body cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The header says nothing of a boundary, or the body has none.
    #[error("the body has no boundary")]
    NoBoundary,
    /// A part without a name, or without an end.
    #[error("part {0} of the form is broken")]
    Part(usize),
    /// More than [`PARTS_MAX`].
    #[error("a form has more than {PARTS_MAX} parts")]
    TooManyParts,
}

/// The boundary in a `Content-Type`; `None` where it is no form.
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = parameter(parameters, "boundary")?;
    (1..=BOUNDARY_LEN_MAX).contains(&value.len()).then_some(value)
}

/// Takes a body apart. Text before the first boundary and after the last is no part of it. The last boundary may be missing, as after an
/// upload of a crashed program.
pub fn parse<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<Part<'a>>, MultipartError> {
    let line = format!("--{boundary}");
    let opening = memmem::find(body, line.as_bytes()).ok_or(MultipartError::NoBoundary)?;
    let between = format!("\r\n{line}");
    let finder = memmem::Finder::new(between.as_bytes());
    let mut rest = &body[opening + line.len()..];
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let index = parts.len();
        let Some(begun) = rest.iter().position(|byte| *byte == b'\n').map(|at| &rest[at + 1..]) else { break };
        if index == PARTS_MAX {
            return Err(MultipartError::TooManyParts);
        }
        let end = finder.find(begun).unwrap_or(begun.len());
        parts.push(part(&begun[..end]).ok_or(MultipartError::Part(index))?);
        rest = begun.get(end + between.len()..).unwrap_or_default();
    }
    Ok(parts)
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let window = &bytes[..bytes.len().min(HEAD_LEN_MAX)];
    let at = memmem::find(window, b"\r\n\r\n")?;
    let (head, content) = (String::from_utf8_lossy(&bytes[..at]), &bytes[at + 4..]);
    let header = |name: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(&disposition, "name")?,
        file_name: parameter(&disposition, "filename"),
        content_type: header("content-type").unwrap_or_default(),
        content,
    })
}

/// The value of `name=…` or `name="…"` among parameters separated by semicolons. Quotes may hold semicolons and, behind a backslash, quotes;
/// other backslashes are those of Windows.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (key, value) = rest.split_once('=')?;
        let key = key.rsplit(';').next().unwrap_or_default().trim();
        let (found, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => value.split_once(';').map_or((value.trim().to_owned(), ""), |(value, after)| (value.trim().to_owned(), after)),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(found);
        }
        rest = after;
    }
}

fn unquoted(text: &str) -> (String, &str) {
    let mut found = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (found, &text[at + 1..]),
            '\\' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                found.push('"');
                chars.next();
            }
            c => found.push(c),
        }
    }
    (found, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"preamble\r\n--xx\r\nContent-Disposition: form-data; name=\"sentry[release]\"\r\n\r\n1.0\r\n--xx\r\n\
        content-disposition: form-data; filename=\"C:\\a;b \\\"c\\\".dmp\"; name=upload_file_minidump\r\nContent-Type: application/x-dmp\r\n\r\n\
        MDMP\r\n--x\r\n\0\r\n--xx--\r\nepilogue";

    #[test]
    fn fields_and_files_come_apart_and_bytes_stay_as_they_are() {
        let parts = parse(BODY, "xx").expect("a form");
        assert_eq!((parts[0].name.as_str(), &parts[0].file_name, parts[0].content), ("sentry[release]", &None, &b"1.0"[..]));
        assert_eq!(parts[1].name, "upload_file_minidump");
        assert_eq!(parts[1].file_name.as_deref(), Some("C:\\a;b \"c\".dmp"));
        assert_eq!((parts[1].content_type.as_str(), parts[1].content), ("application/x-dmp", &b"MDMP\r\n--x\r\n\0"[..]));
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn a_form_that_breaks_off_keeps_its_last_part() {
        let parts = parse(b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nabc", "b").expect("a form");
        assert_eq!(parts[0].content, b"abc");
        assert_eq!(parse(b"--b--\r\n", "b"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_form_is_an_error() {
        assert_eq!(parse(b"hello", "b"), Err(MultipartError::NoBoundary));
        assert_eq!(parse(b"--b\r\nno header\r\n\r\nx\r\n--b--", "b"), Err(MultipartError::Part(0)));
        assert_eq!(parse(b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n", "b"), Err(MultipartError::Part(0)));
        let many = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(PARTS_MAX + 1);
        assert_eq!(parse(many.as_bytes(), "b"), Err(MultipartError::TooManyParts));
    }

    #[test]
    fn boundaries_stand_in_the_header() {
        assert_eq!(boundary("multipart/form-data; boundary=xx").as_deref(), Some("xx"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Some("a b"));
        for odd in ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=x"] {
            assert_eq!(boundary(odd), None, "{odd}");
        }
    }
}
