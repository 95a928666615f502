# Odd exceptions, and changes to the objects and streams that the worker uses.
class MessageRaises < StandardError
  def message
    raise 'no message'
  end
end

class MessageIsNil < StandardError
  def message
    nil
  end
end

class MessageIsNoText < StandardError
  def message
    Class.new(BasicObject).new
  end
end

class BacktraceIsOdd < StandardError
  def backtrace
    7
  end
end

class BacktraceHasNoTexts < StandardError
  def backtrace
    [nil, :symbol, "\xff", Object]
  end
end

class BacktraceRaises < StandardError
  def backtrace
    exit 9
  end
end

class NameRaises < StandardError
  def self.to_s
    raise 'no name'
  end
end

class NameIsEmpty < StandardError
  def self.to_s
    ''
  end
end

class ClassIsOdd < StandardError
  def class
    raise 'no class'
  end
end

def message_raises(event:, context:) = raise(MessageRaises)
def message_is_nil(event:, context:) = raise(MessageIsNil)
def message_is_no_text(event:, context:) = raise(MessageIsNoText)
def message_is_not_utf_8(event:, context:) = raise("a\xffz")
def message_is_utf_16(event:, context:) = raise('az'.encode('UTF-16LE'))
def backtrace_is_odd(event:, context:) = raise(BacktraceIsOdd, 'odd')
def backtrace_has_no_texts(event:, context:) = raise(BacktraceHasNoTexts, 'odd')
def backtrace_raises(event:, context:) = raise(BacktraceRaises, 'odd')
def name_raises(event:, context:) = raise(NameRaises, 'who am I')
def name_is_empty(event:, context:) = raise(NameIsEmpty, 'who am I')
def class_is_odd(event:, context:) = raise(ClassIsOdd, 'who am I')

def json_is_gone(event:, context:)
  Object.send(:remove_const, :JSON) if Object.const_defined?(:JSON)
  raise 'without JSON'
end

def stdout_is_closed(event:, context:)
  $stdout.close
  event
end

def stderr_is_closed_and_it_throws(event:, context:)
  $stderr.close
  raise 'in silence'
end

def buffer(event:, context:)
  require 'stringio'
  $stdout = StringIO.new
  puts 'buffered'
  event
end

def trap_raises(event:, context:)
  trap('USR1') { raise 'from the trap' }
  fork { sleep 0.05; Process.kill('USR1', Process.ppid); exit!(0) }
  event
end

def thread_raises(event:, context:)
  main = Thread.current
  Thread.new { sleep 0.05; main.raise('from a thread') }
  event
end

def finalizer_raises(event:, context:)
  ObjectSpace.define_finalizer(Object.new, proc { raise 'at the end of its life' })
  GC.start
  event
end

def channel_is_closed(event:, context:)
  IO.for_fd(3).close
  event
end
