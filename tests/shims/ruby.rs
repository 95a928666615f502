//! What functions in Ruby find on the managed runtime: libraries, paths, values, errors, logs.

use serde_json::{Value, json};

use crate::driver::{Language, RUBY_JSON, Worker};
use crate::skip::has;
use crate::support::TempDir;

/// A worker for these files, not yet ready, and their folder.
fn start(files: &[(&str, &str)], name: &str, env: &[(&str, &str)]) -> Option<(Worker, TempDir)> {
    has("ruby").then(|| {
        let folder = TempDir::new();
        for (path, text) in files {
            folder.file(path, text.as_bytes());
        }
        let mut command = Language::Ruby.command(&folder.path().join("app.rb"), name);
        for name in ["GEM_HOME", "GEM_PATH", "RUBYLIB", "AWS_EXECUTION_ENV"] {
            command.env_remove(name);
        }
        command.envs(env.iter().copied()).current_dir(folder.path());
        (Worker::start(&mut command), folder)
    })
}

/// A worker for a file with this code.
fn serve(code: &str) -> Option<(Worker, TempDir)> {
    let (mut worker, folder) = start(&[("app.rb", code)], "handler", &[])?;
    worker.expect_ready();
    Some((worker, folder))
}

/// The answer of an expression that may use the event.
fn answer_of(expression: &str, event: &str) -> Option<Value> {
    let code = format!("def handler(event:, context:)\n  {expression}\nend\n");
    let (mut worker, _folder) = serve(&code)?;
    Some(worker.ask(event.as_bytes()).json())
}

#[test]
fn library_of_the_managed_runtime_needs_no_require() {
    for expression in [
        "Logger.new(nil).class",
        "URI.parse('http://a/b').host",
        "URI('http://a/b').host",
        "Kernel.URI('http://a/b').host",
        "Net::HTTP::Get.new('/').method",
        "[Date.new(2020, 1, 2), DateTime.new(2020)]",
        "Timeout.timeout(5) { 1 }",
        "OpenSSL::Digest.new('SHA256').name",
        "[Socket, TCPSocket, UNIXServer, Addrinfo].size",
        "Zlib.crc32('x')",
        "[IPAddr.new('10.0.0.1'), Monitor.new.class, MonitorMixin]",
        "[OpenStruct.new(a: 1).a, JSON::GenericObject.name, StringIO.new('x').read]",
        "[RbConfig::CONFIG['ruby_version'], Gem::Version.new('1.2').to_s]",
        "[Time.parse('2020-01-01'), Time.iso8601('2020-01-01T00:00:00Z'), Time.strptime('1', \
        '%d')]",
        "[Time.at(0).iso8601, Time.at(0).httpdate, Time.at(0).xmlschema(3), Time.at(0).to_date]",
    ] {
        let Some(answer) = answer_of(&format!("{expression}\n  'fine'"), "{}") else {
            return;
        };
        assert_eq!(answer, "fine", "{expression}");
    }
}

#[test]
fn part_of_a_library_is_loaded_before_the_rest() {
    for (part, constant) in [
        ("uri/generic", "URI::Generic"),
        ("net/protocol", "Net::HTTP"),
        ("net/smtp", "Net::HTTP"),
        ("openssl/pkey", "OpenSSL::PKey::RSA"),
        ("logger/formatter", "Logger::Formatter"),
        ("rubygems/version", "Gem::Specification"),
        ("did_you_mean/levenshtein", "DidYouMean::SpellChecker"),
    ] {
        // Some of them are gems that are not installed everywhere.
        let expression = format!("(require '{part}' rescue LoadError); {constant}.name");
        let Some(answer) = answer_of(&expression, "{}") else {
            return;
        };
        assert_eq!(answer, constant, "{part}");
    }
}

#[test]
fn files_of_the_function_do_not_stand_in_for_what_the_shim_loads() {
    let raises = "raise 'loaded by the shim'";
    let app = "def handler(event:, context:)\n  event == 1 ? [].frist : 'fine'\nend\n";
    let mut files = vec![("app.rb", app)];
    for name in [
        "json.rb",
        "stringio.rb",
        "rubygems.rb",
        "did_you_mean.rb",
        "error_highlight.rb",
        "fiddle.rb",
        "logger.rb",
    ] {
        files.push((name, raises));
    }
    let Some((mut worker, _folder)) = start(&files, "handler", &[]) else {
        return;
    };
    worker.expect_ready();
    worker.sequence = 998;
    for _ in 0..3 {
        assert_eq!(worker.ask(b"{}").json(), "fine");
    }
    let answer = worker.ask(b"1");
    let message = answer.message("error", "Function<NoMethodError>");
    assert!(message.starts_with("undefined method"), "{message}");
}

#[test]
fn vendored_gems_are_found_and_precede_default_gems() {
    let specification = |name: &str| {
        format!(
            "Gem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = '99.0.0'\n  \
             s.summary = 'x'\n  s.authors = ['x']\n  s.files = ['lib/{name}.rb']\nend\n"
        )
    };
    let version = answer_of("RUBY_VERSION[/\\d+\\.\\d+/]", "{}");
    let Some(Value::String(version)) = version else {
        return;
    };
    let root = format!("vendor/bundle/ruby/{version}.0");
    let mut files = vec![(
        "app.rb".to_string(),
        "require 'tinderbox_tiny'\nrequire 'base64'\n\
         def handler(event:, context:) = [TINY, MINE, ENV['AWS_EXECUTION_ENV']]\n"
            .to_string(),
    )];
    for (name, code) in [("tinderbox_tiny", "TINY = 1\n"), ("base64", "MINE = 2\n")] {
        let specifications = format!("{root}/specifications/{name}-99.0.0.gemspec");
        files.push((specifications, specification(name)));
        files.push((
            format!("{root}/gems/{name}-99.0.0/lib/{name}.rb"),
            code.into(),
        ));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let Some((mut worker, _folder)) = start(&files, "handler", &[]) else {
        return;
    };
    worker.expect_ready();
    let wanted = json!([1, 2, format!("AWS_Lambda_ruby{version}")]);
    assert_eq!(worker.ask(b"{}").json(), wanted);
}

#[test]
fn paths_are_those_of_the_managed_runtime_unless_they_are_set() {
    let code = "def handler(event:, context:)\n  \
        ENV.values_at('GEM_HOME', 'GEM_PATH', 'RUBYLIB') + [$:.first, ARGV, gets]\nend\n";
    let Some((mut worker, folder)) = serve(code) else {
        return;
    };
    let root = folder.path().to_str().expect("text");
    let answer = worker.ask(b"{}").json();
    let gem_path = answer[1].as_str().expect("text");
    assert!(
        gem_path.starts_with(&format!("{root}/vendor/bundle/ruby/")),
        "{answer}"
    );
    assert!(gem_path.contains(":/opt/ruby/gems/"), "{answer}");
    assert_eq!(answer[0], "/var/runtime");
    assert_eq!(answer[2], format!("{root}:/var/runtime/lib:/opt/ruby/lib"));
    assert_eq!(
        (&answer[3], &answer[4], &answer[5]),
        (&json!(root), &json!([]), &json!(null))
    );
    let env = [("GEM_HOME", "/x"), ("GEM_PATH", "/y"), ("RUBYLIB", "/z")];
    let Some((mut worker, _folder)) = start(&[("app.rb", code)], "handler", &env) else {
        return;
    };
    worker.expect_ready();
    let answer = worker.ask(b"{}").json();
    assert_eq!(
        answer.as_array().expect("an array")[..3],
        [json!("/x"), json!("/y"), json!("/z")]
    );
}

#[test]
fn handler_without_a_file_is_required_by_its_name() {
    for (target, answer) in [
        ("wrapper.handler", "of the top level"),
        ("wrapper.Some::Thing.call", "of the class"),
        ("./inner/deep.handler", "deep"),
    ] {
        let Some((mut worker, _folder)) = target_worker(target) else {
            return;
        };
        worker.expect_ready();
        assert_eq!(worker.ask(b"{}").json(), answer, "{target}");
    }
    for (target, kind, part) in [
        (
            "nope.handler",
            "Init<LoadError>",
            "cannot load such file -- nope",
        ),
        ("wrapper", "Init<ArgumentError>", "'wrapper'"),
        ("a.b.c.d", "Init<ArgumentError>", "'a.b.c.d'"),
        ("wrapper.nope", "Runtime.HandlerNotFound", "'nope'"),
        ("wrapper.Nope.call", "Runtime.HandlerNotFound", "'call'"),
    ] {
        let Some((mut worker, _folder)) = target_worker(target) else {
            return;
        };
        let message = worker.answer().message("init-error", kind);
        assert!(message.contains(part), "{target}: {message}");
        assert!(worker.assert_exits(1).contains(kind), "{target}");
    }
}

/// A worker that gets the whole of `_HANDLER`.
fn target_worker(target: &str) -> Option<(Worker, TempDir)> {
    has("ruby").then(|| {
        let folder = TempDir::new();
        folder.file(
            "wrapper.rb",
            b"def handler(event:, context:) = 'of the top level'\n\
              module Some; class Thing; def self.call(event:, context:) = 'of the class'; end; \
              end\n",
        );
        folder.file("inner/deep.rb", b"def handler(event:, context:) = 'deep'\n");
        let target = target.trim_start_matches("./");
        let mut command = Language::Ruby.command(std::path::Path::new(target), "");
        command.env("LAMBDA_TASK_ROOT", folder.path());
        (Worker::start(&mut command), folder)
    })
}

#[test]
fn result_is_what_to_json_answers() {
    // Rails' libraries replace `to_json` of the core's classes, and call the original with a state.
    let code = "module Rails\n  def to_json(options = nil)\n    \
        return super(options) if options.is_a?(::JSON::State)\n    \
        JSON.generate(is_a?(Hash) ? transform_values { |v| v.is_a?(Float) && v.nan? ? nil : v } \
        : self)\n  end\nend\n\
        [Hash, Array].each { |type| type.prepend(Rails) }\n\
        class Own; def to_json = '{\"own\":1}'; end\n\
        class Bad; def to_json(*) = nil; end\n\
        def handler(event:, context:)\n  [{ nan: Float::NAN }, Own.new, Bad.new, 5, \
        [1]][event]\nend\n";
    let Some((mut worker, _folder)) = serve(code) else {
        return;
    };
    assert_eq!(worker.ask(b"0").json(), json!({"nan": null}));
    let own = worker.ask(b"1");
    assert_eq!((&*own.kind, own.json()), (RUBY_JSON, json!({"own": 1})));
    worker.ask(b"2").message("error", "Function<TypeError>");
    assert_eq!(worker.ask(b"3").json(), 5);
    assert_eq!(worker.ask(b"4").json(), json!([1]));
}

#[test]
fn marshaller_of_the_function_is_used() {
    let code = "module AwsLambda\n  class Marshaller\n    def self.marshall_request(request)\n   \
           \
        [request.body, request['Content-Type'], request['lambda-runtime-aws-request-id'],\n       \
        request.fetch('Lambda-Runtime-Trace-Id', 'none'), request.key?('nope'), request.code]\n  \
          end\n    \
        def self.marshall_response(result)\n      \
        result[0] == 'html' ? ['<p>', \"text/html; charset=utf-8\\nX-Y: z\"] : result.inspect\n  \
          end\n  end\nend\n\
        def handler(event:, context:) = event\n";
    let Some((mut worker, _folder)) = serve(code) else {
        return;
    };
    let wanted = r#"["{}", "application/json", "id-1", "none", false, "200"]"#;
    assert_eq!(worker.ask(b"{}").body, wanted.as_bytes());
    let html = worker.ask(b"html");
    assert_eq!(
        (&*html.kind, &*html.body),
        ("text/html; charset=utf-8X-Y: z", &b"<p>"[..])
    );
}

#[test]
fn half_of_a_surrogate_pair_becomes_a_substitute() {
    let Some(answer) = answer_of(
        "event",
        r#"["\ud800x", "\uD83D\uDE00", "\\ud800", "\udc00\ud800"]"#,
    ) else {
        return;
    };
    assert_eq!(
        answer,
        json!(["\u{fffd}x", "\u{1f600}", "\\ud800", "\u{fffd}\u{fffd}"])
    );
}

#[test]
fn context_is_a_lambda_context() {
    let expression = "[context.class, context.inspect[/\\A#<LambdaContext:0x/], \
        context.to_json[1, 16], \
        $_global_aws_request_id, self.class, __FILE__ == $0]";
    let Some(answer) = answer_of(expression, "{}") else {
        return;
    };
    let start = "#<LambdaContext:";
    let wanted = json!([
        "LambdaContext",
        format!("{start}0x"),
        start,
        "id-1",
        "LambdaHandler",
        false
    ]);
    assert_eq!(answer, wanted);
}

#[test]
fn message_has_the_hints_of_ruby() {
    let code = "def handler(event:, context:)\n  \
        event == 1 ? [].frist : event.fetch('nam')\nrescue NameError => error\n  \
        error.message\nend\n";
    let Some((mut worker, _folder)) = serve(code) else {
        return;
    };
    let of_name = worker.ask(b"1").json().to_string();
    let of_key = worker
        .ask(b"{\"name\": 1}")
        .message("error", "Function<KeyError>");
    // From Ruby 3.2 on, they are not in the message.
    let has_hints = of_name.contains("Did you mean?");
    assert_eq!(of_key.contains("Did you mean?"), has_hints, "{of_key}");
    assert_eq!(of_name.contains("^^^^^"), has_hints, "{of_name}");
}

#[test]
fn error_type_of_a_class_without_a_name_is_stable() {
    let code = "ALL = [Class.new(ArgumentError), Module.new { const_set(:Inner, \
        Class.new(IOError)) }::Inner]\n\
        def handler(event:, context:) = raise(ALL[event], 'odd')\n";
    for _ in 0..2 {
        let Some((mut worker, _folder)) = serve(code) else {
            return;
        };
        let answer = worker.ask(b"0");
        assert_eq!(answer.message("error", "Function<ArgumentError>"), "odd");
        let answer = worker.ask(b"1");
        assert_eq!(answer.message("error", "Function<#<Module>::Inner>"), "odd");
    }
}

#[test]
fn message_that_is_nil_is_null() {
    let Some(mut worker) = has("ruby").then(|| Language::Ruby.start("odd", "message_is_nil"))
    else {
        return;
    };
    worker.expect_ready();
    let answer = worker.ask(b"{}");
    assert_eq!(
        (&*answer.verb, &*answer.kind),
        ("error", "Function<MessageIsNil>")
    );
    let report: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(report["errorMessage"], Value::Null);
}

#[test]
fn causes_are_in_the_report_and_in_the_log() {
    let code = "def handler(event:, context:)\n  raise 'inner'\nrescue => error\n  raise \
        ArgumentError, 'outer'\nend\n";
    let Some((mut worker, _folder)) = serve(code) else {
        return;
    };
    let answer = worker.ask(b"{}");
    assert_eq!(answer.message("error", "Function<ArgumentError>"), "outer");
    let report: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(report["cause"]["errorMessage"], "inner");
    assert_eq!(report["cause"]["errorType"], "RuntimeError");
    worker.until_log(|log| {
        log.starts_with("Error raised from handler method\n{\n") && log.contains("inner")
    });
}

/// Logs in every way.
const LOGS: &str = "EARLY = Logger.new($stdout)\nEARLY.info('at init')\n\
    OWN = Logger.new($stderr, formatter: proc { |_, _, _, text| \"own #{text}\\n\" })\n\
    FILE = Logger.new('own.log')\n\
    def handler(event:, context:)\n  EARLY.debug('d')\n  EARLY.warn({ a: 1 })\n  \
    EARLY.error(IOError.new(\"two\\nlines\"))\n  EARLY.info('program') { 'block' }\n  \
    EARLY.info(\"no \\xff text\")\n  OWN.info('x')\n  FILE.info('x')\n  puts({ hits: 1 \
        }.to_json)\n  'logged'\nend\n";

#[test]
fn logger_writes_the_request_id_in_text() {
    let Some((mut worker, folder)) = serve(LOGS) else {
        return;
    };
    assert_eq!(worker.ask(b"{}").json(), "logged");
    worker.until_log(|log| log.contains("{\"hits\":1}\n"));
    let log = worker.log();
    for part in [
        "]  INFO  -- : at init\n",
        "] DEBUG id-1 -- : d\n",
        "]  WARN id-1 -- : {",
        "] ERROR id-1 -- : two\nlines (IOError)\n",
        "]  INFO id-1 -- program: block\n",
        "]  INFO id-1 -- : no \u{fffd} text\n",
        "own x\n",
    ] {
        assert!(log.contains(part), "{part} in {log}");
    }
    let of_file = std::fs::read_to_string(folder.path().join("own.log")).expect("a log");
    assert!(
        !of_file.contains("id-1") && of_file.contains(" -- : x\n"),
        "{of_file}"
    );
}

#[test]
fn logger_writes_one_json_line_a_record_in_json_format() {
    let env = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
    ];
    let Some((mut worker, _folder)) = start(&[("app.rb", LOGS)], "handler", &env) else {
        return;
    };
    worker.expect_ready();
    assert_eq!(worker.ask(b"{}").json(), "logged");
    worker.until_log(|log| log.contains("{\"hits\":1}\n"));
    let log = worker.log();
    let records: Vec<Value> = log
        .lines()
        .filter(|line| *line != "own x")
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect();
    let fields = |name: &str| -> Vec<Value> {
        let values = records.iter().map(|record| record[name].clone());
        values.collect()
    };
    let wanted = ["INFO", "WARN", "ERROR", "INFO", "INFO"].map(Value::from);
    assert_eq!(fields("level")[..5], wanted, "{log}");
    assert_eq!(records[0]["message"], "at init");
    assert_eq!(records[0]["requestId"], Value::Null);
    assert_eq!(records[1]["message"], json!({"a": 1}));
    assert_eq!(records[1]["requestId"], "id-1");
    assert_eq!(records[2]["message"], "two\nlines");
    assert_eq!(records[2]["errorType"], "IOError");
    assert_eq!(records[3]["logger"], "program");
    assert_eq!(records[4]["message"], "no \u{fffd} text");
    assert_eq!(records[5], json!({"hits": 1}));
    let time = records[1]["timestamp"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
}

#[test]
fn telemetry_descriptor_gets_a_frame_a_record() {
    let code = "LOGGER = Logger.new($stdout)\ndef handler(event:, context:)\n  \
        puts 'one', ['two']\n  LOGGER.warn(\"three\\nlines\")\n  $stdout.puts 'raw'\n  \
        [ENV['_LAMBDA_TELEMETRY_LOG_FD'], `[ -e /proc/self/fd/2000 ] && echo leak`]\nend\n";
    let folder = TempDir::new();
    let frames = folder.path().join("frames");
    // A shell opens the descriptor, and becomes the interpreter.
    let shell = format!("exec 9>'{}' && exec \"$@\"", frames.display());
    let file = folder.file("app.rb", code.as_bytes());
    if !has("ruby") {
        return;
    }
    let inner = Language::Ruby.command(&file, "handler");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &shell, "sh"]).arg(inner.get_program());
    command
        .args(inner.get_args())
        .env("LAMBDA_TASK_ROOT", folder.path());
    command.env("_LAMBDA_TELEMETRY_LOG_FD", "9");
    let mut worker = Worker::start(&mut command);
    worker.expect_ready();
    assert_eq!(worker.ask(b"{}").json(), json!([null, ""]));
    worker.until_log(|log| log == "raw\n");
    let bytes = std::fs::read(&frames).expect("the frames");
    let mut rest = &bytes[..];
    let mut texts = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(16) {
        assert_eq!(head[..4], [0xa5, 0x5a, 0, 3]);
        let length = u32::from_be_bytes(head[4..8].try_into().expect("four bytes")) as usize;
        let micros = u64::from_be_bytes(head[8..].try_into().expect("eight bytes"));
        assert!(micros > 1_600_000_000_000_000, "{micros}");
        texts.push(String::from_utf8_lossy(&after[..length]).into_owned());
        rest = &after[length..];
    }
    assert_eq!(rest, b"");
    assert_eq!(texts[0], "one\ntwo\n");
    assert!(
        texts[1].ends_with("WARN id-1 -- : three\nlines"),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 2);
}

#[test]
fn descriptors_up_to_255_may_be_closed() {
    let code = "def handler(event:, context:)\n  (3..255).each { |fd| IO.for_fd(fd).close rescue \
        nil }\n  \
        $files = [File.open('/dev/null'), File.open('/dev/null')]\n  event\nend\n";
    let Some((mut worker, _folder)) = serve(code) else {
        return;
    };
    for event in ["1", "2"] {
        assert_eq!(worker.ask(event.as_bytes()).body, event.as_bytes());
    }
    worker.assert_exits_silently();
}
