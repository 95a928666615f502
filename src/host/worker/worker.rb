# The shim for Ruby: `ruby --disable=gems -e SHIM FILE NAME`.
#
# The embedded text has no lines that begin with `#` and no indentation, so no string may span lines.
require 'json'
require 'stringio'

# Rubygems takes 50 ms to load: it is loaded at first use, or when variables of the environment ask for it.
autoload :Gem, 'rubygems'
module Kernel
	alias tinderbox_require require
	def require(name)
		tinderbox_require(name)
	rescue LoadError => error
		raise if error.path != name || !tinderbox_require('rubygems')
		require(name)
	end
	def gem(*arguments)
		Gem
		gem(*arguments)
	end
	private :require, :gem
end

module Tinderbox
	# The names are those of AWS's managed runtime.
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
	PID = Process.pid
	class << self
		def send(head, body = '')
			# A child that the handler forked must not answer: it exits, with its own status.
			return head.start_with?('fatal') || exit!(0) if Process.pid != PID
			CHANNEL.write(head, "\n", body)
		# The runtime is gone.
		rescue SystemCallError
			exit!(0)
		end

		# Calls code of the handler, which may raise anything.
		def attempt(default)
			yield
		rescue Exception
			default
		end

		# The truncations keep the body below its limit.
		def truncate(length, default)
			attempt(default) { "#{yield}".dup.force_encoding('UTF-8').scrub[0, length] }
		end
		def send_error(head, error, type = nil)
			type = truncate(128, '') { type || error.class }.b.gsub(/[^!-~]/n, '_')[0, 128]
			type = 'Error' if type.empty?
			message = truncate(20000, 'the message cannot be converted to a string') { error.message }
			type, message = 'Runtime.ExitError', "exit(#{truncate(20, '') { error.status }}) was called" if SystemExit === error
			trace = attempt([]) { Array(error.backtrace)[0, 200].map { |line| truncate(300, '') { line } } }
			trace = trace.reject { |line| line.start_with?('-e:', '<internal:') }[0, 50]
			body = JSON.generate({ errorType: type, errorMessage: message, stackTrace: trace })
			send("#{head} #{body.bytesize} #{type}", body)
		end

		# A method of the top level, or `Module::Class.method`.
		def load(main, path, name)
			$:.unshift(ENV['LAMBDA_TASK_ROOT'] || File.dirname(path))
			Kernel.require('rubygems') if ENV.keys.grep(/^(GEM|BUNDLE)_/).any?
			Kernel.require(path)
			method, owner = name.split('.').reverse
			main = Object.const_get(owner) if owner
			return main.method(method) if main.respond_to?(method.to_s, true)
			send_error('init-error', StandardError.new("#{path} defines no method '#{name}'"), 'Runtime.HandlerNotFound')
			exit!(1)
		rescue Exception => error
			send_error('init-error', error)
			exit!(1)
		end

		# The trace id, for the method, for C libraries and for children. ENV calls `setenv`, and glibc never
		# frees a value that `setenv` was given. So from the 1,000th event on the id is written to a buffer of
		# ours, which `putenv` takes, through a library that takes a millisecond to load. Where there is none,
		# memory grows.
		TRACE = '_X_AMZN_TRACE_ID'
		def find_putenv
			require 'fiddle'
			@entry = Fiddle::Pointer.malloc(1024)
			@entry[0, 17] = "#{TRACE}="
			Fiddle::Function.new(Fiddle::Handle::DEFAULT['putenv'], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
		end
		def set_trace(seq, value)
			@putenv = attempt(nil) { find_putenv } if seq == 1000
			return ENV[TRACE] = value unless @putenv && value && value.bytesize < 1000
			@entry[17, value.bytesize + 1] = "#{value}\0"
			@putenv.call(@entry) if ENV[TRACE] != value
		end

		# A caller chooses these values: one that is not UTF-8 or not JSON does not fail the event.
		def json_field(fields, name)
			JSON.parse(fields[name]) unless fields.fetch(name, '').empty?
		rescue StandardError
			attempt(nil) { warn "#{name} is not JSON: ignored" }
		end
		def context_of(seq, text)
			fields = text.force_encoding('UTF-8').scrub.split("\n").to_h { |line| line.split('=', 2) }
			set_trace(seq, fields['trace-id'])
			# Without a deadline, Lambda's longest timeout.
			Context.new(*fields.values_at('request-id', 'function-arn', 'tenant-id'),
				json_field(fields, 'client-context'), json_field(fields, 'cognito-identity'),
				(fields['deadline-ms'] || (Time.now.to_i + 900) * 1000).to_i,
				*%w[FUNCTION_NAME FUNCTION_VERSION FUNCTION_MEMORY_SIZE LOG_GROUP_NAME LOG_STREAM_NAME].map { |name| ENV["AWS_LAMBDA_#{name}"] })
		end

		# Lambda treats an invocation without a payload as `{}`.
		def decode(event)
			raise EncodingError, 'the event is not UTF-8' unless event.force_encoding('UTF-8').valid_encoding?
			JSON.parse(event.empty? ? '{}' : event)
		end

		# A trap, or another thread, may raise between two events.
		def read_head
			CHANNEL.gets
		rescue SystemCallError, IOError
			raise
		rescue StandardError => error
			attempt(nil) { warn error.full_message }
			retry
		end

		def serve(handler)
			send('ready')
			while (head = read_head)
				seq, context, event = head.split.map(&:to_i)
				context, event = CHANNEL.read(context), CHANNEL.read(event)
				begin
					result, content_type = handler.call(event: decode(event), context: context_of(seq, context)), ''
					if IO === result || StringIO === result
						result, content_type = result.read, ' application/octet-stream'
					else
						result = JSON.generate(result)
					end
					send("ok #{seq} #{result.bytesize}#{content_type}", result)
				rescue Exception => error
					# These end the process.
					is_fatal = [SystemExit, SignalException, NoMemoryError].any? { |type| type === error }
					send_error("#{is_fatal ? 'fatal' : 'error'} #{seq}", error)
					raise if is_fatal
				end
				event = result = error = nil
			end
		end
	end
end
$stdout.sync = true
Tinderbox.serve(Tinderbox.load(self, *ARGV))
