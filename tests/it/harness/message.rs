//! A received mail, read the way a mail program reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One message as it came over the wire, decoded.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Envelope sender (`MAIL FROM`).
    pub envelope_from: String,
    /// Envelope recipients (`RCPT TO`).
    pub to: Vec<String>,
    /// Names as sent, values unfolded and decoded, in order.
    pub headers: Vec<(String, String)>,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
    /// Everything after `DATA`, dots restored.
    pub raw: String,
}

impl Mail {
    pub(super) fn parse(from: &str, to: &[String], data: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(data).replace("\r\n", "\n");
        let (head, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let headers = headers(head);
        let (mut text, mut html) = (String::new(), String::new());
        read_part(&headers, body, &mut text, &mut html);
        Self { envelope_from: from.to_owned(), to: to.to_vec(), headers, text, html, raw }
    }

    /// The first header of this name; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        find(&self.headers, name)
    }

    /// The decoded subject.
    pub fn subject(&self) -> &str {
        self.header("subject")
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn headers(head: &str) -> Vec<(String, String)> {
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    unfolded.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_owned(), decode_words(value.trim()))).collect()
}

fn read_part(headers: &[(String, String)], body: &str, text: &mut String, html: &mut String) {
    let kind = find(headers, "content-type");
    if let Some(boundary) =
        kind.split_once("boundary=").map(|(_, rest)| rest.trim_matches('"').split(['"', ';']).next().unwrap_or_default())
    {
        let delimiter = format!("--{boundary}");
        for part in format!("\n{body}").split(&format!("\n{delimiter}")).skip(1).take_while(|part| !part.starts_with("--")) {
            let part = part.trim_start_matches('\n');
            let (head, body) = part.split_once("\n\n").unwrap_or(("", part));
            read_part(&self::headers(head), body, text, html);
        }
        return;
    }
    let decoded = match find(headers, "content-transfer-encoding").to_ascii_lowercase().as_str() {
        "base64" => from_base64(&body.split_whitespace().collect::<String>()),
        "quoted-printable" => quoted_printable(&body.replace("=\n", "")),
        _ => body.to_owned(),
    };
    if kind.starts_with("text/html") { html } else { text }.push_str(&decoded);
}

/// Decodes `=?utf-8?b?…?=` and `=?utf-8?q?…?=`; white space between two encoded words vanishes.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let Some((word, length)) = encoded_word(&rest[start..]) else { break };
        let between = &rest[..start];
        if !(after_word && between.trim().is_empty()) {
            decoded.push_str(between);
        }
        decoded.push_str(&word);
        rest = &rest[start + length..];
        after_word = true;
    }
    decoded + rest
}

fn encoded_word(text: &str) -> Option<(String, usize)> {
    let mut fields = text.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let (content, _) = rest.split_once("?=")?;
    let word = if encoding.eq_ignore_ascii_case("b") { from_base64(content) } else { quoted_printable(&content.replace('_', " ")) };
    Some((word, 2 + charset.len() + 1 + encoding.len() + 1 + content.len() + 2))
}

fn from_base64(text: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(text).expect("valid base64")).into_owned()
}

fn quoted_printable(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match (first, code) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_mail_is_read_as_a_mail_program_reads_it() {
    let raw = "From: =?utf-8?b?QsO8Z2xl?= <b@x.example>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?_bar?=\r\n\
               Content-Type: multipart/alternative; boundary=\"b1\"\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\
               Content-Transfer-Encoding: quoted-printable\r\n\r\n1 =3D 1, a l=\r\nong line\r\n--b1\r\n\
               Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--b1--\r\n";
    let mail = Mail::parse("a@x.example", &[], raw.as_bytes());
    assert_eq!(mail.subject(), "café bar");
    assert_eq!(mail.header("From"), "Bügle <b@x.example>");
    assert_eq!(mail.text.trim(), "1 = 1, a long line");
    assert_eq!(mail.html, "<b>hi</b>");
}
