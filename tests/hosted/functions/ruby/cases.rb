# One function for each case.
require 'stringio'

def same(event:, context:)
  event
end

def context(event:, context:)
  {
    aws_request_id: context.aws_request_id,
    invoked_function_arn: context.invoked_function_arn,
    tenant_id: context.tenant_id,
    function_name: context.function_name,
    function_version: context.function_version,
    memory_limit: context.memory_limit_in_mb,
    log_group_name: context.log_group_name,
    log_stream_name: context.log_stream_name,
    client_app: context.client_context&.dig('client', 'app_title'),
    client_custom: context.client_context&.dig('custom'),
    identity_id: context.identity&.dig('cognitoIdentityId'),
    identity_pool: context.identity&.dig('cognitoIdentityPoolId'),
    remaining_ms: context.get_remaining_time_in_millis,
    trace: ENV['_X_AMZN_TRACE_ID'],
    trace_of_child: `printenv _X_AMZN_TRACE_ID`[/.+/],
  }
end

def inner(message)
  raise IndexError, message
end

def throws(event:, context:)
  inner(event['message'] || 'it was thrown')
end

class Größe < StandardError
end

def odd_type(event:, context:)
  raise Größe, 'odd'
end

def recurses(event:, context:)
  recurses(event: event, context: context)
end

def exits(event:, context:)
  exit event['status']
end

def exits_at_once(event:, context:)
  exit! event['status']
end

def dies(event:, context:)
  Process.kill(:KILL, Process.pid)
  sleep 60
end

def slow(event:, context:)
  sleep event['ms'] / 1000.0
  'slept'
end

def logs(event:, context:)
  line = 'x' * 99
  (event['bytes'] / 200).times do
    puts line
    $stderr.puts line
  end
  print 'the end'
  'logged'
end

def big(event:, context:)
  'a' * (event['bytes'] - 2)
end

def raw(event:, context:)
  pattern = (0..250).to_a.pack('C*')
  StringIO.new((pattern * (event['bytes'] / 251 + 1))[0, event['bytes']])
end

def unfit(event:, context:)
  { number: Float::NAN }
end

def unfit_text(event:, context:)
  "\xff"
end

def descriptors(event:, context:)
  `ls -l /proc/self/fd`
end

def gems(event:, context:)
  require event['name']
  [TinderboxSample::ANSWER, Gem::VERSION.class.to_s]
end

NAME = '_X_AMZN_TRACE_ID'

def trace(event:, context:)
  require 'fiddle'
  getenv = Fiddle::Function.new(Fiddle::Handle::DEFAULT['getenv'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP)
  of_c = getenv.call(NAME)
  pid = fork { exec('sh', '-c', %([ "${#{NAME}-unset}" = "$1" ]), 'sh', event['wanted']) }
  Process.wait(pid)
  forked = $?.success?
  seen = [ENV[NAME], of_c.null? ? nil : of_c.to_s, `printenv #{NAME}`[/.+/], IO.popen(['printenv', NAME], &:read)[/.+/]]
  ENV[NAME] = event['leaves'] if event.key?('leaves')
  { seen: seen, forked: forked }
end
