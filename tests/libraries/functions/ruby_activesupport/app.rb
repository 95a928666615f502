require "logger"
require "active_support"
require "active_support/core_ext"

class User
  def initialize(name) = @name = name
  def as_json(*) = { name: @name, "short" => @name.first }
end

def handler(event:, context:)
  users = [User.new("Ada"), User.new("Zoë <b>")].index_by { |user| user.as_json[:name] }
  { users: users, at: Time.at(0).utc, days: 3.days, mean: Float::NAN, path: event["rawPath"].presence }
end
