# As wrappers of APM layers: the function's own handler, called by one that comes from the layer.
class Wrapper
  FILE, NAME = ENV.fetch("ORIG_HANDLER").split(".")
  require FILE

  def self.process(event:, context:)
    { wrapped: Object.new.send(NAME, event: event, context: context) }
  end
end
