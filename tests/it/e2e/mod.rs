//! End to end: real clients of every kind, a real SMTP server, a real Chromium.

mod chromium;
mod clients;
mod discarding;
mod django;
mod keyboard;
mod mails;
mod main_job;
mod merging;
mod picture;
mod policy;
mod ruling;
mod shop;
mod tls;
mod tour;
mod without_scripts;
