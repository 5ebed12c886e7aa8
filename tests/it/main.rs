//! Integration tests: one binary, real Postgres, through the doors. Workers are stepped, the clock stands still until a test moves it.

mod harness;

mod architecture;
mod digest_counting;
mod grouping;
mod operations;
mod private_postgres;
