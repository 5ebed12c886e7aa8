"""What every Python client reports: somebody looks into a cart, the stock is low, the cart cannot be closed."""
import os
import time
import uuid

RELEASE = "clients@1.0.0"
ENVIRONMENT = "e2e"
DSN = os.environ["SENTRY_DSN"]
USER = {"id": "7", "email": "ada@mail.example"}


class CartError(Exception):
    pass


def close_cart(cart):
    reason = "is empty"
    raise CartError(f"cart {cart} {reason}")


def init(**options):
    import sentry_sdk

    sentry_sdk.init(dsn=DSN, release=RELEASE, environment=ENVIRONMENT, traces_sample_rate=1.0, send_default_pii=True, **options)


def look_into_cart(client):
    """Everything up to the failure, as a program with sentry_sdk of any version says it."""
    import sentry_sdk

    sentry_sdk.set_user(USER)
    sentry_sdk.set_tag("client", client)
    sentry_sdk.add_breadcrumb(category="cart", message="cart opened", level="info")
    sentry_sdk.capture_message("stock is low", level="warning")


def attach():
    import sentry_sdk

    sentry_sdk.get_isolation_scope().add_attachment(bytes=b"three teapots", filename="cart.txt", content_type="text/plain")


def companions():
    """What today's sentry_sdk sends beside events."""
    import sentry_sdk
    from sentry_sdk.crons import capture_checkin
    from sentry_sdk.envelope import Envelope, Item, PayloadRef

    said = {"message": "the cart does not close", "contact_email": USER["email"], "name": "Ada"}
    feedback = {"event_id": uuid.uuid4().hex, "timestamp": time.time(), "platform": "python", "contexts": {"feedback": said}}
    envelope = Envelope({"event_id": feedback["event_id"]}, [Item(type="feedback", payload=PayloadRef(json=feedback))])
    sentry_sdk.get_client().transport.capture_envelope(envelope)
    every_day = {"schedule": {"type": "interval", "value": 1, "unit": "day"}}
    capture_checkin(monitor_slug="nightly", status="ok", duration=1.0, monitor_config=every_day)
    sentry_sdk.logger.info("cart {cart} looked into", cart=4711)
