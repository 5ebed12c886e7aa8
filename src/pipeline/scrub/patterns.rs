//! Values that are secrets by their form, wherever they stand: card numbers, keys, tokens.

use std::ops::Range;

/// Shortest text that is a secret by its form: `basic a1b2c3`.
pub(super) const LEN_MIN: usize = 12;
/// How well-known tokens begin, and how many more characters make one.
const TOKEN_PREFIXES: &[(&str, usize)] = &[
    ("AGE-SECRET-KEY-1", 20),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ATATT3", 30),
    ("AIza", 30),
    ("GOCSPX-", 20),
    ("NRAK-", 20),
    ("SG.", 20),
    ("dapi", 32),
    ("dckr_pat_", 20),
    ("dop_v1_", 30),
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glc_", 30),
    ("glpat-", 16),
    ("glsa_", 30),
    ("hf_", 30),
    ("hooks.slack.com/services/", 20),
    ("hvs.", 20),
    ("npm_", 30),
    ("pypi-", 30),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("shpat_", 30),
    ("shpss_", 30),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("sk-", 20),
    ("sntrys_", 20),
    ("sntryu_", 20),
    ("sq0atp-", 20),
    ("sq0csp-", 20),
    ("whsec_", 20),
    ("xapp-", 10),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxe-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("ya29.", 20),
];
/// Shortest header of a JSON web token: `eyJ` is `{"` in base64.
const JWT_PART_MIN: usize = 8;
/// Fewest and most digits of a card number.
pub(super) const CARD_LEN_MIN: usize = 13;
const CARD_LEN_MAX: usize = 19;

/// A token that begins here, at the beginning of a word.
pub(super) fn token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let (prefix, min) = TOKEN_PREFIXES.iter().find(|(prefix, _)| rest.starts_with(prefix.as_bytes()))?;
    // The address of a webhook goes on in parts.
    let is_path = prefix.ends_with('/');
    let end = at + prefix.len() + run(&rest[prefix.len()..], |byte| is_token_byte(byte) || is_path && byte == b'/');
    (end - at - prefix.len() >= *min).then_some(at..end)
}

/// `Bearer …` and `Basic …`: what follows, if it looks like a secret.
pub(super) fn scheme(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let len = [b"bearer ".as_slice(), b"basic "]
        .iter()
        .find(|word| rest.get(..word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word)))?
        .len();
    let start = at + len;
    let end = start + run(&text[start..], |byte| is_token_byte(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'='));
    let secret = &text[start..end];
    let has_digit = secret.iter().any(u8::is_ascii_digit);
    let is_mixed = secret[secret.len().min(1)..].iter().any(u8::is_ascii_uppercase) && secret.iter().any(u8::is_ascii_lowercase);
    (secret.len() >= 6 && has_digit || secret.len() >= 12 && is_mixed).then_some(start..end)
}

/// A private key in PEM, up to its end or that of the text.
pub(super) fn private_key(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = &text[at..];
    let label = rest.strip_prefix("-----BEGIN ")?;
    let title_end = label.find("-----")?;
    if title_end > 40 || !label[..title_end].ends_with("PRIVATE KEY") {
        return None;
    }
    let body = "-----BEGIN ".len() + title_end + "-----".len();
    let end = rest[body..].find("-----END ").map(|end| body + end).map_or(rest.len(), |end| {
        let after = end + "-----END ".len();
        rest[after..].find("-----").map_or(rest.len(), |close| after + close + "-----".len())
    });
    Some(at..at + end)
}

/// A payment card number that begins here, and where its digits end if it is none.
pub(super) fn card(text: &[u8], at: usize) -> Result<Range<usize>, usize> {
    let run_end = at + digits(&text[at..]);
    let before = text[..at].last().copied();
    let in_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if in_word(before) || before == Some(b'-') && in_word(text[..at - 1].last().copied()) {
        return Err(run_end);
    }
    // Undivided, or in groups of which the first has four.
    if !matches!(run_end - at, 4 | CARD_LEN_MIN..=CARD_LEN_MAX) {
        return Err(run_end);
    }
    let (mut number, mut groups, mut end) = (Few::default(), Few::default(), at);
    loop {
        let group = digits(&text[end..]);
        text[end..].iter().take(group.min(CARD_LEN_MAX + 1)).for_each(|byte| number.push(byte - b'0'));
        groups.push(u8::try_from(group).unwrap_or(u8::MAX));
        end += group;
        let next = text.get(end).copied();
        let is_open = next.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_open && is_card(number.all(), groups.all()) {
            return Ok(at..end);
        }
        let goes_on = matches!(next, Some(b' ' | b'-')) && text.get(end + 1).is_some_and(u8::is_ascii_digit);
        if number.len >= CARD_LEN_MAX || !goes_on {
            return Err(run_end);
        }
        end += 1;
    }
}

/// Digits of a card number, or lengths of its groups, without allocating for every number in a text. More than fit are none.
#[derive(Default)]
struct Few {
    items: [u8; 32],
    len: usize,
}

impl Few {
    fn push(&mut self, item: u8) {
        if let Some(place) = self.items.get_mut(self.len) {
            *place = item;
            self.len += 1;
        }
    }

    fn all(&self) -> &[u8] {
        &self.items[..self.len]
    }
}

fn is_card(digits: &[u8], groups: &[u8]) -> bool {
    let grouped_well = match groups {
        [_] => true,
        [4, 6, 4 | 5] => true,
        [all @ .., last] => all.iter().all(|group| *group == 4) && *last <= 4,
        [] => false,
    };
    grouped_well && is_issued(digits) && passes_luhn(digits)
}

/// First digits and lengths the card networks use.
fn is_issued(digits: &[u8]) -> bool {
    let number = |len: usize| digits.iter().take(len).fold(0u32, |number, digit| number * 10 + u32::from(*digit));
    match digits.len() {
        13 => number(1) == 4,
        14 => matches!(number(2), 30 | 36 | 38 | 39),
        15 => matches!(number(2), 34 | 37),
        16 => number(1) == 4 || matches!(number(2), 35 | 51..=55 | 62 | 64 | 65) || matches!(number(4), 2221..=2720 | 6011),
        19 => number(1) == 4 || number(2) == 62,
        _ => false,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(place, digit)| match (place % 2, *digit) {
        (0, digit) => u32::from(digit),
        (_, digit @ 0..5) => u32::from(digit) * 2,
        (_, digit) => u32::from(digit) * 2 - 9,
    });
    weighed.sum::<u32>().is_multiple_of(10)
}

/// A JSON web token that begins here, at the beginning of a word.
pub(super) fn json_web_token(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !text[at..].starts_with(b"eyJ") {
        return None;
    }
    let header = run(&text[at..], is_token_byte);
    let dot = at + header;
    if header < JWT_PART_MIN || text.get(dot) != Some(&b'.') {
        return None;
    }
    let payload = run(&text[dot + 1..], is_token_byte);
    let end = dot + 1 + payload;
    let signature = if text.get(end) == Some(&b'.') { 1 + run(&text[end + 1..], is_token_byte) } else { 0 };
    (payload >= JWT_PART_MIN).then_some(at..end + signature)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// How many digits stand at the beginning.
pub(super) fn digits(bytes: &[u8]) -> usize {
    run(bytes, |byte| byte.is_ascii_digit())
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}
