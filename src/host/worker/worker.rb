# The worker for Ruby: `ruby --disable=gems -e THIS FILE NAME`.
#
# What is shipped has no lines that begin with `#`, and no indentation.
require 'json'
require 'stringio'

# Rubygems takes 50 ms to load: the first who needs it does, or the environment that asks for it.
autoload :Gem, 'rubygems'
module Kernel
	alias tinderbox_require require
	def require(name)
		tinderbox_require(name)
	rescue LoadError => error
		raise if error.path != name || !tinderbox_require('rubygems')
		require(name)
	end
	def gem(*all)
		Gem
		gem(*all)
	end
	private :require, :gem
end

module Tinderbox
	# The names are those of the managed runtime.
	Context = Struct.new(:aws_request_id, :invoked_function_arn, :tenant_id, :client_context, :identity, :deadline_ms,
		:function_name, :function_version, :memory_limit_in_mb, :log_group_name, :log_stream_name) do
		def get_remaining_time_in_millis
			[0, deadline_ms - Time.now.to_f * 1000].max.to_i
		end
		def log(message)
			puts message
		end
	end
	CHANNEL = IO.for_fd(3, 'r+b', autoclose: false)
	JSON = ::JSON
	CHANNEL.sync = CHANNEL.close_on_exec = true
	OWN = Process.pid
	class << self
		def send(head, body = '')
			# A child that the handler forked has nothing to answer: it exits, with the status that it wants.
			return head.start_with?('fatal') || exit!(0) if Process.pid != OWN
			CHANNEL.write(head, "\n", body)
		# The runtime is gone, and nobody wants to hear more.
		rescue SystemCallError
			exit!(0)
		end

		# Calls code of the handler's, which may raise anything.
		def attempt(instead)
			yield
		rescue Exception
			instead
		end

		# The cuts keep the body below its limit.
		def cut(length, instead)
			attempt(instead) { "#{yield}".dup.force_encoding('UTF-8').scrub[0, length] }
		end
		def fail(head, error, type = nil)
			type = cut(128, '') { type || error.class }.b.gsub(/[^!-~]/n, '_')[0, 128]
			type = 'Error' if type.empty?
			message = cut(20000, 'the message of the error cannot be had') { error.message }
			type, message = 'Runtime.ExitError', "exit(#{cut(20, '') { error.status }}) was called" if SystemExit === error
			trace = attempt([]) { Array(error.backtrace)[0, 200].map { |line| cut(300, '') { line } } }
			trace = trace.reject { |line| line.start_with?('-e:', '<internal:') }[0, 50]
			body = JSON.generate({ errorType: type, errorMessage: message, stackTrace: trace })
			send("#{head} #{body.bytesize} #{type}", body)
		end

		# A function of the top level, or `Module::Class.method`.
		def load(main, path, name)
			$:.unshift(ENV['LAMBDA_TASK_ROOT'] || File.dirname(path))
			Kernel.require('rubygems') if ENV.keys.grep(/^(GEM|BUNDLE)_/).any?
			Kernel.require(path)
			method, owner = name.split('.').reverse
			main = Object.const_get(owner) if owner
			return main.method(method) if main.respond_to?(method.to_s, true)
			fail('init-error', StandardError.new("#{path} defines no method '#{name}'"), 'Runtime.HandlerNotFound')
			exit!(1)
		rescue Exception => error
			fail('init-error', error)
			exit!(1)
		end

		# For the method, for libraries in C, and for children. glibc keeps for ever what `setenv` was given,
		# and ENV calls that. So from the 1,000th event on the id is written to memory of ours, which `putenv`
		# takes, by a library that takes a millisecond to load. Where there is none, memory grows.
		TRACE = '_X_AMZN_TRACE_ID'
		def find_putenv
			require 'fiddle'
			@room = Fiddle::Pointer.malloc(1024)
			@room[0, 17] = "#{TRACE}="
			Fiddle::Function.new(Fiddle::Handle::DEFAULT['putenv'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
		end
		def trace(seq, value)
			@putenv = attempt(nil) { find_putenv } if seq == 1000
			return ENV[TRACE] = value unless @putenv && value && value.bytesize < 1000
			@room[17, value.bytesize + 1] = "#{value}\0"
			@putenv.call(@room) if ENV[TRACE] != value
		end

		def context(seq, text)
			of = text.force_encoding('UTF-8').scrub.lines(chomp: true).to_h { |line| line.split('=', 2) }
			trace(seq, of['trace-id'])
			# Without a deadline, the longest that Lambda gives.
			Context.new(*of.values_at('request-id', 'function-arn', 'tenant-id'),
				*of.values_at('client-context', 'cognito-identity').map { |json| JSON.parse(json || 'null') },
				(of['deadline-ms'] || (Time.now.to_i + 900) * 1000).to_i,
				*%w[FUNCTION_NAME FUNCTION_VERSION FUNCTION_MEMORY_SIZE LOG_GROUP_NAME LOG_STREAM_NAME].map { |name| ENV["AWS_LAMBDA_#{name}"] })
		end

		# An invoke without a payload is `{}` for Lambda.
		def decode(event)
			raise EncodingError, 'the event is not UTF-8' unless event.force_encoding('UTF-8').valid_encoding?
			JSON.parse(event.empty? ? '{}' : event)
		end

		# A trap, or another thread, may raise between two events.
		def head
			CHANNEL.gets
		rescue SystemCallError, IOError
			raise
		rescue StandardError => error
			attempt(nil) { warn error.full_message }
			retry
		end

		def serve(handler)
			send('ready')
			while (line = head)
				seq, text, event = line.split.map(&:to_i)
				text, event = CHANNEL.read(text), CHANNEL.read(event)
				begin
					result, type = handler.call(event: decode(event), context: context(seq, text)), ''
					if IO === result || StringIO === result
						result, type = result.read, ' application/octet-stream'
					else
						result = JSON.generate(result)
					end
					send("ok #{seq} #{result.bytesize}#{type}", result)
				rescue Exception => error
					# These end the process.
					last = [SystemExit, SignalException, NoMemoryError].any? { |kind| kind === error }
					fail("#{last ? 'fatal' : 'error'} #{seq}", error)
					raise if last
				end
				event = result = error = nil
			end
		end
	end
end
$stdout.sync = true
Tinderbox.serve(Tinderbox.load(self, *ARGV))
