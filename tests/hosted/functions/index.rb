# The Ruby function with the commands that the tests send to every kind.
if ENV['INIT']
  warn 'at init'
  exit!(5) if ENV['INIT'] == 'exit'
  raise IndexError, 'broken at init'
end

def background(command)
  Process.detach(spawn(command))
end

def flood(bytes)
  while bytes.positive?
    $stderr.write('l' * [bytes, 10_000].min)
    bytes -= 10_000
  end
end

def killed
  warn 'before the end'
  Process.kill(:KILL, Process.pid)
  sleep 30
end

def act(what, argument, context)
  case what
  when 'fail' then raise ArgumentError, argument
  when 'exit' then exit(argument.to_i)
  when 'killed' then killed
  when 'orphan'
    background('exec sleep 30')
    killed
  when 'sleep'
    warn 'sleeps'
    sleep argument.to_f
    'slept'
  when 'big' then 'x' * argument.to_i
  when 'flood'
    flood(argument.to_i)
    'flooded'
  when 'later'
    background("sleep 0.2; head -c #{argument} /dev/zero | tr '\\0' l >&2; echo over >&2")
    'later'
  when 'background'
    background('exec sleep 30')
    'left'
  when 'log'
    warn argument
    puts "#{argument}, again"
    'logged'
  when 'pid' then Process.pid.to_s
  when 'trace' then ENV['_X_AMZN_TRACE_ID'] || 'unset'
  when 'context'
    of = [context.aws_request_id, context.invoked_function_arn, ENV['_X_AMZN_TRACE_ID'], context.tenant_id]
    of.map! { |field| field || '-' }
    (of << (context.get_remaining_time_in_millis.positive? ? 'yes' : 'no')).join('|')
  when 'client' then [context.client_context, context.identity]
  end
end

def handler(event:, context:)
  return event unless event.is_a?(String) && event.start_with?('do:')

  what, argument = event[3..].split(' ', 2)
  act(what, argument, context)
end
