//! Files that come with events: how many of them, what they may be called, and what they are, whatever their sender says.

/// Longest name that is kept, in characters.
pub const NAME_LEN_MAX: usize = 200;
/// Largest image that is drawn on a page, in bytes; larger ones are downloaded.
pub const SHOWN_BYTES_MAX: i64 = 5 << 20;
/// The kind of a file of which the sender says nothing.
pub const PLAIN: &str = "event.attachment";
/// The kind of a crash dump of a native program.
pub const MINIDUMP: &str = "event.minidump";

/// How much may be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of one file.
    pub bytes: usize,
    /// Files of one event.
    pub event_count: u32,
    /// Bytes of all files of one event.
    pub event_bytes: u64,
}

impl Quota {
    /// Whether an event that has `count` files of `bytes` together has room for one more of `more` bytes.
    pub fn has_room(&self, count: i64, bytes: i64, more: i64) -> bool {
        count < i64::from(self.event_count) && u64::try_from(bytes.saturating_add(more)).is_ok_and(|sum| sum <= self.event_bytes)
    }
}

/// The name under which a file is shown and saved: no folders, no control characters, nothing that turns the direction of writing.
pub fn clean_name(sent: &str, kind: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    if kept.is_empty() {
        return nameless(kind).to_owned();
    }
    shortened(kept)
}

/// Marks of direction and of width nothing: `gpj.exe` must not look like `exe.jpg`.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{ad}')
}

/// Keeps the ending, which says what it is.
fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_LEN_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map(|at| &name[at..]).filter(|ending| ending.chars().count() <= 16).unwrap_or_default();
    let beginning: String = name.chars().take(NAME_LEN_MAX - 1 - ending.chars().count()).collect();
    format!("{beginning}…{ending}")
}

fn nameless(kind: &str) -> &'static str {
    match kind {
        MINIDUMP => "minidump.dmp",
        "event.applecrashreport" => "crash-report.txt",
        "event.view_hierarchy" => "view-hierarchy.json",
        _ => "attachment",
    }
}

/// What a kind is called on pages; '' for an ordinary file.
pub fn kind_label(kind: &str) -> &'static str {
    match kind {
        MINIDUMP => "Minidump",
        "event.applecrashreport" => "Apple crash report",
        "event.view_hierarchy" => "View hierarchy",
        "unreal.context" => "Unreal context",
        "unreal.logs" => "Unreal log",
        _ => "",
    }
}

/// What bytes are, from the bytes alone; '' where that is not known. Only types that are harmless when a browser shows them, and crash dumps.
/// SVG, HTML and PDF are deliberately not among them: the first two are text like any other.
pub fn media_type(bytes: &[u8]) -> &'static str {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    if begins(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if begins(b"\xff\xd8\xff") {
        "image/jpeg"
    } else if begins(b"GIF87a") || begins(b"GIF89a") {
        "image/gif"
    } else if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        "image/webp"
    } else if begins(b"MDMP") {
        "application/x-dmp"
    } else if !bytes.is_empty() && text(bytes).is_some() {
        "text/plain"
    } else {
        ""
    }
}

/// The bytes as text: UTF-8 without NUL. What is text is scrubbed; what is not is kept as it came.
pub fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Whether a page may draw it.
pub fn is_image(media_type: &str) -> bool {
    media_type.starts_with("image/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_is_dangerous_and_keep_what_they_say() {
        for (sent, kept) in [
            ("import.log", "import.log"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\screen shot.png", "screen shot.png"),
            ("a\0b\r\nc.txt", "abc.txt"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            (".htaccess", "htaccess"),
            ("...", "attachment"),
            ("dir/", "attachment"),
            ("", "attachment"),
            ("naïve 日本.txt", "naïve 日本.txt"),
        ] {
            assert_eq!(clean_name(sent, PLAIN), kept, "{sent:?}");
        }
        assert_eq!(clean_name("", MINIDUMP), "minidump.dmp");
        let long = clean_name(&format!("{}.log", "ä".repeat(1_000)), PLAIN);
        assert_eq!(long.chars().count(), NAME_LEN_MAX);
        assert!(long.ends_with("ä….log"));
        assert_eq!(clean_name(&format!("a.{}", "b".repeat(1_000)), PLAIN).chars().count(), NAME_LEN_MAX);
    }

    #[test]
    fn bytes_say_what_they_are_and_nothing_active_is_known() {
        for (bytes, media) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF89a\x01", "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"MDMP\x93\xa7", "application/x-dmp"),
            (b"hello", "text/plain"),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/plain"),
            (b"<html>", "text/plain"),
            (b"%PDF-1.7\n\xe2\xe3", ""),
            (b"a\0b", ""),
            (b"", ""),
        ] {
            assert_eq!(media_type(bytes), media, "{bytes:?}");
        }
    }

    #[test]
    fn an_event_is_full_by_number_or_by_size() {
        let quota = Quota { bytes: 10, event_count: 2, event_bytes: 15 };
        assert!(quota.has_room(0, 0, 10) && quota.has_room(1, 10, 5) && quota.has_room(1, 15, 0));
        assert!(!quota.has_room(2, 0, 0) && !quota.has_room(1, 10, 6));
    }
}
