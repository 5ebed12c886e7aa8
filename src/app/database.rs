//! How the pool reaches Postgres: the private cluster or the server of `DATABASE_URL`.

use std::str::FromStr;

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::postgres::{Address, DATABASE, PORT, USER};

/// Everything is said explicitly: what is left out, sqlx takes from `PGPORT`, `PGUSER`, `PGPASSWORD` and their like.
pub fn private(address: &Address) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&address.socket_dir)
        .port(PORT)
        .username(USER)
        .password(&address.password)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
        .application_name("bugle")
}

/// The server somebody else runs. The address may carry a password, so it is not repeated in the error.
pub fn external(url: &str) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url)
        .context("DATABASE_URL is not an address of the form postgres://user:password@host:5432/database")?;
    Ok(options.application_name("bugle"))
}
