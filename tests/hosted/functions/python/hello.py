# The event comes back.
def handler(event, context):
    return event
