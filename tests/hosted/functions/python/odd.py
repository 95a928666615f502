# Odd exceptions, and changes to the objects and streams that the worker uses.
import gc
import io
import os
import signal
import sys
import time


def same(event, context):
    return event


class MessageRaises(Exception):
    def __str__(self):
        raise LookupError("no message")

    __repr__ = __str__


def message_raises(event, context):
    raise MessageRaises("lost")


class MessageExits(Exception):
    def __str__(self):
        sys.exit(9)


def message_exits(event, context):
    raise MessageExits


class MessageIsNoText(Exception):
    def __str__(self):
        return 7


def message_is_no_text(event, context):
    raise MessageIsNoText


class Text(str):
    def __getitem__(self, key):
        return 7


class MessageIsOdd(Exception):
    def __str__(self):
        return Text("odd")


def message_is_odd(event, context):
    raise MessageIsOdd


def message_is_not_utf_8(event, context):
    raise ValueError("a\ud800z")


def message_is_a_tuple(event, context):
    raise ValueError(1, None)


def no_name(event, context):
    raise type("", (Exception,), {})("nameless")


class Meta(type):
    __name__ = property(lambda cls: 1 / 0)


class NameRaises(Exception, metaclass=Meta):
    pass


def name_raises(event, context):
    raise NameRaises("who am I")


class AttributesRaise(Exception):
    __class__ = property(lambda self: 1 / 0)
    __traceback__ = property(lambda self: 1 / 0)
    __notes__ = property(lambda self: 1 / 0)


def attributes_raise(event, context):
    raise AttributesRaise("closed up")


def notes_are_odd(event, context):
    error = ValueError("with notes")
    error.__notes__ = 7
    raise error


def place_is_odd(event, context):
    raise SyntaxError("somewhere", (b"\xff", "x", [], object(), None, {}))


def no_traceback_module(event, context):
    sys.path[:] = []
    sys.path_importer_cache.clear()
    for name in list(sys.modules):
        if name not in ("sys", "builtins"):
            del sys.modules[name]
    raise ValueError("without modules")


def stdout_is_closed(event, context):
    sys.stdout.close()
    return event


def stdout_is_none(event, context):
    print("before", end="")
    sys.stdout = sys.stderr = None
    return event


class Tee:
    def write(self, text):
        sys.__stdout__.write(text)


def stdout_is_no_file(event, context):
    sys.stdout = Tee()
    print("by way of a tee", end="")
    return event


def stdout_is_none_and_it_throws(event, context):
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None
    raise ValueError("in silence")


def stderr_is_closed_and_it_throws(event, context):
    sys.stderr.close()
    raise ValueError("in silence")


class Odd:
    def __del__(self):
        raise ValueError("at the end of its life")


def dies_odd(event, context):
    gc.collect()
    error = ValueError("with a member")
    error.member = Odd()
    raise error


def alarm(event, context):
    def ring(number, frame):
        raise TimeoutError("rings")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return event


def buffer(event, context):
    sys.stdout = io.StringIO()
    print("buffered")
    return event


def channel_is_closed(event, context):
    os.close(3)
    time.sleep(0)
    return event
