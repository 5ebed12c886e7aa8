// What the browser client reports once `story` is called with a DSN.
import * as Sentry from "@sentry/browser";

class CartError extends Error {
  name = "CartError";
}

function closeCart(cart) {
  throw new CartError(`cart ${cart} is empty`);
}

/** Resolves once the browser has raised the error and everything is sent. */
window.story = async (dsn) => {
  Sentry.init({
    dsn,
    release: "clients@1.0.0",
    environment: "e2e",
    tracesSampleRate: 1,
    enableLogs: true,
    integrations: [Sentry.browserTracingIntegration()],
  });
  Sentry.setUser({ id: "7", email: "ada@mail.example" });
  Sentry.setTag("client", "browser");
  Sentry.addBreadcrumb({ category: "cart", message: "cart opened", level: "info" });
  Sentry.captureMessage("stock is low", "warning");
  Sentry.getCurrentScope().addAttachment({ filename: "cart.txt", data: "three teapots", contentType: "text/plain" });
  // Nobody catches it: the SDK's own hooks have to.
  await new Promise((raised) => {
    addEventListener("error", raised, { once: true });
    setTimeout(() => closeCart(4711));
  });
  Sentry.captureFeedback({ name: "Ada", email: "ada@mail.example", message: "the cart does not close" });
  Sentry.logger.info("cart 4711 looked into");
  Sentry.getActiveSpan()?.end();
  return Sentry.flush(20_000);
};
