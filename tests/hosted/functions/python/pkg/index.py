from . import part


def handler(event, context):
    return part.ANSWER
