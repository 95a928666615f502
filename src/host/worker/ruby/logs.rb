# The log: Logger, `puts` and errors as the client of the managed runtime writes them.
module Tinderbox
	IS_JSON = ENV['AWS_LAMBDA_LOG_FORMAT'].to_s.casecmp?('JSON')

	# AWS's descriptor for the log: each record is a frame, so it may have several lines.
	class Telemetry
		FRAME = 0xa55a0003
		def self.open
			descriptor = ENV.delete('_LAMBDA_TELEMETRY_LOG_FD')
			new(IO.for_fd(descriptor.to_i, 'wb', autoclose: false)) if descriptor
		rescue SystemCallError
			nil
		end
		def initialize(io)
			@io = io
			io.sync = io.close_on_exec = true
		end
		def write(text)
			now_us = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
			@io.write([FRAME, text.bytesize, now_us].pack('L>L>Q>') << text.b)
			text.bytesize
		end
		def close
		end
	end
	TELEMETRY = Telemetry.open

	class << self
		# A record of our own. The function may have closed its output.
		def log(text)
			return TELEMETRY.write("#{text}\n") if TELEMETRY
			attempt(nil) { STDOUT.write("#{text}\n") } || STDERR.write("#{text}\n")
		end

		def json_record(level, message, fields)
			record = { timestamp: Time.now.utc.strftime('%Y-%m-%dT%H:%M:%S.%3NZ'), level: level, message: message, **fields,
				requestId: $_global_aws_request_id }.compact
			attempt(nil) { JSON.generate(record) } || JSON.generate(record.transform_values { |value| truncate(20_000, '') { value } })
		end

		def log_error(title, report)
			return log(json_record('ERROR', title, report)) if IS_JSON
			log(title)
			log(JSON.pretty_generate(report))
		end

		# A message of Logger, for JSON.
		def message_fields(formatter, message)
			return [message, {}] if Hash === message
			return [formatter.__send__(:msg2str, message), {}] unless Exception === message
			report = report_of(message, class_name(message))
			[report[:errorMessage], report]
		end

		# Called once `logger` is loaded, unless that was a file of the function.
		def patch_logger
			return if @has_logger || Object.autoload?(:Logger) || !::Logger.const_defined?(:LogDevice)
			@has_logger = true
			formatter = Class.new(::Logger::Formatter) do
				def call(severity, time, name, message)
					if IS_JSON
						message, fields = Tinderbox.message_fields(self, message)
						fields = { logger: name, **fields } if name
						return Tinderbox.json_record(severity, message, fields) + LINE_END
					end
					id = $_global_aws_request_id
					head = "#{severity[0]}, [#{format_datetime(time)} ##{Process.pid}] #{severity.rjust(5)} #{id} -- #{name}: "
					head << "#{msg2str(message)}".dup.force_encoding('UTF-8').scrub << LINE_END
				end
			end
			Object.const_set(:LogFormatter, formatter) unless Object.const_defined?(:LogFormatter)
			::Logger.prepend(LoggerPatch)
			LoggerPatch.const_set(:FORMATTER, formatter)
		end
	end
	# A frame needs none.
	LINE_END = TELEMETRY ? '' : "\n"

	# Loggers that write to standard output or standard error.
	module LoggerPatch
		def initialize(device, *arguments, **options)
			if $stdout.equal?(device) || $stderr.equal?(device) || (device.nil? && TELEMETRY)
				device = TELEMETRY || device
				options[:formatter] ||= FORMATTER.new
				level = ENV['AWS_LAMBDA_LOG_LEVEL'].to_s.downcase if IS_JSON
				level = 'debug' if level == 'trace'
				options[:level] ||= level if %w[debug info warn error fatal].include?(level)
			end
			super(device, *arguments, **options)
		end
	end
end

if Tinderbox::TELEMETRY
	module Kernel
		def puts(*values)
			text = values.flatten.map { |value| "#{value}".encode('UTF-8', invalid: :replace, undef: :replace) }.join("\n")
			Tinderbox::TELEMETRY.write(text.end_with?("\n") ? text : "#{text}\n")
			nil
		end
		private :puts
	end
end
