import logging

from pythonjsonlogger.json import JsonFormatter

root = logging.getLogger()
root.setLevel(logging.INFO)
users = logging.getLogger("users")
plain = logging.StreamHandler()
plain.setFormatter(JsonFormatter("%(levelname)s %(message)s"))
users.addHandler(plain)
users.propagate = False


def handler(event, context):
    users.info("event", extra={"path": event["rawPath"]})
    root.info("by the root", extra={"tries": 2})
    root.warning("of %s\nlines", 2)
    logging.getLogger("botocore").debug("not shown")
    try:
        {}["name"]
    except KeyError:
        logging.exception("failed")
    return "logged"
