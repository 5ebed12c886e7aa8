// What every JavaScript client on Node reports; the package is named on the command line, so that old and new ones run the same program.
const Sentry = require(process.argv[2]);

class CartError extends Error {
  constructor(message) {
    super(message);
    this.name = "CartError";
  }
}

function closeCart(cart) {
  const reason = "is empty";
  throw new CartError(`cart ${cart} ${reason}`);
}

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  release: "clients@1.0.0",
  environment: "e2e",
  tracesSampleRate: 1,
  enableLogs: true,
  includeLocalVariables: true,
});
Sentry.setUser({ id: "7", email: "ada@mail.example" });
Sentry.setTag("client", process.argv[2]);
Sentry.addBreadcrumb({ category: "cart", message: "cart opened", level: "info" });
Sentry.captureMessage("stock is low", "warning");
Sentry.startSpan({ name: "close carts", op: "task" }, () => {
  try {
    closeCart(4711);
  } catch (error) {
    const attachments = [{ filename: "cart.txt", data: "three teapots", contentType: "text/plain" }];
    const id = Sentry.captureException(error, { attachments });
    Sentry.captureFeedback?.({ name: "Ada", email: "ada@mail.example", message: "the cart does not close", associatedEventId: id });
  }
});
Sentry.captureCheckIn({ monitorSlug: "nightly", status: "ok", duration: 1 }, { schedule: { type: "interval", value: 1, unit: "day" } });
Sentry.logger?.info("cart 4711 looked into");
Sentry.startSession();
Sentry.endSession();
Sentry.close(20_000).then((sent) => process.exit(sent ? 0 : 1));
