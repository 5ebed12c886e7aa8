//! A search as SQL. Every value is bound; only names written here become part of the text.

use sqlx::{Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::issue::Status;
use crate::domain::person::Person;
use crate::domain::search::{Column, Counted, Pattern, Query, Seen, State, Term, Test};

type Sql = QueryBuilder<Postgres>;

/// Newest events of an issue in which an e-mail address is looked for; older ones would make a search read everything.
const EMAIL_EVENTS: i64 = 200;

/// `EXISTS` over a table keyed by issue, so that a probe of the primary key answers it.
const OF_ISSUE: &str = " x WHERE x.project_id = i.project_id AND x.issue_id = i.id";

/// Appends ` WHERE …`.
pub(super) fn push(sql: &mut Sql, projects: &[ProjectId], query: &Query) {
    match projects {
        // One project is the common case, and lets the planner use the index of the project alone.
        [only] => sql.push(" WHERE i.project_id = ").push_bind(only.0),
        several => sql.push(" WHERE i.project_id = ANY(").push_bind(several.iter().map(|id| id.0).collect::<Vec<_>>()).push(")"),
    };
    for term in &query.terms {
        push_term(sql, term);
    }
}

/// As they are written in the index over the values of tags, which serves nothing else (migrations 0014 and 0032).
const TAG_KEY: &str = "x.key COLLATE \"C\"";
const TAG_VALUE: &str = "x.value COLLATE \"C\"";

fn push_term(sql: &mut Sql, term: &Term) {
    sql.push(if term.negated { " AND NOT coalesce((" } else { " AND (" });
    match &term.test {
        Test::Is(states) => any(sql, states, push_state),
        Test::Level(levels) => {
            sql.push("i.level = ANY(").push_bind(levels.iter().map(|level| level.number()).collect::<Vec<_>>()).push(")");
        }
        Test::Environment(patterns) => exists(sql, "issue_environments", |sql| push_patterns(sql, "x.environment", patterns)),
        Test::Release(patterns) => exists(sql, "issue_releases", |sql| push_patterns(sql, "x.release", patterns)),
        Test::Column(column, patterns) => push_patterns(sql, column_name(*column), patterns),
        Test::Tag(key, patterns) => exists(sql, "issue_tags", |sql| {
            sql.push(TAG_KEY).push(" = ").push_bind(key.clone()).push(" AND ");
            push_values(sql, (TAG_VALUE, "x.value"), patterns);
        }),
        Test::Has(key) => push_has(sql, key),
        Test::Person(people) => push_people(sql, people),
        Test::Email(people, addresses) => push_email(sql, people, addresses),
        Test::Seen(seen, from, until) => {
            let column = if *seen == Seen::First { "i.first_seen_at" } else { "i.last_seen_at" };
            push_bounds(sql, column, (">=", *from), ("<", *until));
        }
        Test::Count(counted, min, max) => {
            let column = if *counted == Counted::Events { "i.event_count" } else { "i.user_count" };
            push_bounds(sql, column, (">=", *min), ("<=", *max));
        }
        Test::Text(pattern) => push_text(sql, pattern),
    }
    sql.push(if term.negated { "), false)" } else { ")" });
}

/// Any of them; none at all is never true.
fn any<T>(sql: &mut Sql, items: &[T], push: impl Fn(&mut Sql, &T)) {
    sql.push("(false");
    for item in items {
        sql.push(" OR ");
        push(sql, item);
    }
    sql.push(")");
}

fn exists(sql: &mut Sql, table: &'static str, condition: impl FnOnce(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM ").push(table).push(OF_ISSUE).push(" AND ");
    condition(sql);
    sql.push(")");
}

fn push_state(sql: &mut Sql, state: &State) {
    let regressed = "(i.status = 'unresolved' AND i.regressed_at >= i.status_at)";
    match state {
        State::Status(status) => {
            sql.push("i.status = ").push(quoted(*status));
        }
        State::NewSince(since) => {
            push_new(sql, *since);
        }
        State::Regressed => {
            sql.push(regressed);
        }
        State::Spiking => {
            sql.push("i.spiking_since IS NOT NULL");
        }
        State::ForTriage(since) => {
            sql.push("(i.status = 'unresolved' AND (i.spiking_since IS NOT NULL OR ").push(regressed);
            sql.push(" OR ");
            push_new(sql, *since);
            sql.push("))");
        }
        State::Handled(handled) => {
            sql.push("i.handled IS ").push(if *handled { "TRUE" } else { "FALSE" });
        }
    }
}

/// What is new was also seen lately, and that has an index.
fn push_new(sql: &mut Sql, since: OffsetDateTime) {
    sql.push("(i.first_seen_at >= ").push_bind(since).push(" AND i.last_seen_at >= ").push_bind(since).push(")");
}

/// As text, not as a parameter: the planner then knows how rare a status is.
fn quoted(status: Status) -> &'static str {
    match status {
        Status::Unresolved => "'unresolved'",
        Status::Resolved => "'resolved'",
        Status::Ignored => "'ignored'",
    }
}

fn column_name(column: Column) -> &'static str {
    match column {
        Column::Type => "i.type",
        Column::Culprit => "i.culprit",
        Column::Logger => "i.logger",
        Column::Platform => "i.platform",
    }
}

/// The column is one of the values, or like one of the patterns.
fn push_patterns(sql: &mut Sql, column: &'static str, patterns: &[Pattern]) {
    push_values(sql, (column, column), patterns);
}

/// The same of a column that is written differently where equality is asked for: likeness knows more letters than the collation of an index.
fn push_values(sql: &mut Sql, (indexed, column): (&'static str, &'static str), patterns: &[Pattern]) {
    let exact: Vec<String> = patterns.iter().filter_map(Pattern::exact).map(str::to_owned).collect();
    let like: Vec<String> = patterns.iter().filter(|pattern| pattern.exact().is_none()).map(Pattern::like).collect();
    sql.push("(").push(indexed).push(" = ANY(").push_bind(exact).push(")");
    if !like.is_empty() {
        sql.push(" OR ").push(column).push(" ILIKE ANY(").push_bind(like).push(")");
    }
    sql.push(")");
}

fn push_people(sql: &mut Sql, people: &[Person]) {
    exists(sql, "issue_people", |sql| {
        sql.push("x.person = ANY(").push_bind(people.iter().map(|person| person.0.to_vec()).collect::<Vec<_>>()).push(")");
    });
}

/// Counted by the address, or called by it in one of the newest events: the label of an event is the address wherever one was sent.
fn push_email(sql: &mut Sql, people: &[Person], addresses: &[String]) {
    push_people(sql, people);
    sql.push(" OR EXISTS (SELECT 1 FROM (SELECT e.user_label FROM events e WHERE e.project_id = i.project_id AND e.issue_id = i.id");
    sql.push(" ORDER BY e.received_at DESC, e.event_id DESC LIMIT ").push_bind(EMAIL_EVENTS);
    sql.push(") AS newest WHERE newest.user_label = ANY(").push_bind(addresses.to_vec()).push("))");
}

fn push_has(sql: &mut Sql, key: &str) {
    match key {
        "environment" => exists(sql, "issue_environments", |sql| {
            sql.push("true");
        }),
        "release" => exists(sql, "issue_releases", |sql| {
            sql.push("true");
        }),
        "user" => {
            sql.push("i.user_count > 0");
        }
        tag => exists(sql, "issue_tags", |sql| {
            sql.push(TAG_KEY).push(" = ").push_bind(tag.to_owned());
        }),
    }
}

fn push_bounds<'a, T>(sql: &mut Sql, column: &'static str, low: (&'static str, Option<T>), high: (&'static str, Option<T>))
where
    T: 'a + Send + sqlx::Encode<'a, Postgres> + sqlx::Type<Postgres>,
{
    sql.push("true");
    for (compare, bound) in [low, high] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(" ").push(compare).push(" ").push_bind(bound);
        }
    }
}

/// A word is looked for in what the list shows; `SHOP-431` and `431` are also ids.
fn push_text(sql: &mut Sql, pattern: &Pattern) {
    sql.push("(i.type || ': ' || i.value || ' ' || i.culprit) ILIKE ").push_bind(pattern.like_within());
    let (prefix, number) = pattern.as_str().rsplit_once('-').unwrap_or(("", pattern.as_str()));
    if let Ok(id) = number.parse::<i64>() {
        sql.push(" OR (i.id = ").push_bind(id);
        if !prefix.is_empty() {
            sql.push(" AND p.short_prefix = upper(").push_bind(prefix.to_owned()).push(")");
        }
        sql.push(")");
    }
}
