//! The texts of `tinderbox help`.

/// `tinderbox --version`.
pub const VERSION: &str = concat!("tinderbox ", env!("CARGO_PKG_VERSION"), "\n");

/// `tinderbox help`.
pub const OVERVIEW: &str = "\
tinderbox: a local Lambda for custom runtimes, a client for it, and measurements of runtimes

  tinderbox run BOOTSTRAP|DIR [options]   serve a local Lambda on 127.0.0.1
  tinderbox run --function NAME=DIR ...   the same with several functions
  tinderbox run BOOTSTRAP|DIR --once EVENT [options]
                                          handle one event, print the answer, exit
  tinderbox invoke [--event EVENT] [options]
                                          call a local Lambda
  tinderbox measure BOOTSTRAP|DIR [--compare OTHER]... [options]
                                          cold starts, warm invocations, memory, bytes
  tinderbox report < LOG                  percentiles from Lambda's own log
  tinderbox help [run|invoke|measure|report]
                                          this text, or the options of one command
  tinderbox --version

exit status
  0      success
  1      the function returned an error; measure: or a bootstrap failed
  2      nothing was done: usage, a file, a port, no connection
  3      measure: a ratio exceeds --max-ratio
  128+N  signal N stopped the tool before the answer to --once
";

/// `tinderbox help run`.
pub const RUN: &str = "\
tinderbox run BOOTSTRAP|DIR [options]
tinderbox run --image LAYOUT|ROOTFS [options]
tinderbox run --function NAME=BOOTSTRAP|DIR[,SETTING]... [options]

Starts a bootstrap with the environment of a Lambda custom runtime and serves two interfaces on
127.0.0.1: the Runtime API for the bootstrap, and the Invoke API for callers: POST
/2015-03-31/functions/NAME/invocations, or, for a response stream in AWS's frames,
/2021-11-15/functions/NAME/response-streaming-invocations. The address is printed on stdout;
everything else, including the function's output, goes to stderr.

Calls at once are handled in environments of their own, each a process of the bootstrap: the first
one is started at once, others when they are needed, up to --environments. More calls get 429, as
on Lambda. If a bootstrap exits, the next event restarts it. An asynchronous event that fails is
tried again (--async-retries).

SIGINT (Ctrl-C), SIGTERM, SIGHUP or SIGQUIT stops the tool: calls that wait get 503, which SDKs
send again, running events have 2 seconds to finish, and every process that a bootstrap started is
killed. A second signal ends the tool at once. SIGKILL of the tool also kills the bootstraps, but
not the processes that they started. A bootstrap that registered an extension, or that handles
events concurrently, gets SIGTERM when the tool stops, and SIGKILL 500 ms later.

  DIR                a task root: the folder is LAMBDA_TASK_ROOT and the working directory, and
                     DIR/bootstrap is run
  BOOTSTRAP          an executable; its folder is the task root, unless --task-root names another
  --task-root DIR    the task root
  --handler H        _HANDLER (function.handler)
  --function-name NAME
                     the function's name; without it, and without --function, the function answers
                     to every name and has the name \"function\" itself
  --function NAME=BOOTSTRAP|DIR[,SETTING]...
                     another function; repeatable. Settings are handler=H, timeout=S, memory=MB,
                     task-root=DIR and env:NAME=VALUE; what is absent is that of the options for
                     all functions. Two commas stand for one in a value
  --timeout S        seconds for an event, fractions allowed (3, as on Lambda); after that, all
                     processes are killed and the caller gets Sandbox.Timedout
  --init-timeout S   seconds from the start to the first GET of an event (10, as on Lambda)
  --memory MB        the memory size in the function's environment (128)
  --memory-limit     enforces it, as Lambda does: a process beyond it is killed. This needs control
                     groups (root, or a systemd user session); without them, the private memory of
                     each process is limited by itself, and a line says so
  --layer DIR|ZIP    a layer: its content is the function's /opt; repeatable, later ones win. Needs
                     mount namespaces (root, or user namespaces); without them, PATH and the
                     variables of the languages name the folder, and a line says so. One folder is
                     mounted as it is, so that edits are seen; others are copied. If DIR has no
                     bootstrap, that of the layers is run
  --image LAYOUT|ROOTFS
                     runs the function in a container image: the folder of an OCI layout (LAYOUT or
                     LAYOUT:NAME, as by: skopeo copy docker-daemon:IMAGE:latest oci:LAYOUT), whose
                     ENTRYPOINT, CMD, ENV and WORKDIR count, or a root file system with a bootstrap
                     in /var/runtime or /var/task. --handler takes the place of CMD. Its root is
                     read-only but for /tmp. Needs mount namespaces
  --freeze           stops all processes of the function between events, as Lambda does: finds code
                     that works in the background
  --env NAME=VALUE   an environment variable of the function; overrides Lambda's; repeatable
  --host HOST        where the Invoke API listens: an address or a name of this machine (127.0.0.1
                     and, where there is IPv6, ::1). With ::1 the Runtime API is on [::1] too;
                     otherwise it is on 127.0.0.1 always. With an address that is
                     not loopback, 0.0.0.0 for instance, everyone who reaches the port can run the
                     function
  --port N           port of the Invoke API (9000); 0 selects a free one
  --runtime-port N   port of the Runtime API (0: a free one)
  --any-runtime      the Runtime API accepts calls of every local process, for instance of a runtime
                     in a debugger; by default only those of the bootstrap and of what it started
  --environments N   calls at once, each in an environment of its own (10)
  --idle-timeout S   an environment beyond the first is stopped after as long without an event (300)
  --async-retries N  attempts after the first one of an asynchronous event that fails (2): after 1
                     second and after 2 more, where Lambda waits 1 and 2 minutes
  --concurrency N    handles up to N events concurrently in one process, as Lambda Managed
                     Instances: the bootstrap gets AWS_LAMBDA_MAX_CONCURRENCY; a timeout kills no
                     process, and an event that no GET takes within the timeout has timed out
  --snapstart        takes and restores a snapshot after init, both at once: the bootstrap has to
                     request it (GET /2018-06-01/runtime/restore/next), and the connection is
                     closed afterwards
  --binary           events may be any bytes; by default they are JSON with up to 1,000 levels of
                     nesting, and an empty event becomes {}
  --runner COMMAND   runs the bootstrap with this command, split at white space, for instance
                     qemu-aarch64-static
  --once EVENT       no Invoke API: handles this one event, prints the answer or the error on
                     stdout, and exits with 0 or, on a function error, 1
  --json             every line on stderr is a JSON object in the shape of Lambda's Telemetry API:
                     time, type and record. type is platform.initStart, platform.initRuntimeDone,
                     platform.initReport, platform.restoreReport, platform.start,
                     platform.runtimeDone or platform.report, with functionName; function for a line
                     of the function, with functionName and, if one event was running, its
                     requestId; or tinderbox for a line of the tool

EVENT is - for stdin; JSON ({...}, [...], \"...\", 42); or the name of a file.

Scripts can deploy here: create-function, update-function-code, update-function-configuration,
publish-version, aliases, delete-function, the calls that read them, and waiters, by the AWS CLI or
an SDK with this endpoint, or by cargo lambda deploy --endpoint-url. A zip is unpacked into a
temporary folder of the tool, and refused if its bootstrap cannot run here. Roles, layers, VPCs and
destinations are stored and returned, and have no effect; S3 and images are refused. Variables of
--env replace those of deployed functions. Everything is gone when the tool ends.

Limits: 256 connections of callers (fewer where the system allows fewer descriptors); a new one
replaces an idle one. 256 MiB of events in total; of these, 1,000 asynchronous ones with 64 MiB in
total may be queued. Calls beyond that get 429 TooManyRequestsException. The head and the trailers
of a request may have 1 MiB and 4,096 lines each. A caller has 10 s to send a head and 2 minutes to
send a body. An event may have 6,291,456 bytes, an asynchronous one 1,048,576 and a response
6,291,556, as on Lambda. X-Amz-Client-Context may have 3,583 bytes, X-Amz-Tenant-Id 256,
X-Amzn-Trace-Id 1,024; longer ones get 400.

Web pages cannot call: a request with an Origin or a Sec-Fetch-Site of another site gets 403
AccessDeniedException, and so does one whose Host is neither a loopback address, localhost nor the
value of --host; its port may be any. With a --host that is not loopback, any address, names
without a dot and names that end in .local or .internal are right too.

The caller of the Runtime API is found by the owner of its socket (sock_diag, /proc). Another
process than the bootstrap or one of its descendants gets 403; one that has already closed its
socket can only post the answer of an event whose id it knows. Where the system does not
report owners, a line is printed and all local processes may call.

The log is on stderr, in Lambda's words: START, END, REPORT, and, of a failed init, INIT_REPORT. A
START line names the attempt (attempt=2) of a caller that sends an event again. With --env
AWS_LAMBDA_LOG_FORMAT=JSON these are Lambda's JSON records instead: platform.start, platform.report
and those of failures; with AWS_LAMBDA_LOG_LEVEL=DEBUG or TRACE all, with WARN, ERROR or FATAL
failures alone. (On Lambda that level is a setting of its own.) tinderbox report reads each of
them. A line that the function has not completed ends with its event under --json, where a line of
the function is always within record and cannot pass for another; bytes that are not UTF-8 become
U+FFFD. Lines over 256 KiB become several there.

In the tool's own lines on stderr, control characters in names and messages are escaped as \\u{1b};
without --json the function's own output is passed on unchanged. The answer on stdout is unchanged,
unless stdout is a terminal: then its control characters are escaped too.

Region and credentials are those of AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN where they are set, otherwise us-east-1 and credentials
that AWS refuses. The function gets no other environment variable of the workstation.
";

/// `tinderbox help invoke`.
pub const INVOKE: &str = "\
tinderbox invoke [options]

Calls the local Lambda that tinderbox run serves, and prints the body of the answer on stdout. A
function error is printed in the same way; the exit status is then 1.

  --event EVENT          the event ({})
  --host HOST            address or name of the Invoke API (127.0.0.1)
  --port N               port of the Invoke API (9000)
  --function-name NAME   the function's name in the call (function)
  --invocation-type TYPE RequestResponse (default), Event (answered immediately) or DryRun
  --client-context JSON  a client context
  --tenant-id ID         a tenant id
  --trace-id ID          an X-Ray trace header (by default the local Lambda creates one)
  --stream               prints the response while the function writes it; an error, also after a
                         part of the response, goes to stderr

EVENT is - for stdin; JSON ({...}, [...], \"...\", 42); or the name of a file. The answer is
written unchanged; on a terminal its control characters are escaped as \\u{1b}.
";

/// `tinderbox help measure`.
pub const MEASURE: &str = "\
tinderbox measure BOOTSTRAP|DIR [--compare OTHER]... [options]

Measures a bootstrap, alone or against others: cold starts (from just before the process is created
to a complete GET of the next event, and to the first response), warm invocations (latency,
invocations per second, CPU time), resident and private memory, page faults, system calls, bytes,
zip bytes. The bootstraps alternate, A B then B A, and are compared pair by pair: a ratio is the
median of the pairs' ratios, with its 95 % confidence interval. The noise is the first bootstrap
compared with itself in the same way. The verdict is the comparison in words: a difference is clear
if 1 is not in the interval, and the ratio is further from 1 than that of the noise.

BOOTSTRAP, DIR and OTHER are [NAME=]PATH[,handler=H][,task-root=DIR][,env=NAME=VALUE]..., for
instance
  tinderbox measure echo/bootstrap --compare 'two writes=echo/bootstrap,env=TINDERBOX_PIPELINE=0' \\
      --compare shell=target/shout,handler=program

  PATH               an executable, whose folder is the task root, or a folder with a bootstrap,
                     which is the task root and whose files all count as bytes
  --compare OTHER    another bootstrap; repeatable
  --baseline OTHER   a bootstrap with which all others are compared too; the default is baseline or
                     baseline/bootstrap in the tool's own folder, if it exists
  --cold-starts N    number of cold starts (200, but at most 10 s for each bootstrap)
  --invocations N    number of warm invocations (10000, but at most 10 s for each bootstrap)
  --event EVENT      the event: - for stdin, JSON, or the name of a file
  --event-size B     a generated event of exactly B bytes of JSON (64)
  --sizes B,B,...    measures also warm invocations with generated events of each of these sizes,
                     for instance 0,1K,64K,1M,6M (0: the shortest JSON, 1 byte): --invocations of
                     each, or 2000, but at most 2 s for each bootstrap
  --max-ratio METRIC=R
                     a regression gate: the exit status is 3 if the ratio of the first bootstrap to
                     a --compare one (without any, to the baseline) exceeds R; repeatable. METRIC is
                     start_to_next, start_to_response, warm_latency or warm_invocation, which exceed
                     R if their whole interval does; or bytes, zip_bytes, resident_kib, private_kib,
                     minor_faults, warm_resident_kib, warm_private_kib, cpu_us_per_invocation,
                     system_calls_before_next or system_calls_per_invocation. A ratio that could not
                     be measured exceeds every R
  --expect EVENT     answers with other bytes are wrong; the word echo stands for the event itself.
                     By default any response is right and any error wrong
  --accept-errors    errors count as right answers
  --handler H        _HANDLER (function.handler) of bootstraps without one of their own
  --env NAME=VALUE   an environment variable of all bootstraps; repeatable
  --memory MB        the memory size in the function's environment (128); it is not enforced
  --timeout S        seconds for a start and for an answer (10)
  --pin-cpu N|any    the CPU to which the tool and everything it measures is pinned; any: none. The
                     default is the CPU that the tool starts on
  --json             prints one JSON object instead of tables
  --svg FILE         also writes a picture: cumulative distribution of cold starts, sizes as bars

A wrong answer is counted but not timed. Failures and wrong answers are reported on stderr, and the
exit status is 1, whatever --max-ratio says; it is 2 when nothing was measured because a file cannot
be executed.

System calls are counted in separate runs that stop the process at each call (ptrace), for all
processes of the function, as medians of 3 starts and 20 events each (fewer of a slow bootstrap):
up to the call that sends GET, and from one answer to the next. Page faults and memory are taken at
the first response, as medians of 5 starts; private pages are pages that no other process maps.

Keys of the object: machine, time, pinned_to_cpu, event_bytes, baseline (a name or null);
bootstraps: name, path, handler, bytes, zip_bytes, linked, cold_starts, start_to_next_us,
start_to_response_us, warm_latency_us (each min, p50, p90, p99, max), connections_per_start,
processes, resident_kib, private_kib, minor_faults, major_faults, warm_invocations,
invocations_per_s, cpu_us_per_invocation, warm_resident_kib, warm_private_kib,
system_calls_before_next, system_calls_per_invocation, system_calls_not_counted and
zip_not_measured (the reason), right_answers, wrong_answers, failed_processes, faults, starts_us
(each round: to GET, to the response), blocks_us (of warm invocations: median latency, mean of
everything); ratios: of, to, start_to_next, start_to_response, warm_latency, warm_invocation (each
median, from, to, p10, p90, pairs); noise: the same; sizes: event_bytes, bootstraps (name,
warm_latency_us, invocations_per_s), ratios; verdict: sentences; gates: metric, of, to, ratio,
max_ratio, passed. A value that does not exist is null.
";

/// `tinderbox help report`.
pub const REPORT: &str = "\
tinderbox report [LOG]... [--json] < LOG

Reads a log of Lambda, or of tinderbox run, and prints for each function and version (and for each
log, if several are named): the number of invocations, cold starts and their share, errors by type,
timeouts; percentiles of Init Duration, Duration, Billed Duration and Max Memory Used; what was
billed, and how much of that was init; the memory headroom, of the invocation that came closest to
its memory size.

It reads text and JSON logs as Lambda and tinderbox run [--json] write them, or as CloudWatch
returns them: aws logs tail, aws logs filter-log-events, a table of Logs Insights, the output of
scripts/measure-on-lambda.sh. The version is that of the START line with the same request id, or
that in the name of the log stream; the function, where a log names it, that of platform.start or
platform.initStart, of the log stream, or of the log group (@log). An Init Duration of 0 ms is no
cold start.

  --json     prints one object: versions: log, function, version, invocations, cold_starts,
             cold_start_share, failed (errors and timeouts), errors, error_types, timeouts,
             init_duration_ms, restore_duration_ms, cold_duration_ms, warm_duration_ms, duration_ms,
             billed_duration_ms, max_memory_used_mb (each n, min, p50, p90, p95, p99, max),
             billed_ms_total, billed_init_ms_total (the init in it), free_init_ms_total (init that
             was not billed, as before August 2025), billed_gb_s, memory (size_mb, max_used_mb,
             headroom_mb), init_report_ms (by status)
";
