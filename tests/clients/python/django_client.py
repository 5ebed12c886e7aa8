"""A Django project in one file whose view fails; requested through its own WSGI stack."""
import django
import sentry_sdk
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path
from werkzeug.test import Client

import story


def close(request, cart):
    story.look_into_cart("django")
    story.attach()
    story.close_cart(cart)


urlpatterns = [path("carts/<int:cart>/close/", close)]

if __name__ == "__main__":
    settings.configure(
        SECRET_KEY="only-for-tests", ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", DATABASES={}, USE_TZ=True, MIDDLEWARE=[],
        LOGGING_CONFIG=None,
    )
    story.init(enable_logs=True)
    django.setup()
    assert Client(WSGIHandler()).get("/carts/4711/close/").status_code == 500
    story.companions()
    sentry_sdk.get_client().close(timeout=20)
