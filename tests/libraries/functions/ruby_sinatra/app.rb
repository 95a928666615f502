# A Sinatra application, and a small adapter from API Gateway's events to Rack.
require "json"
require "logger"
require "sinatra/base"

class Users < Sinatra::Base
  set :environment, :production
  set :logging, false
  LOG = Logger.new($stdout)

  get "/users/:id" do
    LOG.info("find #{params[:id]}")
    response.set_cookie("seen", value: "1", path: "/")
    content_type :json
    { id: params[:id], verbose: params[:verbose], host: request.host }.to_json
  end

  post "/users/:id" do
    status 201
    "<p>#{JSON.parse(request.body.read)["name"]}</p>"
  end
end

module Adapter
  def self.environment(event)
    http = event.dig("requestContext", "http")
    headers = event["headers"].to_h { |name, value| ["HTTP_#{name.upcase.tr("-", "_")}", value] }
    headers.merge(
      "REQUEST_METHOD" => http ? http["method"] : event["httpMethod"],
      "SCRIPT_NAME" => "",
      "PATH_INFO" => event["rawPath"] || event["path"],
      "QUERY_STRING" => event["rawQueryString"] || URI.encode_www_form(event["queryStringParameters"]),
      "SERVER_NAME" => headers["HTTP_HOST"],
      "SERVER_PORT" => "443",
      "CONTENT_TYPE" => headers["HTTP_CONTENT_TYPE"],
      "rack.version" => Rack::VERSION,
      "rack.url_scheme" => "https",
      "rack.input" => StringIO.new(event["body"] || ""),
      "rack.errors" => $stderr,
    ).compact
  end

  def self.process(event:, context:)
    status, headers, body = Users.call(environment(event))
    chunks = []
    body.each { |chunk| chunks << chunk }
    { statusCode: status, headers: headers, body: chunks.join }
  end
end
