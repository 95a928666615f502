def same(event:, context:
  event
end
