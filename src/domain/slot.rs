//! Whether a word of a message varies, or is a constant of which there are several.
//!
//! "Welcome mail to Grace bounced" and "… to Oskar bounced" are one log line, "Lost connection to Redis" and "… to Kafka" are two. One message
//! does not say which; many do. Names are many and seldom repeat, constants are few and repeat. A wrong merge hides a bug and a wrong split
//! makes noise, so in doubt it is a constant.

/// Values written like names that it takes.
const NAMES_MIN: usize = 5;
/// Other words that it takes: code has more words that are not names.
const WORDS_MIN: usize = 6;
/// So many fewer where the same sentence is known with a number or another certain value in this place.
const FEWER_BESIDE_VALUES: usize = 2;
/// Of so many messages with names, at least one must have brought a new one.
const EVENTS_PER_NAME: i64 = 4;
/// The same for other words.
const EVENTS_PER_WORD: i64 = 2;

/// What is known of one place in a sentence.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slot {
    /// Different values that are written like names.
    pub name_count: usize,
    /// Different values that are not.
    pub word_count: usize,
    /// Messages with any of them.
    pub event_count: i64,
    /// The same sentence is known with a value there.
    pub beside_values: bool,
}

impl Slot {
    /// Whether all these messages are one.
    pub fn varies(&self) -> bool {
        let fewer = if self.beside_values { FEWER_BESIDE_VALUES } else { 0 };
        let value_count = self.name_count + self.word_count;
        let many = |count: usize, min: usize, per_value: i64| {
            count + fewer >= min && i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(per_value) >= self.event_count
        };
        // A few names among other words are just words.
        let are_names = self.name_count > self.word_count;
        if are_names { many(value_count, NAMES_MIN, EVENTS_PER_NAME) } else { many(value_count, WORDS_MIN, EVENTS_PER_WORD) }
    }
}

#[cfg(test)]
mod tests {
    use super::Slot;

    fn names(name_count: usize, event_count: i64) -> Slot {
        Slot { name_count, event_count, ..Slot::default() }
    }

    fn words(word_count: usize, event_count: i64) -> Slot {
        Slot { word_count, event_count, ..Slot::default() }
    }

    #[test]
    fn many_values_that_seldom_repeat_vary() {
        assert!(names(5, 6).varies() && names(12, 40).varies());
        assert!(words(6, 8).varies() && words(30, 60).varies());
        assert!(Slot { beside_values: true, ..names(3, 9) }.varies());
    }

    #[test]
    fn few_values_or_values_that_repeat_are_constants() {
        assert!(!names(4, 4).varies() && !names(5, 200).varies());
        assert!(!words(5, 5).varies() && !words(6, 40).varies());
        assert!(!Slot { name_count: 2, word_count: 3, event_count: 5, beside_values: false }.varies());
    }
}
