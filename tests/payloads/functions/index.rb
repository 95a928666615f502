# Echoes events; "repeat N TEXT" gives the text repeated to N characters, "fail N TEXT" fails so.
def handler(event:, context:)
  return event unless event.is_a?(String) && event.start_with?('repeat ', 'fail ')

  verb, size, text = event.split(' ', 3)
  text = (text * (size.to_i / text.length + 1))[0, size.to_i]
  raise ArgumentError, text if verb == 'fail'

  text
end
