//! What is understood, what is not and what is said then, and that no text does harm.

use std::fmt::Write as _;

use super::*;

/// A generator of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

fn fits(pattern: &str, case: Case, text: &str) -> bool {
    Glob::parse(pattern, case).expect("a pattern").matches(text, &mut u64::MAX.clone())
}

#[test]
fn rules_as_people_paste_them_are_understood() {
    let text = r#"
# database
error.type:DatabaseUnavailable -> system-down
error.value:"connection error (code: *)" -> connection-error, {{ transaction }}
logger:my.package.* level:error -> error-logger, {{ logger }} title="Error from Logger {{ logger }}"
family:native !stack.module:"myproject::*" -> not-from-my-project
stack.function:"query_database" -> {{ default }}, {{ transaction }}
tags.server_name:"canary-*.example.com" "tags.my key":x -> two words "and a third" {{tags.my_key}}
app:yes path:**/my-utils/*.{js,ts} -> pre-{{ error.type }}-post
"#;
    let rules = FingerprintRules::parse(text).expect("understood").rules;
    let printed: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(
        printed,
        [
            r#"error.type:DatabaseUnavailable -> system-down"#,
            r#"error.value:"connection error (code: *)" -> connection-error, {{ transaction }}"#,
            r#"logger:my.package.* level:error -> error-logger, {{ logger }} title="Error from Logger {{ logger }}""#,
            r#"family:native !stack.module:myproject::* -> not-from-my-project"#,
            r#"stack.function:query_database -> {{ default }}, {{ transaction }}"#,
            r#"tags.server_name:canary-*.example.com "tags.my key":x -> two, words, "and a third", {{ tags.my_key }}"#,
            r#"app:yes stack.abs_path:"**/my-utils/*.{js,ts}" -> "pre-{{ error.type }}-post""#,
        ]
    );
    assert_eq!(rules.iter().map(|rule| rule.line).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8, 9]);
    let text = "family:native stack.function:std::*       -app\n  stack.abs_path:**/generated/**.js -group ^-group\n\
                [ category:telemetry ] | app:yes v+app\ncategory:system | [ app:yes function:\"a b\" ] -group\n\
                error.mechanism:\"generic\" family:javascript,native max-frames=3 min-frames=2 category=x";
    let rules = StackRules::parse(text).expect("understood").rules;
    assert_eq!(
        rules.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "family:native stack.function:std::* -app",
            "stack.abs_path:**/generated/**.js -group ^-group",
            "[ category:telemetry ] | app:yes v+app",
            "category:system | [ app:yes stack.function:\"a b\" ] -group",
            "error.mechanism:generic family:javascript,native max-frames=3 min-frames=2 category=x",
        ]
    );
}

#[test]
fn every_fault_says_where_what_and_what_is_expected() {
    let fingerprint = [
        "KeyError -> x",
        "error.typ:KeyError -> x",
        "colour:red -> x",
        "category:x -> y",
        ":x -> y",
        "error.type:KeyError",
        "-> x",
        "error.type:KeyError ->",
        "error.type:KeyError->x",
        "error.type: -> x",
        "message:\"timed out -> x",
        "message:\"a\"b -> x",
        "message:[a-z -> x",
        "message:[z-a] -> x",
        "message:{a,b}{a,b}{a,b}{a,b}{a,b}{a,b} -> x",
        "app:perhaps -> x",
        "family:java -> x",
        "error.type:X -> {{ functoin }}",
        "error.type:X -> {{ user.mood }}",
        "error.type:X -> {{ function",
        "error.type:X -> a, \"\"",
        "error.type:X -> a -> b",
        "error.type:X -> a colour=\"red\"",
        "error.type:X -> a title=\"\"",
        "error.type:X -> a title=\"{{ default }}\"",
        "error.type:X -> title=\"only\"",
        "    error.type:X -> ä {{ nmae }}",
    ];
    let stack = [
        "function:x",
        "+app",
        "function:x +ap",
        "function:x group",
        "function:x -> y",
        "function:x ^app",
        "function:x +sentinel",
        "function:x -app module:y",
        "function:x max-frames=many",
        "function:x max-frames=5000",
        "function:x minframes=3",
        "function:x category=a/b",
        "function:x -group # why",
        "[ function:x | module:y -app",
        "[function:x] | module:y -app",
        "[ ] | module:y -app",
        "[ function:x ] module:y -app",
        "function:x | module:y -app",
        "tags.a:b -app",
        "message:x -group",
    ];
    let mut told = String::new();
    for line in fingerprint {
        let faults = FingerprintRules::parse(line).expect_err(line);
        writeln!(told, "{line}\n    {}", faults[0]).expect("a text");
    }
    told.push('\n');
    for line in stack {
        let faults = StackRules::parse(line).expect_err(line);
        writeln!(told, "{line}\n    {}", faults[0]).expect("a text");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn faults_name_the_lines_of_the_text_and_good_lines_are_not_among_them() {
    let faults = FingerprintRules::parse("# one\n\nerror.type:X -> a\n  nonsense\r\nerror.type:Y -> b\nmore").expect_err("two faults");
    assert_eq!(faults.iter().map(|fault| (fault.line, fault.column)).collect::<Vec<_>>(), [(4, 3), (6, 1)]);
    assert_eq!(FingerprintRules::parse_known("nonsense\nerror.type:Y -> b").rules.len(), 1);
}

#[test]
fn what_is_too_much_is_refused() {
    let line = "error.type:X -> a\n";
    assert!(FingerprintRules::parse(&line.repeat(RULES_MAX)).is_ok());
    let faults = FingerprintRules::parse(&line.repeat(RULES_MAX + 1)).expect_err("too many");
    assert_eq!(faults[0].line, RULES_MAX + 1);
    assert_eq!(FingerprintRules::parse(&"#".repeat(TEXT_BYTES_MAX + 1)).expect_err("too long").len(), 1);
    assert_eq!(FingerprintRules::parse(&"wrong\n".repeat(200)).expect_err("many faults").len(), FAULTS_MAX);
    for line in
        [format!("message:{} -> x", "a".repeat(401)), format!("message:x -> {}", "y,".repeat(21)), format!("{} -> x", "type:x ".repeat(21))]
    {
        assert!(FingerprintRules::parse(&line).is_err(), "{line}");
    }
}

#[test]
fn patterns_fit_what_they_say() {
    for (pattern, text, expected) in [
        ("KeyError", "KeyError", true),
        ("KeyError", "keyerror", false),
        ("Key*", "KeyError", true),
        ("*Error", "KeyError", true),
        ("*Error", "KeyErrors", false),
        ("K*E*r", "KeyError", true),
        ("K?yError", "KeyError", true),
        ("[KL]eyError", "LeyError", true),
        ("[!KL]eyError", "KeyError", false),
        ("[a-c]x", "bx", true),
        ("{Key,Value}Error", "ValueError", true),
        ("{a,{b,c}d}", "cd", true),
        ("a{b}c", "a{b}c", true),
        (r"a\*b", "a*b", true),
        (r"a\*b", "axb", false),
        (r"\[x\]", "[x]", true),
        ("*/utils/*", "a/b/utils/c", true),
        ("**", "", true),
        ("*a*a*a*b", "aaaaaaaaaaaa", false),
        ("ü*", "über", true),
    ] {
        assert_eq!(fits(pattern, Case::Exact, text), expected, "{pattern} {text}");
    }
    for (pattern, text, expected) in [
        ("**/node_modules/**", "/app/node_modules/x/y.js", true),
        ("**/vendor/foo/*.c", "/src/vendor/foo/a.c", true),
        ("**/vendor/foo/*.c", "/src/vendor/foo/b/a.c", false),
        ("**/Project/**.c", "/src/project/a/b.c", true),
        (r"C:\app\*.py", "c:/app/x.py", true),
        ("/a/?.py", "/a/b.py", true),
        ("/a?b.py", "/a/b.py", false),
        ("**/*.gen.c", "/foo/bar.gen.c", true),
    ] {
        assert_eq!(fits(pattern, Case::Path, text), expected, "{pattern} {text}");
    }
    assert!(fits("Timed*", Case::Folded, "timed out"));
}

#[test]
fn a_hostile_pattern_costs_no_more_than_its_length_for_each_character() {
    let pattern = "a*".repeat(190);
    let text = "a".repeat(5_000) + "b!";
    let mut fuel = 10_000_000;
    assert!(!Glob::parse(&(pattern + "c"), Case::Exact).expect("a pattern").matches(&text, &mut fuel));
    assert!(fuel > 7_000_000, "{fuel}");
    let mut little = 100;
    assert!(!Glob::parse("*a*b*c", Case::Exact).expect("a pattern").matches(&(text + "xbxc"), &mut little));
    assert_eq!(little, 0);
}

/// What rules are made of, and what breaks them.
const WORDS: &[&str] = &[
    "error.type",
    "message",
    "stack.function",
    "path",
    "tags.a",
    "app",
    "family",
    "category",
    ":",
    ":",
    ":",
    "\"",
    "\"",
    "\\",
    "\\\"",
    "*",
    "**",
    "?",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "{{ default }}",
    "{{ function }}",
    ",",
    " ",
    " ",
    " ",
    " ",
    "->",
    " -> ",
    "!",
    "#",
    "title=\"",
    "yes",
    "native",
    "x",
    "ü",
    "\u{0}",
    "\r",
    "\n",
    "|",
    " | ",
    "+app",
    " -group",
    " ^-app",
    " v+group",
    " max-frames=3",
    "=",
    "é\u{301}",
    "\u{200b}",
    "a-z",
    "(",
    "\u{1f600}",
];

#[test]
fn no_text_does_harm_and_what_is_printed_reads_the_same() {
    let mut dice = Dice(17);
    let (mut fingerprint_count, mut stack_count) = (0, 0);
    for _ in 0..60_000 {
        let starts = ["", "error.type:", "error.type:a -> ", "function:a ", "[ function:", "message:\""];
        let mut text = starts[dice.roll(starts.len())].to_owned();
        for _ in 0..dice.roll(12) {
            text.push_str(WORDS[dice.roll(WORDS.len())]);
        }
        if let Ok(FingerprintRules { rules }) = FingerprintRules::parse(&text) {
            for rule in rules {
                let printed = rule.to_string();
                let again =
                    FingerprintRules::parse(&printed).unwrap_or_else(|faults| panic!("{text:?} became {printed:?}: {}", faults[0])).rules;
                assert_eq!(again.len(), 1, "{text:?} became {printed:?}");
                assert_eq!(
                    (&again[0].matchers, &again[0].parts, &again[0].title),
                    (&rule.matchers, &rule.parts, &rule.title),
                    "{text:?} became {printed:?}"
                );
                fingerprint_count += 1;
            }
        }
        if let Ok(StackRules { rules }) = StackRules::parse(&text) {
            for rule in rules {
                let printed = rule.to_string();
                let again = StackRules::parse(&printed).unwrap_or_else(|faults| panic!("{text:?} became {printed:?}: {}", faults[0])).rules;
                let said = |rule: &StackRule| (rule.caller.clone(), rule.matchers.clone(), rule.callee.clone(), rule.actions.clone());
                assert_eq!(again.iter().map(said).collect::<Vec<_>>(), [said(&rule)], "{text:?} became {printed:?}");
                stack_count += 1;
            }
        }
    }
    assert!(fingerprint_count > 500 && stack_count > 200, "{fingerprint_count} {stack_count}");
}
