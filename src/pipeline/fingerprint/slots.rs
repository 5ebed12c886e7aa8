//! The words of a sentence that may be values: which other sentences agree with it in everything else.

use super::ladder;
use super::plain_text::{self, VALUE};
use crate::domain::fingerprint::{Hash, Sentence};

/// Longer sentences are compared as they are.
const WORDS_MAX: usize = 40;
/// Slots of one sentence that are remembered.
const SLOTS_MAX: usize = 24;
/// Words that must be left to say what it is about.
const CONSTANTS_MIN: usize = 2;
/// Longest name, in words.
const NAME_WORDS_MAX: usize = 4;
/// Shown instead of a value.
const SHOWN: &str = "…";

/// A place in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The hash of the sentence with a value here: what the sentences have in common that differ here only.
    pub pattern: Hash,
    /// What stands here is written like a name.
    pub is_name: bool,
    /// The sentence with the place left open, for people.
    pub title: String,
}

/// Every word that is no value already, and every run of words that are written like a name.
pub fn slots(sentence: &Sentence) -> Vec<Slot> {
    let words: Vec<&str> = sentence.text.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() > WORDS_MAX {
        return Vec::new();
    }
    let mut slots = Vec::new();
    let mut at = 0;
    while at < words.len() && slots.len() < SLOTS_MAX {
        let len = name_len(&words, at).max(1);
        if words[at] != VALUE {
            slots.extend(slot(sentence, &words, at, len));
        }
        at += len;
    }
    slots
}

/// Words in capitals from here on; the first word of a sentence is no sign of a name.
fn name_len(words: &[&str], at: usize) -> usize {
    let is_name = |word: &&&str| word.starts_with(char::is_uppercase);
    if at == 0 { 0 } else { words[at..].iter().take(NAME_WORDS_MAX).take_while(is_name).count() }
}

fn slot(sentence: &Sentence, words: &[&str], at: usize, len: usize) -> Option<Slot> {
    let rest = || words[..at].iter().chain(&words[at + len..]);
    if rest().filter(|word| **word != VALUE).count() < CONSTANTS_MIN {
        return None;
    }
    let mut pattern: Vec<&str> = Vec::with_capacity(words.len());
    for (place, word) in words.iter().enumerate() {
        let word = if (at..at + len).contains(&place) { VALUE } else { word };
        match pattern.last() {
            Some(&VALUE) if word == VALUE => {}
            Some(&VALUE) => pattern.push(plain_text::singular(word)),
            _ => pattern.push(word),
        }
    }
    let text = pattern.join(" ");
    Some(Slot {
        pattern: ladder::key_of_sentence(sentence.rung, &sentence.scope, &text).hash(),
        is_name: words[at].starts_with(char::is_uppercase) && at > 0,
        title: text.replace(VALUE, SHOWN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(text: &str) -> Vec<String> {
        let sentence = Sentence { rung: "message", scope: "shop".into(), text: text.into() };
        slots(&sentence).into_iter().map(|slot| slot.title).collect()
    }

    #[test]
    fn each_word_and_each_name_is_a_slot() {
        let found = titles("Mail to Grace Tundra bounced");
        assert_eq!(found, ["… to Grace Tundra bounced", "Mail … Grace Tundra bounced", "Mail to … bounced", "Mail to Grace Tundra …"]);
        assert_eq!(titles("paid ✱"), Vec::<String>::new());
        assert_eq!(titles("paid ✱ twice today"), ["… twice today", "paid … today", "paid … twice …"]);
    }

    #[test]
    fn the_pattern_is_the_hash_of_the_sentence_with_a_value_there() {
        let sentence = |text: &str| Sentence { rung: "message", scope: "shop".into(), text: text.into() };
        let ann = slots(&sentence("mail to Ann bounced"));
        let bob = slots(&sentence("mail to Bob Miller bounced"));
        let with_value = ladder::key_of_sentence("message", "shop", "mail to ✱ bounced").hash();
        assert!(ann.iter().any(|slot| slot.pattern == with_value && slot.is_name));
        assert!(bob.iter().any(|slot| slot.pattern == with_value && slot.is_name));
    }
}
