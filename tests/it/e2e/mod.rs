//! End to end: a real Django with the real SDK, a real SMTP server, a real Chromium.

mod chromium;
mod django;
