"""Settings as the documentation of sentry_sdk shows them: one init call, nothing tuned for Bugle."""
import os
from pathlib import Path

import sentry_sdk

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["payments"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
DATABASES = {}
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"}}

sentry_sdk.init(
    dsn=os.environ.get("SENTRY_DSN"),
    release=os.environ.get("SHOP_RELEASE", "shop@1.0.0"),
    environment=os.environ.get("SHOP_ENVIRONMENT", "production"),
    send_default_pii=True,
)
