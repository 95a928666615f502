# What the client of the managed runtime defines, and functions use or replace.
class LambdaContext
	attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
		:memory_limit_in_mb, :function_version, :identity, :tenant_id, :client_context, :deadline_ms
	def initialize(request)
		fields = request.fields
		@aws_request_id, @invoked_function_arn = fields['request-id'], fields['function-arn']
		@tenant_id = fields['tenant-id']
		@client_context = Tinderbox.parse_field('client-context', fields['client-context'])
		@identity = Tinderbox.parse_field('cognito-identity', fields['cognito-identity'])
		# Without a deadline, Lambda's longest timeout.
		@deadline_ms = (fields['deadline-ms'] || Tinderbox.now_ms + 900_000).to_i
		@function_name, @function_version = ENV['AWS_LAMBDA_FUNCTION_NAME'], ENV['AWS_LAMBDA_FUNCTION_VERSION']
		@memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
		@log_group_name, @log_stream_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME'], ENV['AWS_LAMBDA_LOG_STREAM_NAME']
	end
	def get_remaining_time_in_millis
		[0, deadline_ms - Tinderbox.now_ms].max
	end
	def log(message)
		puts message
	end
end

# A handler of the top level is a method of this object.
class LambdaHandler
	attr_reader :handler_file_name, :handler_method_name
	def initialize(file_name, class_name, method_name)
		@handler_file_name = file_name
		@handler_method_name = method_name
		@handler_class = class_name if class_name
	end
end

module AwsLambda
	# Functions replace these methods.
	class Marshaller
		class << self
			def marshall_request(request)
				Tinderbox.parse_event(request.body)
			end
			# The response, perhaps with a content type. The bytes of an IO are the response.
			def marshall_response(result)
				is_io = IO === result || (!Object.autoload?(:StringIO) && StringIO === result)
				is_io ? [result, 'application/unknown'] : result.to_json
			end
		end
	end
end

module Tinderbox
	# The function may load another version of the library, which replaces the method.
	PARSE = JSON.method(:parse)

	# An event, with those methods of Net::HTTPResponse that a marshaller may call.
	class Request
		NAMES = %w[request-id aws-request-id function-arn invoked-function-arn tenant-id aws-tenant-id].each_slice(2).to_h
		attr_reader :body, :fields
		alias read_body body
		def initialize(text, body)
			@fields = text.force_encoding('UTF-8').scrub.split("\n").to_h { |line| line.split('=', 2) }
			@body = body.force_encoding('UTF-8')
		end
		def content_type
			'application/json'
		end
		def code
			'200'
		end
		def to_hash
			@fields.to_h { |name, value| ["lambda-runtime-#{NAMES[name] || name}", [value]] }.merge('content-type' => [content_type])
		end
		def fetch(name, *default, &block)
			to_hash.fetch(name.downcase, *default, &block).then { |value| Array === value ? value[0] : value }
		end
		def [](name)
			fetch(name, nil)
		end
		def key?(name)
			to_hash.key?(name.downcase)
		end
		def each_header
			to_hash.each { |name, values| yield name, values[0] }
		end
		alias each each_header
	end

	class << self
		def now_ms
			Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond)
		end

		# A caller chooses these values: one that is not JSON does not fail the event.
		def parse_field(name, text)
			PARSE.call(text) unless text.nil? || text.empty?
		rescue StandardError
			attempt(nil) { warn "#{name} is not JSON: ignored" }
		end

		# Lambda treats an invocation without a payload as `{}`. JSON may escape half of a pair of
		# surrogates, which no text of Ruby can hold: U+FFFD stands for it.
		def parse_event(text)
			raise EncodingError, 'the event is not UTF-8' unless text.valid_encoding?
			return {} if text.empty?
			if text.match?(/\\u[dD][89a-fA-F]/)
				text = text.gsub(/\\u[dD][89abAB]\h\h\\u[dD][c-fC-F]\h\h|\\u[dD][89a-fA-F]\h\h|\\./m) do |escape|
					escape.size == 6 ? '\ufffd' : escape
				end
			end
			PARSE.call(text)
		end
	end
end
