# Echoes the event.
def handler(event:, context:)
  event
end
