//! End to end: a real Django with the real SDK, a real SMTP server, a real Chromium.

mod chromium;
mod django;
mod keyboard;
mod mails;
mod main_job;
mod picture;
mod shop;
mod tour;
mod without_scripts;
