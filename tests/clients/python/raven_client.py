"""A plain program with raven."""
import raven
from raven import breadcrumbs
from raven.transport.http import HTTPTransport

import story

# The transport that sends at once: there is nothing to flush.
client = raven.Client(story.DSN, transport=HTTPTransport, release=story.RELEASE, environment=story.ENVIRONMENT, install_sys_hook=False)
client.user_context(story.USER)
client.tags_context({"client": "raven"})
client.context.activate()
breadcrumbs.record(message="cart opened", category="cart", level="info")
client.captureMessage("stock is low", level="warning")
try:
    story.close_cart(4711)
except story.CartError:
    client.captureException()
