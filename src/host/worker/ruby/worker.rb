# The frame protocol on descriptor 3, and the loop over the events.
module Tinderbox
	# Some functions close all descriptors up to 255, or reopen them. 1030 is Linux's F_DUPFD_CLOEXEC.
	given = IO.for_fd(3, 'r+b')
	MOVED = attempt(nil) { given.fcntl(1030, 1000) }
	given.close if MOVED
	CHANNEL = MOVED ? IO.for_fd(MOVED, 'r+b', autoclose: false) : given
	CHANNEL.sync = CHANNEL.close_on_exec = true
	PID = Process.pid
	REPORT_BYTES_MAX = 262_144
	class << self
		def send(head, body = '')
			# A child that the handler forked must not answer.
			exit!(0) if Process.pid != PID
			CHANNEL.write(head, "\n", body)
		# The runtime is gone.
		rescue SystemCallError
			exit!(0)
		end

		# The truncations keep most reports below the limit.
		def truncate(length, default)
			attempt(default) { "#{yield}".dup.force_encoding('UTF-8').scrub[0, length] }
		end

		# A class without a name has another address each time: the first ancestor with a name stands for it.
		def class_name(error)
			name = truncate(110, '') { error.class }
			name = truncate(110, '') { error.class.ancestors.find { |type| Class === type && type.name } } if name.match?(/\A#<Class:0x\h+>\z/)
			name.empty? ? 'Error' : name.gsub(/:0x\h+/, '')
		end

		def report_of(error, type, depth = 5)
			message = truncate(depth == 5 ? 20_000 : 2_000, 'the message cannot be converted to a string') { error.message }
			message = nil if message.empty? && attempt(nil) { error.message.nil? }
			message, type = "exit(#{truncate(20, '') { error.status }}) was called", 'Runtime.ExitError' if SystemExit === error
			trace = attempt([]) { Array(error.backtrace)[0, 200].map { |line| truncate(300, '') { line } } }
			report = { errorMessage: message, errorType: type, stackTrace: trace.grep_v(/\A-e:/)[0, depth == 5 ? 100 : 10] }
			cause = attempt(nil) { error.cause } if depth > 0
			report[:cause] = report_of(cause, class_name(cause), depth - 1) if cause
			report
		end

		# Logs and reports an error of the function.
		def fail(head, error, phase, title, type = nil)
			# A forked child exits with its own status.
			raise error if SystemExit === error && Process.pid != PID
			type ||= "#{phase}<#{class_name(error)}>".b.gsub(/[^!-~]/n, '_')
			report = report_of(error, type)
			attempt(nil) { log_error(title, report) }
			body = JSON.generate(report)
			if body.bytesize > REPORT_BYTES_MAX
				body = JSON.generate({ **report, stackTrace: report[:stackTrace].first(10), cause: nil }.compact)
			end
			send("#{head} #{body.bytesize} #{report[:errorType]}", body)
		end

		# `FILE` and `METHOD` or `CLASS.METHOD`; or the whole text of `_HANDLER`, whose file Ruby searches.
		def load(main, path, name)
			root = ENV['LAMBDA_TASK_ROOT'] || File.dirname(path)
			set_paths(root)
			file, *names = name.empty? ? path.split('.') : [path, *name.split('.').last(2)]
			if name.empty? && !names.size.between?(1, 2)
				raise ArgumentError, "invalid handler '#{path}': expected FILE.METHOD or FILE.CLASS.METHOD"
			end
			method, @class_name = names.reverse
			require file
			stem = file.delete_prefix("#{root}/").delete_suffix('.rb')
			@receiver = LambdaHandler.new(stem, @class_name, method)
			main.instance_variables.each { |var| @receiver.instance_variable_set(var, main.instance_variable_get(var)) }
			@method = method
			return if callable?
			@receiver = main
			return if @class_name.nil? && callable?
			error = StandardError.new("#{file} defines no method '#{name.empty? ? method : name}'")
			fail('init-error', error, 'Init', INIT_ERROR, 'Runtime.HandlerNotFound')
			exit!(1)
		rescue Exception => error
			fail('init-error', error, 'Init', INIT_ERROR)
			exit!(1)
		end
		INIT_ERROR = 'Init error when loading handler '

		# The class is looked up for each event, because a library may have replaced it.
		def receiver
			@class_name ? Object.const_get(@class_name) : @receiver
		end
		def callable?
			owner = receiver
			owner.respond_to?(@method.to_s, true) || owner.method(:method_missing).owner != BasicObject
		rescue NameError => error
			# Unless it was raised by code that defines the class at first use.
			raise if error.backtrace_locations&.first&.path != '-e'
			false
		end

		# The trace id, for the method, for C libraries and for children. ENV calls `setenv`, and glibc never
		# frees a value that `setenv` was given. So from the 1,000th event on the id is written to a buffer of
		# ours, which `putenv` takes, through a library that takes a millisecond to load. Where there is none,
		# memory grows.
		TRACE = '_X_AMZN_TRACE_ID'
		def find_putenv
			load_library('fiddle')
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

		# A trap, or another thread, may raise between two events.
		def read_head
			CHANNEL.gets
		rescue SystemCallError, IOError
			raise
		rescue StandardError => error
			attempt(nil) { warn error.full_message }
			retry
		end

		# Returns the response and its content type. Net::HTTP, in the client of the managed runtime, calls
		# JSON so.
		JSON_TYPE = 'application/x-www-form-urlencoded'
		def respond(seq, context, event)
			request = Request.new(context, event)
			$_global_aws_request_id = request.fields['request-id']
			set_trace(seq, request.fields['trace-id'])
			event = AwsLambda::Marshaller.marshall_request(request)
			result = receiver.__send__(@method, event: event, context: LambdaContext.new(request))
			response, type = AwsLambda::Marshaller.marshall_response(result)
			response = response.read if type == 'application/unknown'
			raise TypeError, "the response is no String, but #{response.class}" unless String === response
			[response, type || JSON_TYPE]
		end

		def serve
			send('ready')
			while (head = read_head)
				seq, context_bytes, event_bytes = head.split.map(&:to_i)
				context, event = CHANNEL.read(context_bytes.to_i), CHANNEL.read(event_bytes.to_i)
				# The runtime is gone.
				break if context&.bytesize != context_bytes || event&.bytesize != event_bytes
				begin
					response, type = respond(seq, context, event)
					type = truncate(200, '') { type }.gsub(/[^ -~]/, '') unless type.equal?(JSON_TYPE)
					send("ok #{seq} #{response.bytesize} #{type}", response)
				rescue Exception => error
					# These end the process.
					is_fatal = [SystemExit, SignalException, NoMemoryError].any? { |kind| kind === error }
					is_plain = StandardError === error && !(NameError === error)
					title = is_plain ? 'Error raised from handler method' : 'Critical exception from handler'
					fail("#{is_fatal ? 'fatal' : 'error'} #{seq}", error, 'Function', title)
					# Ruby would log it once more.
					exit(1) if Interrupt === error || NoMemoryError === error
					raise if is_fatal
				end
				context = event = response = error = nil
			end
		end
	end
end
$stdout.sync = true
Tinderbox.load(self, *ARGV.shift(2))
Tinderbox.serve
