# Echoes events; "repeat N TEXT" gives the text repeated to N characters, "fail N TEXT" fails so.
def handler(event, context):
    verb, _, rest = event.partition(' ') if isinstance(event, str) else ('', '', '')
    if verb not in ('repeat', 'fail'):
        return event
    size, _, text = rest.partition(' ')
    text = (text * (int(size) // len(text) + 1))[:int(size)]
    if verb == 'fail':
        raise ValueError(text)
    return text
