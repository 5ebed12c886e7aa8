//! What somebody probably meant.

/// The known word nearest to `wrong`, if it is near enough to be a slip of the fingers: at most a third of it differs.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wrong.chars().count() / 3).max(1);
    let close = known.into_iter().map(|word| (distance(&wrong.to_lowercase(), &word.to_lowercase()), word));
    close.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Keys the search knows by itself, in the form to suggest.
pub(super) const KEYS: &[&str] = &[
    "is",
    "level",
    "environment",
    "release",
    "type",
    "culprit",
    "logger",
    "platform",
    "has",
    "first",
    "last",
    "events",
    "users",
    "user.id",
    "user.username",
    "user.email",
    "user.ip",
];

/// The problem that a key is neither a field nor one of `tags`, with the whole search repaired where a slip is likely.
pub fn unknown_key(text: &str, key: &str, tags: &[String]) -> super::Problem {
    let known = KEYS.iter().copied().chain(tags.iter().map(String::as_str));
    let suggestion = nearest(key, known).map(|meant| replace_key(text, key, meant));
    super::Problem { message: format!("There is no field or tag called “{key}”."), suggestion }
}

/// Replaces the key where it stands as one, once.
fn replace_key(text: &str, key: &str, meant: &str) -> String {
    text.replacen(&format!("{key}:"), &format!("{meant}:"), 1).replacen(&format!("has:{key}"), &format!("has:{meant}"), 1)
}

/// Edits to get from one to the other: a letter more, less or other, or two neighbours swapped.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let other = last[j] + usize::from(a[i] != b[j]);
            let mut best = other.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
