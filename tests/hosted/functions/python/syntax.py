def same(event, context:
    return event
