//! Who asked, by what they call themselves: crawlers, and browsers nobody supports any more.

/// Parts of the user agents of programs that read the web, in lower case.
const CRAWLERS: &[&str] = &[
    "googlebot",
    "adsbot-google",
    "mediapartners-google",
    "google-inspectiontool",
    "apis-google",
    "storebot-google",
    "googleother",
    "bingbot",
    "bingpreview",
    "msnbot",
    "slurp",
    "duckduckbot",
    "baiduspider",
    "yandexbot",
    "yandeximages",
    "sogou",
    "exabot",
    "facebookexternalhit",
    "facebot",
    "meta-externalagent",
    "twitterbot",
    "linkedinbot",
    "pinterestbot",
    "slackbot",
    "telegrambot",
    "whatsapp/",
    "discordbot",
    "applebot",
    "petalbot",
    "ahrefsbot",
    "semrushbot",
    "mj12bot",
    "dotbot",
    "rogerbot",
    "screaming frog",
    "seznambot",
    "ccbot",
    "gptbot",
    "chatgpt-user",
    "oai-searchbot",
    "claudebot",
    "anthropic-ai",
    "perplexitybot",
    "bytespider",
    "amazonbot",
    "dataforseobot",
    "blexbot",
    "ia_archiver",
    "archive.org_bot",
    "uptimerobot",
    "pingdom",
    "statuscake",
    "site24x7",
    "lighthouse",
    "headlesschrome/",
    "crawler",
    "spider",
];
/// Browser and the first version that is not old: those of about 2020, and no Internet Explorer at all.
const FIRST_SUPPORTED: &[(&str, u32)] = &[
    ("chrome", 63),
    ("chrome mobile", 63),
    ("firefox", 67),
    ("firefox mobile", 67),
    ("safari", 12),
    ("mobile safari", 12),
    ("edge", 79),
    ("opera", 51),
    ("opera mobile", 51),
    ("opera mini", 35),
    ("samsung internet", 8),
    ("android", 4),
    ("android browser", 4),
    ("ie", u32::MAX),
    ("ie mobile", u32::MAX),
    ("internet explorer", u32::MAX),
];

pub(super) fn is_crawler(user_agent: &str) -> bool {
    if user_agent.is_empty() {
        return false;
    }
    let agent = user_agent.to_ascii_lowercase();
    CRAWLERS.iter().any(|name| agent.contains(name))
}

pub(super) fn is_legacy((name, version): (&str, &str), user_agent: &str) -> bool {
    if user_agent.contains("MSIE ") || user_agent.contains("Trident/") || user_agent.contains(" Edge/") {
        return true;
    }
    let first = FIRST_SUPPORTED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    first.is_some_and(|(_, first)| *first == u32::MAX || major.is_some_and(|major| major < *first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crawlers_say_who_they_are() {
        assert!(is_crawler("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"));
        assert!(!is_crawler("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"));
        assert!(!is_crawler(""));
    }

    #[test]
    fn old_browsers_are_known_by_their_version() {
        for (name, version, is) in [
            ("Chrome", "62.0.1", true),
            ("Chrome", "63.0", false),
            ("Chrome", "", false),
            ("Safari", "11.1", true),
            ("IE", "11.0", true),
            ("curl", "7", false),
            ("", "", false),
        ] {
            assert_eq!(is_legacy((name, version), ""), is, "{name} {version}");
        }
        assert!(is_legacy(("", ""), "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko"));
    }
}
