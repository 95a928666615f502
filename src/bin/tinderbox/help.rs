//! What `tinderbox help` prints.

/// `tinderbox --version`.
pub const VERSION: &str = concat!("tinderbox ", env!("CARGO_PKG_VERSION"), "\n");

/// `tinderbox help`.
pub const OVERVIEW: &str = "\
tinderbox: a local Lambda for custom runtimes, and a caller for it

  tinderbox run BOOTSTRAP|DIR [options]   serve a local Lambda on 127.0.0.1
  tinderbox run BOOTSTRAP|DIR --invoke EVENT [options]
                                          handle one event, print the answer, leave
  tinderbox invoke [--event EVENT] [options]
                                          call a local Lambda
  tinderbox help [run|invoke]             this text, or one command's
  tinderbox --version

exit status
  0    done
  1    the function answered with an error
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
SIGQUIT stops the tool and every process that the bootstrap started; SIGKILL takes the bootstrap
along, but cannot take what that has started. A bootstrap that has registered an extension, or
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
                     AWS_LAMBDA_MAX_CONCURRENCY; a time-out kills nothing there
  --snapstart        a snapshot is taken and restored after init, at once: the bootstrap has to ask
                     (GET /2018-06-01/runtime/restore/next), and its connection is dead afterwards
  --raw              events may be any bytes; without it they are JSON, and no bytes become {}
  --runner COMMAND   runs the bootstrap with this command, split at white space, for instance
                     qemu-aarch64-static
  --invoke EVENT     no Invoke API: handles this one event, prints the answer, also an error, on
                     stdout, and exits with 0 or, on a function error, 1

EVENT is - for stdin; JSON as it stands ({...}, [...], \"...\", 42); else the name of a file.

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

EVENT is - for stdin; JSON as it stands ({...}, [...], \"...\", 42); else the name of a file.
";
