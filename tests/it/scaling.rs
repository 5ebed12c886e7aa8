//! Keys begin with the project, so that the tables can be distributed by it; `scripts/citus.sql` says so for every table there is.

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::TestApp;

/// Tables whose keys do not begin with the project, and why that does not keep anybody from distributing the others.
const NOT_BY_PROJECT: &[(&str, &str)] = &[
    ("users", "people belong to several projects; as many rows as people"),
    ("sessions", "of people"),
    ("one_time_links", "of people"),
    ("api_tokens", "of people"),
    ("projects", "the projects themselves"),
    ("mails", "some are about no project; trimmed after 30 days, kept in one place"),
    ("spool_positions", "a row per node"),
    ("spike_sweep", "one row"),
    ("thinned_days", "a row per day of the whole installation"),
    ("_sqlx_migrations", "of the schema"),
];
/// Unique constraints of tables that otherwise begin with the project.
const UNIQUE_OVER_ALL: &[(&str, &str)] =
    &[("project_keys_public_key_key", "a key alone says who sends; a reference table keeps it unique")];

/// Table, name and first column of everything that is unique.
async fn unique_keys(app: &TestApp) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "SELECT tables.relname::text, indexes.relname::text, pg_get_indexdef(i.indexrelid, 1, true)
         FROM pg_index i
         JOIN pg_class tables ON tables.oid = i.indrelid
         JOIN pg_class indexes ON indexes.oid = i.indexrelid
         WHERE i.indisunique AND tables.relnamespace = 'public'::regnamespace AND NOT tables.relispartition
         ORDER BY 1, 2",
    )
    .fetch_all(&app.db)
    .await
    .expect("the catalogue is readable")
}

#[tokio::test]
async fn every_key_begins_with_the_project_but_for_named_exceptions() {
    let app = TestApp::start().await;
    let keys = unique_keys(&app).await;
    let excepted = |table: &str, key: &str| {
        NOT_BY_PROJECT.iter().any(|(name, _)| *name == table) || UNIQUE_OVER_ALL.iter().any(|(name, _)| *name == key)
    };
    let others: Vec<_> = keys.iter().filter(|(table, key, first)| first != "project_id" && !excepted(table, key)).collect();
    assert!(others.is_empty(), "these would keep their tables from being distributed by project: {others:?}");
    let exists = |name: &str| keys.iter().any(|(table, key, first)| (table == name || key == name) && first != "project_id");
    let stale: Vec<_> = NOT_BY_PROJECT.iter().chain(UNIQUE_OVER_ALL).filter(|(name, _)| !exists(name)).collect();
    assert!(stale.is_empty(), "these exceptions are none any more: {stale:?}");
}

#[tokio::test]
async fn the_citus_script_has_a_place_for_every_table_and_distributes_those_whose_keys_allow_it() {
    let app = TestApp::start().await;
    let script = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/citus.sql")).expect("the script");
    let named = |function: &str| -> BTreeSet<String> {
        let calls = script.lines().filter_map(|line| line.strip_prefix("SELECT ")?.strip_prefix(function)?.strip_prefix("('"));
        calls.filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned())).collect()
    };
    let distributed = named("create_distributed_table");
    let (reference, local) = (named("create_reference_table"), named("citus_add_local_table_to_metadata"));
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&app.db)
    .await
    .expect("the catalogue is readable");
    for table in &tables {
        let places = [&distributed, &reference, &local].iter().filter(|group| group.contains(table)).count();
        assert_eq!(places, 1, "{table} has {places} places in scripts/citus.sql");
    }
    for (table, key, first) in unique_keys(&app).await {
        assert!(!distributed.contains(&table) || first == "project_id", "{table} cannot be distributed by project because of {key}");
    }
}
