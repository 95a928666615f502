//! What `tinderbox help` prints.

/// `tinderbox --version`.
pub const VERSION: &str = concat!("tinderbox ", env!("CARGO_PKG_VERSION"), "\n");

/// `tinderbox help`.
pub const OVERVIEW: &str = "\
tinderbox: a local Lambda for custom runtimes, a caller for it, and a measure of them

  tinderbox run BOOTSTRAP|DIR [options]   serve a local Lambda on 127.0.0.1
  tinderbox run BOOTSTRAP|DIR --invoke EVENT [options]
                                          handle one event, print the answer, leave
  tinderbox invoke [--event EVENT] [options]
                                          call a local Lambda
  tinderbox measure BOOTSTRAP|DIR [--vs OTHER]... [options]
                                          cold starts, warm invocations, memory, bytes
  tinderbox report < LOG                  percentiles from Lambda's own log
  tinderbox help [run|invoke|measure|report]
                                          this text, or one command's
  tinderbox --version

exit status
  0    done
  1    the function answered with an error; measure: or failed
  2    nothing was done: usage, a file, a port, no connection
  128+N  stopped by signal N before the answer to --invoke
";

/// `tinderbox help run`.
pub const RUN: &str = "\
tinderbox run BOOTSTRAP|DIR [options]

Starts a bootstrap with the environment of a Lambda custom runtime and serves two interfaces on
127.0.0.1: the Runtime API, for the bootstrap, and the Invoke API, for callers:
POST /2015-03-31/functions/NAME/invocations (any NAME), or, for a stream in AWS's frames,
/2021-11-15/functions/NAME/response-streaming-invocations. The address is printed on
stdout; all else, also what the function prints, goes to stderr. One event is handled at a time.
A bootstrap that ended is started again by the next event. Ctrl-C (SIGINT), SIGTERM, SIGHUP or
SIGQUIT stops the tool and every process that the bootstrap started; SIGKILL of the tool ends the
bootstrap too, but not what the bootstrap has started: only a signal that the tool can handle ends
that. A bootstrap that has registered an extension, or
that handles several events at once, is sent SIGTERM when the tool stops, and has 500 ms.

  DIR                a task root: the folder is LAMBDA_TASK_ROOT and the working directory, and
                     DIR/bootstrap is run
  BOOTSTRAP          an executable; its folder is the task root unless --root says otherwise
  --root DIR         the task root
  --handler H        _HANDLER (function.handler)
  --function NAME    the function's name (function)
  --timeout S        seconds for an event, fractions allowed (3, as on Lambda); then everything is
                     killed and the caller gets Sandbox.Timedout
  --init-timeout S   seconds from the start to the first GET of an event (10, as on Lambda)
  --memory MB        the number told to the function (128); no limit is enforced
  --env NAME=VALUE   a variable for the function, also in place of one that Lambda sets; repeat
  --port N           port of the Invoke API (9000); 0 takes any free one
  --runtime-port N   port of the Runtime API (0: any free one)
  --concurrency N    up to N events at once, as with Lambda Managed Instances: the bootstrap sees
                     AWS_LAMBDA_MAX_CONCURRENCY; a timeout kills nothing there, and an event that
                     no GET takes within the function's time has timed out
  --snapstart        a snapshot is taken and restored after init, at once: the bootstrap has to ask
                     (GET /2018-06-01/runtime/restore/next), and its connection is dead afterwards
  --raw              events may be any bytes; without it they are JSON of up to 1,000 levels, and
                     no bytes become {}
  --runner COMMAND   runs the bootstrap with this command, split at white space, for instance
                     qemu-aarch64-static
  --invoke EVENT     no Invoke API: handles this one event, prints the answer, also an error, on
                     stdout, and exits with 0 or, on a function error, 1

EVENT is - for stdin; JSON as it stands ({...}, [...], \"...\", 42); else the name of a file.

Limits: 256 connections of callers (fewer where the system allows fewer descriptors); one that only
waits gives way to a new one. 256 MiB of events in all; 1,000 asynchronous ones, 64 MiB in all, may
wait. What is beyond is refused with 429 TooManyRequestsException. A head and the trailers of a
request have up to 1 MiB and 4,096 lines each. A caller has 30 s for a head, 2 minutes for a body.
X-Amz-Client-Context has up to 3,583 bytes, X-Amz-Tenant-Id 256, X-Amzn-Trace-Id 1,024; longer ones
are refused with 400.

In the tool's own lines on stderr, control characters in names and messages are written as \\u{1b};
what the function itself prints is passed on as it is. An answer on stdout is written as it is,
unless stdout is a terminal: there, too, its control characters are shown and not obeyed.

Region and credentials are those of AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN where they are set, else us-east-1 and words that AWS
refuses. No other variable of the workstation reaches the function.
";

/// `tinderbox help invoke`.
pub const INVOKE: &str = "\
tinderbox invoke [options]

Calls the local Lambda that tinderbox run serves, and prints the answer's body on stdout. An error
of the function's is printed the same way; the exit status is then 1.

  --event EVENT          the event ({})
  --port N               port of the Invoke API (9000)
  --function NAME        the function's name in the call (function)
  --type TYPE            RequestResponse (default), Event (answered at once) or DryRun
  --client-context JSON  a client context
  --tenant-id ID         a tenant id
  --trace-id ID          an X-Ray trace header (without it, the local Lambda makes one)
  --stream               prints what the function writes as it comes; an error, also one that comes
                         midway, goes to stderr

EVENT is - for stdin; JSON as it stands ({...}, [...], \"...\", 42); else the name of a file. The
answer is written as it is; on a terminal its control characters are written as \\u{1b}.
";

/// `tinderbox help measure`.
pub const MEASURE: &str = "\
tinderbox measure BOOTSTRAP|DIR [--vs OTHER]... [options]

Measures a bootstrap, and others against it: cold starts (from just before the process is made to a
complete GET of the next event, and to the first response), warm invocations (latency, invocations a
second, processor time), resident and private memory, page faults, system calls, bytes, zip bytes.
All take turns, A B then B A, and are compared pair by pair: a ratio is the median of the pairs'
ratios, with its 95 % interval. The noise is the first one compared with itself in the same way.

BOOTSTRAP, DIR and OTHER are [NAME=]PATH[,handler=H][,root=DIR][,env=NAME=VALUE]..., for instance
  tinderbox measure echo/bootstrap --vs 'two writes=echo/bootstrap,env=TINDERBOX_PIPELINE=0' \\
      --vs shell=target/shout,handler=program

  PATH               an executable, whose folder is the task root, or a folder with a bootstrap,
                     which is the task root, and all of which counts as bytes
  --vs OTHER         one more; repeat
  --floor PATH       what all are compared with besides; without it, floor or floor/bootstrap in
                     the tool's own folder
  -n N               cold starts (200, or as many as there are in 10 s for each)
  -m M               warm invocations (10000, or as many as there are in 10 s for each)
  --event EVENT      the event: - for stdin, JSON as it stands, or the name of a file
  --event-size B     an event of exactly B bytes of JSON (64)
  --expect EVENT     answers of other bytes are wrong; the word echo: the event itself. Without it,
                     any response is right and any error wrong
  --accept-errors    an error is as good as a response
  --handler H        _HANDLER (function.handler), for those who have none of their own
  --env NAME=VALUE   a variable for all of them; repeat
  --memory MB        the number told to the function (128); no limit is enforced
  --timeout S        seconds for a start, and for an answer (10)
  --cpu N|any        the processor on which the tool and all it measures are kept; any: none.
                     Without it, the one the tool is on when it begins
  --json             one object instead of tables
  --svg FILE         also a picture: cumulative distribution of cold starts, bars of size

A wrong answer is counted, and its time is not. A bootstrap that fails or answers wrongly is told of
on stderr, and the exit status is 1; 2 when nothing was measured because a file cannot be run.

System calls are counted apart, with the process stopped at each (ptrace), of all processes of the
function, as medians of 3 starts and 20 events each (fewer of a slow one): up to the one that sends
GET, and from one answer to the next. Page faults and memory are those at the first response,
medians of 5 starts; private are pages that no other process has.

Keys of the object: machine, time, pinned_to_cpu, event_bytes, floor (a name or null);
bootstraps: name, path, handler, bytes, zip_bytes, linked, cold_starts, start_to_next_us,
start_to_response_us, warm_latency_us (each min, p50, p90, p99, max), connections_a_start,
processes, resident_kib, private_kib, minor_faults, major_faults, warm_invocations,
invocations_per_s, cpu_us_per_invocation, warm_resident_kib, warm_private_kib,
system_calls_before_next, system_calls_per_invocation, system_calls_not_counted and
zip_not_measured (the reason), right_answers, wrong_answers, failed_processes, faults, starts_us
(round by round: to GET, to the response), blocks_us (of warm invocations: median latency, mean
of all); ratios: of, to, start_to_next, start_to_response, warm_latency, warm_invocation (each
median, from, to, p10, p90, pairs); noise: the same. What there is none of is null.
";

/// `tinderbox help report`.
pub const REPORT: &str = "\
tinderbox report [LOG]... [--json] < LOG

Reads a log of Lambda's and prints percentiles of Init Duration, Duration, Billed Duration and Max
Memory Used, by version of the function (and by log, if several are named). It takes text and JSON
logs, as they are or as CloudWatch gives them: aws logs tail, aws logs filter-log-events, a table of
Logs Insights, what scripts/measure-on-lambda.sh prints. The version is that of the START line with
the same request id, else that in the log stream's name.

  --json     one object: versions: log, version, invocations, failed, init_duration_ms,
             restore_duration_ms, cold_duration_ms, warm_duration_ms, duration_ms,
             billed_duration_ms, max_memory_used_mb (each n, min, p50, p90, p99, max),
             init_report_ms (the same, by status)
";
