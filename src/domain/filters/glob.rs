//! Patterns with `*` for anything and `?` for one character, of whole texts, whatever their case.

/// How much of a text is looked at, in characters: it bounds what a pattern can cost.
const TEXT_LEN_MAX: usize = 1_024;

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Glob(Vec<char>);

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let mut chars: Vec<char> = pattern.chars().map(lower).collect();
        chars.dedup_by(|later, earlier| *later == '*' && *earlier == '*');
        Self(chars)
    }

    /// Whether the whole text is meant. Each star is tried at its shortest: at most pattern times text steps.
    pub(super) fn matches(&self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let text: Vec<char> = text.chars().take(TEXT_LEN_MAX).map(lower).collect();
        let pattern = &self.0;
        let (mut at, mut place, mut star) = (0, 0, None);
        while at < text.len() {
            match pattern.get(place) {
                Some('*') => {
                    star = Some((place, at));
                    place += 1;
                }
                Some(c) if *c == '?' || *c == text[at] => (place, at) = (place + 1, at + 1),
                _ => match star {
                    Some((star_place, from)) => {
                        star = Some((star_place, from + 1));
                        (place, at) = (star_place + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        pattern[place..].iter().all(|c| *c == '*')
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_say() {
        for (pattern, text, is) in [
            ("ValueError", "valueerror", true),
            ("ValueError", "ValueError: x", false),
            ("Value*", "ValueError: x", true),
            ("*timeout*", "Read Timeout after 5 s", true),
            ("*a*b*c", "xxaxxbxxbc", true),
            ("*a*b*c", "xxaxxbxxbcx", false),
            ("dev-?", "dev-1", true),
            ("dev-?", "dev-12", false),
            ("1.*.0", "1.2.3.0", true),
            ("*", "", false),
            ("é*", "ÉCOLE", true),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let glob = Glob::new(&"*a".repeat(100));
        assert!(!glob.matches(&format!("{}b", "a".repeat(1_000))));
        assert!(Glob::new("*a").matches(&"a".repeat(1_000_000)));
    }
}
