require "logger"

LOG = Logger.new($stdout)
LOG.level = Logger::INFO

def handler(event:, context:)
  LOG.info("event #{event["rawPath"]}")
  LOG.debug("not shown")
  LOG.warn { "careful" }
  puts JSON.generate({ _aws: { CloudWatchMetrics: [] }, visits: 1 })
  { statusCode: 200, id: context.aws_request_id }
end
