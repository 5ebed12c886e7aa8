"""Views that fail in the ways real ones do."""
import logging

import sentry_sdk
from django.http import HttpResponse

from payments.services import capture_payment

logger = logging.getLogger("payments")


def ready(request):
    return HttpResponse("ready")


def checkout(request, order_id):
    """A chained exception below two application frames, with breadcrumbs, a user and secrets in locals."""
    logger.info("checkout of order %s", order_id)
    sentry_sdk.set_user({"id": request.GET.get("user", "88213"), "email": "elsa.b@mail.example"})
    sentry_sdk.set_tag("payment_provider", "adyra")
    password = "hunter2-in-locals"
    return HttpResponse(capture_payment(order_id, {"card": "4111 1111 1111 1111", "password": password}))


def refund(request, order_id):
    """An exception without a user: nobody can tell how many people are affected."""
    raise LookupError(f"refund of order {order_id} was never authorised")


def say(request, order_id):
    """No exception at all, only a log line at error level."""
    logger.error("could not reserve stock for order %s", order_id)
    return HttpResponse("said")


def flush(request):
    sentry_sdk.flush(timeout=10)
    return HttpResponse("flushed")
