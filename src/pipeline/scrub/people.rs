//! E-mail and IP addresses in texts, for projects that do not keep them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::rules::Scope;
use super::text::Span;
use crate::domain::scrubbing::Rule;

/// Longest part of an address before and after its `@`, in bytes (RFC 5321: 64 and 255).
const LOCAL_LEN_MAX: usize = 64;
const HOST_LEN_MAX: usize = 255;
/// Longest IP address as text: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
const IP_LEN_MAX: usize = 45;

/// Adds what a project does not keep to the secrets that were found, in order, apart from each other.
pub(super) fn add(text: &str, scope: Scope<'_>, spans: &mut Vec<Span>) {
    let mut found = Vec::new();
    if scope.drops_emails() {
        emails(text, &mut found);
    }
    if scope.drops_addresses() {
        addresses(text, &mut found);
    }
    if found.is_empty() {
        return;
    }
    let overlaps = |one: &Range<usize>, other: &Range<usize>| one.start < other.end && other.start < one.end;
    found.retain(|new| spans.iter().all(|known| !overlaps(&new.range, &known.range)));
    spans.append(&mut found);
    spans.sort_by_key(|span| span.range.start);
    spans.dedup_by(|later, earlier| overlaps(&later.range, &earlier.range));
}

fn emails(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for at in memchr::memchr_iter(b'@', bytes) {
        let local = bytes[from..at].iter().rev().take(LOCAL_LEN_MAX).take_while(|byte| is_local(**byte)).count();
        let host = bytes[at + 1..].iter().take(HOST_LEN_MAX).take_while(|byte| is_host(**byte)).count();
        let name = bytes[at + 1..at + 1 + host].trim_ascii_end();
        let host = name.len() - name.iter().rev().take_while(|byte| matches!(byte, b'.' | b'-')).count();
        let has_dot = name[..host].iter().position(|byte| *byte == b'.').is_some_and(|dot| dot > 0);
        if local > 0 && has_dot {
            let end = at + 1 + host;
            found.push(Span { range: at - local..end, rule: Rule::Email });
            from = end;
        }
    }
    // `%40` is how `@` is written in addresses of pages.
    for (at, _) in text.match_indices("%40") {
        let local = bytes[..at].iter().rev().take(LOCAL_LEN_MAX).take_while(|byte| is_local(**byte) && **byte != b'=').count();
        let host = bytes[at + 3..].iter().take(HOST_LEN_MAX).take_while(|byte| is_host(**byte)).count();
        if local > 0 && bytes[at + 3..at + 3 + host].contains(&b'.') {
            found.push(Span { range: at - local..at + 3 + host, rule: Rule::Email });
        }
    }
}

/// Quoted parts are left out: they cannot be told from prose.
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%') || byte >= 0x80
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || byte >= 0x80
}

/// Runs of digits, dots and colons that are an address, standing alone. Addresses of this machine itself say nothing about anybody.
fn addresses(text: &str, found: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_hexdigit() && bytes[at] != b':' {
            at += 1;
            continue;
        }
        let len = bytes[at..].iter().take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':')).count();
        let stands_alone =
            !before_joins(&bytes[..at]) && !bytes.get(at + len).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if let Some(size) = stands_alone.then(|| address_len(&text[at..at + len])).flatten() {
            found.push(Span { range: at..at + size, rule: Rule::Address });
        }
        at += len;
    }
}

/// Part of a word, or the version of a product: `Chrome/118.0.0.0`.
fn before_joins(before: &[u8]) -> bool {
    match before {
        [.., name, b'/'] => name.is_ascii_alphanumeric(),
        [.., last] => last.is_ascii_alphanumeric() || matches!(last, b'_' | b'-') || *last >= 0x80,
        [] => false,
    }
}

/// How much of a run is an address: all of it, or what stands before a port or the end of a sentence.
fn address_len(run: &str) -> Option<usize> {
    let run = run.trim_end_matches(['.', ':']);
    if run.len() < 3 || run.len() > IP_LEN_MAX + 6 {
        return None;
    }
    let quad = run.split_once(':').map_or(run, |(host, _)| host);
    if let Ok(address) = quad.parse::<Ipv4Addr>() {
        let port = run.get(quad.len() + 1..).unwrap_or_default();
        let is_alone = port.bytes().all(|byte| byte.is_ascii_digit());
        return (is_alone && !address.is_loopback() && !address.is_unspecified()).then_some(quad.len());
    }
    let address: Ipv6Addr = run.parse().ok()?;
    // `a::b` is a path in a program as well.
    let groups = run.split(':').filter(|group| !group.is_empty()).count();
    let is_sure = (groups >= 3 || run.contains('.')) && run.bytes().any(|byte| byte.is_ascii_digit());
    (is_sure && !address.is_loopback() && !address.is_unspecified()).then_some(run.len())
}

#[cfg(test)]
mod tests {
    use super::super::rules::Rules;
    use super::super::text::{Kind, scrub};
    use crate::domain::scrubbing::{Addresses, Scrubbing};

    fn scrubbed(text: &str) -> String {
        let chosen = Scrubbing { keeps_emails: false, addresses: Addresses::DropEverywhere, ..Scrubbing::default() };
        let rules = Rules::of(&chosen);
        let once = scrub(text, Kind::Prose, rules.root()).unwrap_or_else(|| text.to_owned());
        assert!(scrub(&once, Kind::Prose, rules.root()).is_none(), "again something is found in {once}");
        once
    }

    #[test]
    fn addresses_of_people_and_machines_go_if_they_are_not_kept() {
        for (text, clean) in [
            ("mail to ada.lovelace+x@mail.example.co.uk failed", "mail to [Filtered e-mail] failed"),
            ("<ada@x.test>, bob@y.test.", "<[Filtered e-mail]>, [Filtered e-mail]."),
            ("/u?mail=ada%40x.test&b=1", "/u?mail=[Filtered e-mail]&b=1"),
            ("'email': 'ada@x.test', 'password': 'ada@x.test'", "'email': '[Filtered e-mail]', 'password': '[Filtered]'"),
            ("from 203.0.113.7:5123 via 10.0.0.1.", "from [Filtered IP address]:5123 via [Filtered IP address]."),
            ("http://192.0.2.1/x", "http://[Filtered IP address]/x"),
            ("peer 2001:db8::8a2e:370:7334, [fe80::1:2]:443", "peer [Filtered IP address], [[Filtered IP address]]:443"),
            ("::ffff:203.0.113.9 said", "[Filtered IP address] said"),
            ("müller@bücher.example", "[Filtered e-mail]"),
        ] {
            assert_eq!(scrubbed(text), clean, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_address_stays() {
        for text in [
            "Chrome/118.0.0.0 Safari/537.36",
            "version 1.2.3 of 1.2.3.4.5, 999.1.1.1",
            "at 10:30:59 and 12:00",
            "dead::beef std::fmt a::b::c ::",
            "127.0.0.1 ::1 0.0.0.0",
            "@decorator a@b user@localhost @media",
            "v1.2.3.4",
            "",
        ] {
            assert_eq!(scrubbed(text), text);
        }
    }

    #[test]
    fn long_and_hostile_texts_take_no_detours() {
        for unit in ["@", "a@", "a.b@c.d", "1.", "1:", "%40", "1.1.1.1 ", "é@é."] {
            assert!(scrubbed(&unit.repeat(20_000)).len() < 2_000_000, "{unit}");
        }
    }
}
