"""A Celery task that fails in a real worker, by way of a broker in memory."""
import sentry_sdk
from celery import Celery

import story

story.init(enable_logs=True)

from celery.contrib.testing.worker import start_worker  # noqa: E402 - the SDK patches what this takes from Celery

app = Celery("clients", broker="memory://", backend="cache+memory://")


@app.task(name="carts.close")
def close(cart):
    story.look_into_cart("celery")
    story.attach()
    story.close_cart(cart)


with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
    try:
        close.delay(4711).get(timeout=20)
        raise SystemExit("the task did not fail")
    except story.CartError:
        pass
story.companions()
sentry_sdk.get_client().close(timeout=20)
