"""A Flask application whose view fails; requested through its own WSGI stack."""
import sentry_sdk
from flask import Flask

import story

story.init(enable_logs=True)
app = Flask(__name__)


@app.route("/carts/<int:cart>/close")
def close(cart):
    story.look_into_cart("flask")
    story.attach()
    story.close_cart(cart)


assert app.test_client().get("/carts/4711/close").status_code == 500
story.companions()
sentry_sdk.get_client().close(timeout=20)
