//! The page of an issue and one of its events: what broke, since when, for whom, in which release, and where in the code.

mod changed;
mod crumbs;
mod curl;
mod evidence;
mod exceptions;
mod facts;
mod frame;
mod get;
mod highlight;
mod history;
mod nav;
mod page;
mod plain;
mod report;
mod request;
pub mod side;
mod similar;
mod stack;
pub mod text;
mod why;

pub use get::{Opened, event, issue, locate, open_named};
