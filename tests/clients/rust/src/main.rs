//! What every Rust client reports: somebody looks into a cart, the stock is low, the cart cannot be closed; at last a panic.

use std::fmt;
use std::time::Duration;

use sentry::protocol::{Attachment, Breadcrumb, User};
use sentry::{ClientOptions, Level, SessionMode, TransactionContext};

#[derive(Debug)]
struct CartError(u32);

impl fmt::Display for CartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cart {} is empty", self.0)
    }
}

impl std::error::Error for CartError {}

fn close_cart(cart: u32) -> Result<(), CartError> {
    Err(CartError(cart))
}

fn main() {
    let dsn = std::env::var("SENTRY_DSN").expect("SENTRY_DSN says where to");
    let options = ClientOptions::new()
        .dsn(&dsn)
        .release("clients@1.0.0")
        .environment("e2e")
        .traces_sample_rate(1.0)
        .attach_stacktrace(true)
        .auto_session_tracking(true)
        .session_mode(SessionMode::Application);
    let guard = sentry::init(options);
    sentry::configure_scope(|scope| {
        scope.set_user(Some(User { id: Some("7".into()), email: Some("ada@mail.example".into()), ..User::default() }));
        scope.set_tag("client", "rust");
    });
    sentry::add_breadcrumb(Breadcrumb { category: Some("cart".into()), message: Some("cart opened".into()), ..Breadcrumb::default() });
    sentry::capture_message("stock is low", Level::Warning);
    let transaction = sentry::start_transaction(TransactionContext::new("close carts", "task"));
    sentry::configure_scope(|scope| {
        let buffer = b"three teapots".to_vec();
        scope.add_attachment(Attachment { buffer, filename: "cart.txt".into(), content_type: Some("text/plain".into()), ty: None });
    });
    if let Err(error) = close_cart(4711) {
        sentry::capture_error(&error);
    }
    transaction.finish();
    sentry::logger_info!("cart 4711 looked into");
    let panicked = std::panic::catch_unwind(|| panic!("the till is on fire"));
    assert!(panicked.is_err());
    sentry::end_session();
    assert!(guard.close(Some(Duration::from_secs(20))), "not everything was sent");
}
