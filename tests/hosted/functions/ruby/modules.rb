module Greetings
  class Polite
    def self.process(event:, context:)
      "Good morning, #{event['name']}."
    end
  end
end
