# The shim for Ruby: `ruby --disable=gems -e SHIM FILE NAME`. SHIM is four files, one behind the other:
# libraries.rb, aws.rb, logs.rb, worker.rb.
#
# The embedded text has no lines that begin with `#` and no indentation, so no string may span lines.
#
# This file: libraries that the managed runtime has loaded before the function, or where it finds them. Here
# they are loaded at first use, because rubygems alone takes 50 ms, and net/http 40 ms.
module Kernel
	alias tinderbox_require require
	# json loads ostruct, which takes 2 ms, for a class that hardly anybody uses.
	def require(name)
		name != 'json/generic_object' && tinderbox_require(name)
	end
end
# json.rb requires this, and has 600 lines of documentation to parse.
require 'json/ext'
$".concat($".grep(%r{/json/ext\.rb\z}).map { |path| path.sub('/ext.rb', '.rb') })
JSON.autoload(:GenericObject, 'json/generic_object')

module Tinderbox
	# Ruby's own folders. Files of the function, which is searched first, must not stand in for what we load.
	LIBRARY_FOLDERS = $:.dup
	# A function may replace the constant.
	JSON = ::JSON
	class << self
		def load_library(name)
			LIBRARY_FOLDERS.each do |folder|
				path = "#{folder}/#{name}.rb"
				return require(path) if File.file?(path)
			end
			require(name)
		end

		# Calls code of the function, which may raise anything.
		def attempt(default)
			yield
		rescue Exception
			default
		end

		# Methods that a library adds to a class of the core: the first call loads it, and it replaces them.
		def load_at_first_call(library, owner, *names)
			names.each do |name|
				next if owner.method_defined?(name, false) || owner.private_method_defined?(name, false)
				owner.define_method(name) do |*arguments, **options, &block|
					raise NoMethodError.new("undefined method '#{name}'", name) unless Tinderbox.load_library(library)
					__send__(name, *arguments, **options, &block)
				end
			end
		end

		# Suggestions and snippets in messages. Returns whether they were loaded just now.
		def load_hints
			return false if @has_hints
			@has_hints = true
			%w[error_highlight did_you_mean].each { |name| attempt(nil) { load_library(name) } }
			true
		end

		# The variables are those of the managed runtime. An empty entry of GEM_PATH stands for the folders
		# that this Ruby searches anyway: our Ruby is not that of the managed runtime.
		def set_paths(root)
			version = RUBY_VERSION[/\d+\.\d+/]
			folders = ["#{root}/vendor/bundle/ruby/#{version}.0", "/opt/ruby/gems/#{version}.0"]
			# With gems at hand, a newer version of a default gem has precedence over the library.
			has_gems = ENV.any? { |name, _| name.start_with?('GEM_', 'BUNDLE_') }
			has_gems ||= folders.any? { |folder| File.directory?("#{folder}/specifications") }
			layers = '/opt/ruby/lib'
			ENV['GEM_HOME'] ||= '/var/runtime'
			ENV['GEM_PATH'] ||= "#{folders.join(':')}:"
			ENV['RUBYLIB'] ||= "#{root}:/var/runtime/lib:#{layers}"
			ENV['AWS_EXECUTION_ENV'] ||= "AWS_Lambda_ruby#{version}"
			$:.unshift(layers) if !$:.include?(layers) && File.directory?(layers)
			$:.unshift(root) unless $:.include?(root)
			load_library('rubygems') if has_gems
		end
	end

	# Ruby 3.2 and later have the hints not in the message, but in `detailed_message`.
	HINTED = Exception.method_defined?(:detailed_message) ? :detailed_message : :to_s
	Hints = Module.new do
		define_method(HINTED) do |*arguments, **options|
			Tinderbox.load_hints ? __send__(HINTED, *arguments, **options) : super(*arguments, **options)
		end
	end
	[NameError, KeyError, LoadError].each { |type| type.prepend(Hints) }

	%i[parse iso8601 xmlschema rfc2822 rfc822 httpdate strptime zone_offset].then do |names|
		load_at_first_call('time', Time.singleton_class, *names)
	end
	load_at_first_call('time', Time, *%i[iso8601 xmlschema rfc2822 rfc822 httpdate to_date to_datetime to_time])
	load_at_first_call('io/wait', IO, *%i[nread ready? wait wait_priority wait_readable wait_writable])
	load_at_first_call('uri', Kernel, :URI)
	load_at_first_call('uri', Kernel.singleton_class, :URI)
	Kernel.send(:private, :URI)
end

module Tinderbox
	LIBRARIES = {
		rubygems: %i[Gem], did_you_mean: %i[DidYouMean], error_highlight: %i[ErrorHighlight], rbconfig: %i[RbConfig],
		ostruct: %i[OpenStruct], stringio: %i[StringIO], logger: %i[Logger], uri: %i[URI], 'net/http': %i[Net],
		date: %i[Date DateTime], timeout: %i[Timeout], openssl: %i[OpenSSL], zlib: %i[Zlib], ipaddr: %i[IPAddr],
		monitor: %i[Monitor MonitorMixin],
		socket: %i[Addrinfo BasicSocket IPSocket Socket SocketError TCPServer TCPSocket UDPSocket UNIXServer UNIXSocket]
	}.freeze
	# The library of a folder: `uri` of `uri/generic`.
	FOLDERS = LIBRARIES.keys.to_h { |library| [library.name[/\A\w+/], library] }.freeze
	LIBRARIES.each do |library, names|
		names.each { |name| Object.autoload(name, library.name) unless Object.const_defined?(name) }
	end
end

module Kernel
	def require(name)
		# A part of a library that is loaded before the rest reopens the module, which would load the rest
		# while this part is not yet complete.
		library = Tinderbox::FOLDERS[name[/\A\w+(?=\/)/]] if String === name
		if library && library.name != name && Object.autoload?(Tinderbox::LIBRARIES[library][0])
			Tinderbox.load_library(library)
		end
		begin
			is_new = tinderbox_require(name)
		rescue LoadError => error
			raise if error.path != name || !Tinderbox.load_library('rubygems')
		end
		# Not within the rescue: the error would be the cause of the next one.
		return require(name) if error
		Tinderbox.patch_logger if is_new && name.to_s.end_with?('logger', 'logger.rb')
		is_new
	end
	def gem(*arguments)
		Object.const_get(:Gem)
		gem(*arguments)
	end
	private :require, :gem
end
