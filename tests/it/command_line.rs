//! The `bugle` command as scripts use it: what stands on standard output, and the exit code.

use std::process::Output;

use crate::harness::Site;

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn last_line(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    out(output).lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_last_line_is_what_a_script_wants_without_a_running_server() {
    let site = Site::new();
    let made = last_line(&site.run(&["project", "create", "Shop Web", "--platform", "django"]));
    assert!(made.starts_with("http://") && made.ends_with("/1"), "{made}");
    assert_eq!(last_line(&site.run(&["dsn", "shop-web"])), made);
    let reset = last_line(&site.run(&["user", "create", "--email", "A@shop.example", "--role", "owner"]));
    assert!(reset.contains("/reset/"), "{reset}");
    let token = last_line(&site.run(&["token", "create", "--user", "a@shop.example", "--name", "ci", "--scope", "event:read"]));
    assert!(token.len() >= 32 && token.chars().all(|c| c.is_ascii_alphanumeric()), "{token}");
    let listed: serde_json::Value = serde_json::from_str(&out(&site.run(&["project", "list", "--json"]))).expect("JSON");
    assert_eq!(listed[0]["slug"], "shop-web");
    let grouping = out(&site.run(&["project", "grouping", "shop-web", "--move"]));
    assert!(grouping.contains("groups by version 2") && grouping.contains("no issues would become one"), "{grouping}");
    assert!(!site.run(&["project", "grouping", "nowhere"]).status.success());
}

#[tokio::test]
async fn mistakes_are_told_on_standard_error_with_an_exit_code() {
    let site = Site::new();
    let twice = ["project", "create", "Shop"];
    assert!(site.run(&twice).status.success());
    for (args, code, said) in [
        (&twice[..], 1, "shop"),
        (&["dsn", "nope"], 1, "there is no project “nope”"),
        (&["user", "reset-password", "--email", "x@shop.example"], 1, "nobody here has the address"),
        (&["dead-letter", "show", "7"], 1, "there is no dead letter 7"),
        (&["--retention-days", "never", "migrate"], 2, "BUGLE_RETENTION_DAYS is “never”"),
        (&["--log-format", "xml", "migrate"], 2, "BUGLE_LOG_FORMAT is “xml”"),
        (&["frobnicate"], 2, "frobnicate"),
    ] {
        let output = site.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(said), "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{args:?}");
    }
}

#[tokio::test]
async fn check_explains_and_its_exit_code_says_whether_all_is_well() {
    let site = Site::new();
    let fine = site.run(&["check"]);
    assert!(fine.status.success(), "{}", out(&fine));
    assert!(out(&fine).contains("ok      database: PostgreSQL"), "{}", out(&fine));
    let no_mail = site.run(&["check", "--send-mail", "a@shop.example"]);
    assert_eq!(no_mail.status.code(), Some(1));
    assert!(out(&no_mail).contains("FAILED  mail: BUGLE_SMTP_URL is not set"), "{}", out(&no_mail));
    let invented = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/geoip/invented.mmdb");
    let places = site.run(&["check", "--geoip-file", invented]);
    assert!(places.status.success() && out(&places).contains("Invented-City of 20"), "{} {}", out(&places), err(&places));
    let nowhere = site.run(&["check", "--geoip-file", "/nowhere/places.mmdb"]);
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(out(&nowhere).contains("/nowhere/places.mmdb (BUGLE_GEOIP_FILE)"), "{} {}", out(&nowhere), err(&nowhere));
    let away = site.run(&["check", "--database-url", "postgres://bugle@127.0.0.1:1/bugle"]);
    assert_eq!(away.status.code(), Some(1));
    assert!(out(&away).contains("FAILED  database: connecting to the Postgres server of DATABASE_URL"), "{}", out(&away));
}
