//! Integration tests: one binary, real Postgres, through the doors. Workers are stepped, the clock stands still until a test moves it.

mod harness;

mod accept_answers;
mod accept_bodies;
mod accept_crash;
mod accept_credentials;
mod accept_support;
mod alert_series;
mod alerts_mail;
mod alerts_spikes;
mod api_access;
mod api_events;
mod api_issues;
mod architecture;
mod captured_bodies;
mod command_line;
mod crash;
mod digest_counting;
mod digest_fixtures;
mod digest_jobs;
mod digest_limits;
mod digest_nodes;
mod digest_poison;
mod digest_status;
mod e2e;
mod grouping;
mod grouping_doors;
mod hostile_events;
mod operations;
mod private_postgres;
mod web_doors;
mod web_issues_decide;
mod web_issues_event;
mod web_issues_hostile;
mod web_issues_list;
mod web_people;
