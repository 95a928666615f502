# The worker for Ruby: `ruby --disable=gems -e THIS FILE NAME`.
#
# Thinned for shipping: lines that begin with `#`, and indentation, are dropped.
require 'json'
require 'stringio'

# Rubygems costs 50 ms at start, so it is loaded by the first who needs it, or at once where the
# environment asks for it.
autoload :Gem, 'rubygems'
module Kernel
	alias tinderbox_require require
	def require(name)
		tinderbox_require(name)
	rescue LoadError => error
		raise if error.path != name || $LOADED_FEATURES.any? { |file| file.end_with?('/rubygems.rb') }
		tinderbox_require('rubygems')
		require(name)
	end
	def gem(*arguments)
		tinderbox_require('rubygems')
		gem(*arguments)
	end
	private :require, :gem, :tinderbox_require
end

module Tinderbox
	# The names are those of the managed runtime.
	class Context
		attr_reader :aws_request_id, :invoked_function_arn, :tenant_id, :function_name, :function_version,
			:memory_limit_in_mb, :log_group_name, :log_stream_name, :client_context, :identity, :deadline_ms
		def initialize(of)
			@aws_request_id = of['request-id']
			@invoked_function_arn = of['function-arn']
			@tenant_id = of['tenant-id']
			@function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
			@function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
			@memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
			@log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
			@log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
			@client_context, @identity = %w[client-context cognito-identity].map { |name| JSON.parse(of[name] || 'null') }
			# Without a deadline, the longest that Lambda gives.
			@deadline_ms = (of['deadline-ms'] || now + 900_000).to_i
		end
		def get_remaining_time_in_millis
			[0, @deadline_ms - now].max
		end
		def log(message)
			puts message
		end
		private def now
			Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
		end
	end

	CHANNEL = IO.for_fd(3, 'r+b', autoclose: false)
	CHANNEL.sync = CHANNEL.close_on_exec = true
	NotFound = Class.new(StandardError)

	class << self
		# The runtime is gone when it cannot be written to: nobody wants to hear more.
		def send(head, body)
			CHANNEL.write(head, "\n", body)
		rescue SystemCallError
			exit!(0)
		end

		# The cuts keep the body below the limit.
		def fail(head, error)
			type, message = error.class.name || 'Exception', error.message
			type = 'Runtime.HandlerNotFound' if error.is_a?(NotFound)
			type, message = 'Runtime.ExitError', "exit(#{error.status}) was called" if error.is_a?(SystemExit)
			type = type.b.gsub(/[^!-~]/n, '_')[0, 128]
			trace = (error.backtrace || []).reject { |line| line.start_with?('-e:', '<internal:') }
			clean = ->(text, length) { text.dup.force_encoding('UTF-8').scrub[0, length] }
			body = JSON.generate({
				errorMessage: clean[message.to_s, 20_000],
				errorType: type,
				stackTrace: trace.first(50).map { |line| clean[line, 300] },
			})
			send("#{head} #{body.bytesize} #{type}", body)
		end

		# A function of the top level, or `Module::Class.method`.
		def load(main, path, name)
			$LOAD_PATH.unshift(ENV['LAMBDA_TASK_ROOT'] || File.dirname(path))
			Kernel.require(path)
			method, of = name.split('.').reverse
			target = of ? Object.const_get(of) : main
			target.respond_to?(method.to_s, true) or raise NotFound, "#{path} defines no method '#{name}'"
			target.method(method)
		end

		def answer(handler, text, event)
			fields = text.force_encoding('UTF-8').each_line(chomp: true).to_h { |line| line.split('=', 2) }
			ENV['_X_AMZN_TRACE_ID'] = fields['trace-id']
			context = Context.new(fields)
			event.force_encoding('UTF-8').valid_encoding? or raise EncodingError, 'the event is not UTF-8'
			# An invoke without a payload is `{}` for Lambda.
			result = handler.call(event: JSON.parse(event.empty? ? '{}' : event), context: context)
			return JSON.generate(result), '' unless result.is_a?(IO) || result.is_a?(StringIO)
			[result.read, ' application/octet-stream']
		end

		def serve(handler)
			send('ready', '')
			while (line = CHANNEL.gets)
				seq, context_bytes, event_bytes = line.split.map(&:to_i)
				text = CHANNEL.read(context_bytes)
				event = CHANNEL.read(event_bytes)
				break if event.to_s.bytesize < event_bytes
				begin
					body, type = answer(handler, text, event)
					send("ok #{seq} #{body.bytesize}#{type}", body)
				# What ends the process.
				rescue SystemExit, SignalException, NoMemoryError => error
					fail("fatal #{seq}", error)
					raise
				rescue Exception => error
					fail("error #{seq}", error)
				end
				text = event = body = error = nil
			end
		end
	end
end

$stdout.sync = true
begin
	Kernel.require('rubygems') if %w[GEM_HOME GEM_PATH BUNDLE_GEMFILE].any? { |name| ENV[name] }
	handler = Tinderbox.load(self, *ARGV)
rescue Exception => error
	Tinderbox.fail('init-error', error)
	exit!(1)
end
Tinderbox.serve(handler)
