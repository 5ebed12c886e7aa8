//! The page of an issue and one of its events.

pub mod crumbs;
pub mod curl;
pub mod exceptions;
pub mod frame;
pub mod highlight;
pub mod request;
pub mod stack;
pub mod text;
