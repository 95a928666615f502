//! PHP's FastCGI server: php-fpm, or php-cgi where there is none; how it is started, and connected
//! to.
//!
//! It inherits a socket that listens, so that a request can be sent before it has started. php-fpm
//! takes the socket as one that an earlier php-fpm has left to it (`FPM_SOCKETS`), under the name
//! that its configuration has for it; no file of that name is needed. The configuration is a file
//! in memory: nothing has to be writable.
//!
//! Settings of `-d` replace those of the user's files. So settings that a user may want otherwise
//! are given as `-d name=${name}`: PHP puts in what its files say, and only where they say nothing
//! the variable of that name in the environment, which has ours.

use crate::host::command::Command;
use crate::host::interpreter::InterpreterSearch;
use crate::host::paths::{concat_into, freeze, strip_nul};
use crate::host::protocol::ChildSetup;
use crate::host::web::fastcgi::opcache::{CACHE_VARIABLES, link_cache};
use crate::sys::ipc::{memfd, try_send};
use crate::sys::listener::listen;
use crate::sys::process::own_pid;
use crate::sys::sockets::{LocalAddress, connect};
use crate::sys::{Descriptor, Environment, TakeOnce};
use crate::wire::fastcgi::GET_VALUES;
use crate::wire::number::Decimal;

/// The configuration of php-fpm. Errors, and what scripts write to standard error, become lines of
/// its log as they are, which is its standard error (`-O`); `error_log` is opened nevertheless. One
/// event at a time needs one worker. `fastcgi_finish_request` is disabled, besides what the user
/// has disabled: the environment may be frozen before the script ends.
const CONFIGURATION: &[u8] = b"[global]
error_log = /dev/null
daemonize = no
log_level = warning
log_limit = 65536
[w]
listen = /tmp/tinderbox
pm = static
pm.max_children = 1
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
php_admin_value[disable_functions] = fastcgi_finish_request
";

/// The socket in the environment of php-fpm: the `listen` of the configuration, and the descriptor.
const FPM_VARIABLES: &[u8] = b"FPM_SOCKETS=/tmp/tinderbox=3\0";

/// php-cgi runs in one process, for any number of requests.
const CGI_VARIABLES: &[u8] = b"PHP_FCGI_CHILDREN=0\0PHP_FCGI_MAX_REQUESTS=0\0";

/// The default of PHP is 2 MB, and drops a larger file without an error; an event has 6.
const DEFAULT_VARIABLES: &[u8] = b"upload_max_filesize=8M\0";

/// The settings of every server.
const ARGUMENTS: [&[u8]; 4] = [
    b"-d\0",
    b"fastcgi.logging=0\0",
    b"-d\0",
    b"upload_max_filesize=${upload_max_filesize}\0",
];

/// The settings where answers are streamed: a flush of the script is sent at once.
const STREAM_ARGUMENTS: [&[u8]; 4] = [
    b"-d\0",
    b"output_buffering=0\0",
    b"-d\0",
    b"zlib.output_compression=0\0",
];

/// The settings with a cache of compiled scripts in the package.
const CACHE_ARGUMENTS: [&[u8]; 4] = [
    b"-d\0",
    b"opcache.file_cache=${opcache.file_cache}\0",
    b"-d\0",
    b"opcache.validate_timestamps=${opcache.validate_timestamps}\0",
];

static CONFIGURATION_PATH: TakeOnce<[u8; 64]> = TakeOnce::new([0; _]);

/// How long a connection waits where many were given up before it, in milliseconds.
const CONNECT_MS: u64 = 1000;

/// The names of servers, in the order in which they are searched for; the version of PHP may
/// follow.
const NAMES: [&[u8]; 2] = [b"php-fpm", b"php-cgi"];

/// The program of a server, with a NUL at its end.
pub fn find_server(environment: &Environment) -> Option<&'static [u8]> {
    InterpreterSearch::new(environment)?.server(&NAMES)
}

/// The server.
pub struct PhpServer {
    /// It is php-fpm, whose configuration this is.
    configuration: Option<Descriptor>,
    has_cache: bool,
    /// Where the current one listens.
    address: Option<LocalAddress>,
}

impl PhpServer {
    /// Makes the command of a program. The memory of its configuration stays open.
    ///
    /// # Errors
    /// The errno: there is no memory or no descriptor for the configuration.
    pub fn new(
        program: &'static [u8],
        streams: bool,
        environment: &Environment,
        command: &mut Command,
    ) -> Result<PhpServer, usize> {
        let has_cache = link_cache(environment);
        let name = strip_nul(program).rsplit(|byte| *byte == b'/').next();
        let is_fpm = name.is_some_and(|name| name.starts_with(b"php-fpm"));
        let mut configuration = None;
        if is_fpm {
            let file = memfd(CONFIGURATION)?;
            let path = CONFIGURATION_PATH.take().map_or(&b""[..], |region| {
                let pid = Decimal::new(own_pid());
                let number = Decimal::new(file.raw_fd());
                let pieces = [b"/proc/", pid.as_bytes(), b"/fd/", number.as_bytes(), b"\0"];
                let bytes = concat_into(region, &pieces);
                freeze(region, bytes)
            });
            configuration = Some(file);
            // In the foreground, also as root, with its log on standard error.
            for argument in [b"-F\0", b"-R\0", b"-O\0", b"-y\0", path] {
                command.push_argument(argument);
            }
        }
        let lists = [
            (true, &ARGUMENTS),
            (streams, &STREAM_ARGUMENTS),
            (has_cache, &CACHE_ARGUMENTS),
        ];
        for (_, list) in lists.iter().filter(|(is_given, _)| *is_given) {
            for argument in *list {
                command.push_argument(argument);
            }
        }
        Ok(PhpServer {
            configuration,
            has_cache,
            address: None,
        })
    }

    /// Opens a socket for the server to listen on, and a connection to it, over which the server is
    /// asked for a value: it closes a connection on which nothing comes for five seconds.
    ///
    /// # Errors
    /// The errno: there is no descriptor.
    pub fn open(&mut self, setup: &mut ChildSetup) -> Result<Descriptor, usize> {
        let (listener, address) = listen()?;
        let connection = connect(&address, CONNECT_MS)?;
        try_send(&connection, [GET_VALUES, b""]);
        self.address = Some(address);
        setup.variables.push(DEFAULT_VARIABLES);
        if self.has_cache {
            setup.variables.push(CACHE_VARIABLES);
        }
        if self.configuration.is_some() {
            setup.channel = Some(listener);
            setup.variables.push(FPM_VARIABLES);
        } else {
            setup.stdin = Some(listener);
            setup.variables.push(CGI_VARIABLES);
        }
        Ok(connection)
    }

    /// Another connection to it. `None`: it does not listen any more.
    pub fn connect(&self) -> Option<Descriptor> {
        connect(self.address.as_ref()?, CONNECT_MS).ok()
    }

    /// Its name, for messages.
    pub fn name(&self) -> &'static [u8] {
        match self.configuration {
            Some(_) => b"php-fpm",
            None => b"php-cgi",
        }
    }
}
