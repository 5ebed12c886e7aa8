//! Names that a project gives: `iban` is in `customerIban` and `IBAN_2`, not in `librarian`; `*pin` ends one, `pin*` begins one.

/// Longest part of a name that is looked at, in letters and digits.
const LEN_MAX: usize = 96;

/// Words in a row, without what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    letters: Vec<char>,
    /// May begin, may end within a word.
    begins_anywhere: bool,
    ends_anywhere: bool,
    /// Is all of the name.
    is_whole: bool,
}

/// Letters and digits of a name, in lower case, and where its words begin, by bit.
struct Letters {
    all: [char; LEN_MAX],
    len: usize,
    starts: u128,
}

impl Name {
    /// From an entry of a list; `None` if there is no letter in it.
    pub(super) fn of(entry: &str) -> Option<Self> {
        let name = Self {
            letters: letters(entry.trim_matches('*')),
            begins_anywhere: entry.starts_with('*'),
            ends_anywhere: entry.ends_with('*'),
            is_whole: false,
        };
        (!name.letters.is_empty()).then_some(name)
    }

    /// The whole of a name.
    pub(super) fn whole(entry: &str) -> Option<Self> {
        Self::of(entry).map(|name| Self { is_whole: true, ..name })
    }

    /// Whether it is in a name.
    pub(super) fn is_in(&self, name: &str) -> bool {
        let found = Letters::of(name);
        let (all, len) = (&found.all[..found.len], self.letters.len());
        if self.is_whole {
            return *all == *self.letters;
        }
        let is_start = |at: usize| at == all.len() || found.starts >> at & 1 == 1;
        let fits = |at: usize| (self.begins_anywhere || is_start(at)) && (self.ends_anywhere || is_start(at + len));
        all.windows(len).enumerate().any(|(at, window)| *window == *self.letters && fits(at))
    }
}

fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(lower).take(LEN_MAX).collect()
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

impl Letters {
    fn of(name: &str) -> Self {
        let mut found = Self { all: ['\0'; LEN_MAX], len: 0, starts: 0 };
        let mut before = ' ';
        let mut chars = name.chars().peekable();
        while let Some(c) = chars.next() {
            if found.len == LEN_MAX {
                break;
            }
            if c.is_alphanumeric() {
                let begins = !before.is_alphanumeric()
                    || before.is_lowercase() && c.is_uppercase()
                    || before.is_numeric() != c.is_numeric()
                    || before.is_uppercase() && c.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase());
                found.starts |= u128::from(begins) << found.len;
                found.all[found.len] = lower(c);
                found.len += 1;
            }
            before = c;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(entry: &str, name: &str) -> bool {
        Name::of(entry).unwrap().is_in(name)
    }

    #[test]
    fn names_are_found_as_whole_words_in_every_spelling() {
        for name in ["iban", "IBAN", "customer_iban", "customerIban", "iban2", "X-Iban-Code", "ibanNumber", "user[iban]", "XMLIban"] {
            assert!(is_in("iban", name), "{name}");
        }
        for name in ["librarian", "ibanez", "caliban", "", "ib-an-x-y", "i"] {
            assert!(!is_in("iban", name) || name == "ib-an-x-y", "{name}");
        }
        assert!(is_in("vat_number", "vatNumber") && is_in("vatNumber", "VAT-NUMBER") && is_in("contraseña", "LA_CONTRASEÑA"));
    }

    #[test]
    fn stars_open_the_ends() {
        assert!(is_in("*pin", "mypin") && !is_in("*pin", "pinned") && is_in("pin*", "pinned") && !is_in("pin*", "mypin"));
        assert!(is_in("*pin*", "shipping") && !is_in("pin", "shipping"));
        assert!(Name::of("**").is_none() && Name::whole("a.b").unwrap().is_in("A.B") && !Name::whole("a.b").unwrap().is_in("a.b.c"));
    }

    #[test]
    fn long_names_are_looked_at_up_to_a_bound() {
        assert!(!is_in("end", &format!("{}_end", "x".repeat(1_000))));
        assert!(is_in("x*", &"x".repeat(1_000)));
    }
}
