def handler(event:, context:)
  { path: event["rawPath"], remaining: context.get_remaining_time_in_millis.positive? }
end
