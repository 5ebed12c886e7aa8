"""Where the money goes wrong."""


class PaymentCaptureError(Exception):
    pass


class Provider:
    def capture(self, order_id, details):
        raise ConnectionError(f"provider answered amount_mismatch for {order_id}")


def capture_payment(order_id, details):
    provider = Provider()
    try:
        return provider.capture(order_id, details)
    except ConnectionError as error:
        raise PaymentCaptureError(f"could not capture 129.90 EUR for order {order_id}") from error
