"""A plain program with sentry_sdk 1.x, of either end of that generation."""
import sentry_sdk
from sentry_sdk.hub import Hub

import story

story.init(auto_session_tracking=True)
story.look_into_cart("sentry_sdk 1")
with sentry_sdk.configure_scope() as scope:
    scope.add_attachment(bytes=b"three teapots", filename="cart.txt", content_type="text/plain")
with sentry_sdk.start_transaction(op="task", name="close carts"):
    try:
        story.close_cart(4711)
    except story.CartError as error:
        sentry_sdk.capture_exception(error)
Hub.current.start_session()
Hub.current.end_session()
Hub.current.client.close(timeout=20)
