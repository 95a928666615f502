# The event comes back.
def handler(event:, context:)
  event
end
