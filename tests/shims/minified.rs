//! What is embedded of the shims: their sources without comments and indentation.

use std::path::Path;
use std::process::{Command, Output};

use crate::shims::{self, HASH, HASH_INDENTED, HASH_SPACED, SLASHES, Syntax, minify};
use crate::skip::has;
use crate::support::{TempDir, root};

struct Shim {
    /// The files that are embedded one behind the other.
    files: &'static [&'static str],
    embedded: &'static [u8],
    comment: &'static str,
    indented: bool,
    spaced: bool,
    /// Commands that check the syntax of a file, whose path follows.
    checks: &'static [&'static [&'static str]],
    /// A command that prints the tokens of a file, whose path follows, without comments and
    /// positions.
    tokens: &'static [&'static str],
    /// A shim with a string over two lines, which minifying changes.
    spoiled: &'static str,
}

const SHIMS: &[Shim] = &[
    Shim {
        files: &["context.php", "reports.php", "worker.php"],
        embedded: shims::PHP,
        comment: "//",
        indented: false,
        spaced: false,
        checks: &[&["php", "-l"]],
        tokens: &["php", "-r", PHP_TOKENS, "--"],
        spoiled: "$a = 'one\n\ttwo';\n",
    },
    Shim {
        files: &[
            "node/setup.cjs",
            "node/log.cjs",
            "node/load.cjs",
            "node/awslambda.cjs",
            "node/trace.cjs",
            "node/events.cjs",
        ],
        embedded: shims::NODE,
        comment: "//",
        indented: false,
        spaced: false,
        checks: &[&["node", "--check"]],
        tokens: &["node", "--expose-internals", "-e", NODE_TOKENS, "--"],
        spoiled: "const a = `one\n\ttwo`;\n",
    },
    Shim {
        files: &["python/start.py", "python/events.py"],
        embedded: shims::PYTHON,
        comment: "#",
        indented: true,
        spaced: false,
        checks: &[&["python3", "-c", PYTHON_CHECK]],
        tokens: &["python3", "-c", PYTHON_TOKENS],
        spoiled: "a = '''one\n\ntwo'''\n",
    },
    Shim {
        files: &[
            "python/errors.py",
            "python/logs.py",
            "python/values.py",
            "python/modules.py",
            "python/client.py",
        ],
        embedded: shims::PYTHON_PARTS,
        comment: "#",
        indented: true,
        spaced: false,
        checks: &[&["python3", "-c", PYTHON_CHECK]],
        tokens: &["python3", "-c", PYTHON_TOKENS],
        spoiled: "a = '''one\n\ntwo'''\n",
    },
    Shim {
        files: &[
            "ruby/libraries.rb",
            "ruby/aws.rb",
            "ruby/logs.rb",
            "ruby/worker.rb",
        ],
        embedded: shims::RUBY,
        comment: "#",
        indented: false,
        spaced: false,
        checks: &[&["ruby", "-c"]],
        tokens: &["ruby", "-rripper", "-e", RUBY_TOKENS],
        spoiled: "a = 'one\n\ttwo'\n",
    },
    Shim {
        files: &["shell.sh"],
        embedded: shims::SHELL,
        comment: "#",
        indented: false,
        spaced: true,
        checks: &[&["bash", "-n"], &["dash", "-n"]],
        tokens: &["bash", "-c", BASH_TOKENS, "-"],
        spoiled: "a='one\n\ttwo'\n",
    },
];

const PHP_TOKENS: &str = "foreach (token_get_all(file_get_contents($argv[1])) as $token)
if (!in_array($token[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT]))
echo json_encode(is_array($token) ? [token_name($token[0]), trim($token[1])] : $token), \"\\n\";";

/// The parser that Node brings along.
const NODE_TOKENS: &str = "
const { tokenizer } = require('internal/deps/acorn/acorn/dist/acorn');
const text = require('fs').readFileSync(process.argv[1], 'utf8');
for (const { type, value } of tokenizer(text, { ecmaVersion: 'latest', sourceType: 'module' }))
console.log(type.label, String(value));";

const PYTHON_CHECK: &str = "import sys
compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";

const PYTHON_TOKENS: &str = "import ast, sys
print(ast.dump(ast.parse(open(sys.argv[1]).read()), indent=1))";

const RUBY_TOKENS: &str = "Ripper.lex(File.read(ARGV[0])).each { |_, type, text|
p [type, text] unless %i[on_sp on_comment on_nl on_ignored_nl].include?(type) }";

/// Bash prints a function as it has parsed it.
const BASH_TOKENS: &str = "eval \"tokens() {\n$(<\"$1\")\n}\" && declare -f tokens";

impl Shim {
    fn source(&self) -> String {
        let folder = root().join("src/host/worker");
        let read = |file| std::fs::read_to_string(folder.join(file)).expect("read a shim");
        self.files.iter().map(read).collect()
    }

    fn embedded(&self) -> &'static str {
        let text = self.embedded.strip_suffix(b"\0").expect("a NUL at its end");
        std::str::from_utf8(text).expect("a shim is text")
    }

    fn minified(&self, text: &str) -> String {
        let syntax = Syntax {
            comment: self.comment.as_bytes(),
            indented: self.indented,
            spaced: self.spaced,
        };
        minified(text, syntax)
    }

    fn file(&self) -> &'static str {
        self.files[0]
    }

    /// The text as a file: PHP's is run without an opening tag.
    fn write(&self, dir: &TempDir, name: &str, text: &str) -> std::path::PathBuf {
        let tag = if self.comment == "//" && self.file().ends_with("php") {
            "<?php "
        } else {
            ""
        };
        dir.file(
            &format!("{name}.{}", self.file().replace('/', "_")),
            format!("{tag}{text}").as_bytes(),
        )
    }

    fn is_here(&self) -> bool {
        has(self.tokens[0])
    }

    fn tokens(&self, dir: &TempDir, name: &str, text: &str) -> String {
        let output = run(self.tokens, &self.write(dir, name, text));
        let printed = String::from_utf8(output.stdout).expect("text");
        assert!(
            output.status.success() && !printed.is_empty(),
            "{}",
            self.file()
        );
        printed
    }
}

fn run(command: &[&str], path: &Path) -> Output {
    let mut process = Command::new(command[0]);
    process.args(&command[1..]).arg(path).env("LANG", "C.UTF-8");
    let output = process.output().expect("run an interpreter");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} {path:?}: {errors}");
    output
}

fn minified(text: &str, syntax: Syntax) -> String {
    let mut buf = vec![0xaa; text.len()];
    let length = minify(text.as_bytes(), syntax, &mut buf, 0);
    assert!(buf[length..].iter().all(|&byte| byte == 0xaa));
    String::from_utf8(buf[..length].to_vec()).expect("text")
}

#[test]
fn comments_blank_lines_and_indentation_are_dropped() {
    for (text, wanted) in [
        ("", ""),
        ("\n\n", ""),
        ("a\n", "a\n"),
        ("a", "a"),
        ("\t\ta b\n\n \t\n  c // d\n", "a b\nc // d\n"),
        ("// x\na\n\t // y\nb\n//", "a\nb\n"),
        ("/ a\n/", "/ a\n/"),
        ("a\n\t", "a\n"),
    ] {
        assert_eq!(minified(text, SLASHES), wanted, "{text:?}");
    }
    let text = "# x\ndef f():\n\t# y\n\n\treturn '#'  # z\n\t \n";
    assert_eq!(
        minified(text, HASH_INDENTED),
        "def f():\n\treturn '#'  # z\n"
    );
    assert_eq!(minified(text, HASH), "def f():\nreturn '#'  # z\n");
}

/// A line without the blanks beside punctuation outside of strings.
fn without_blanks(code: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let quote = &rest[start..=start];
        let mut end = start + 1;
        while !rest[end..].starts_with(quote) {
            end += if rest[end..].starts_with('\\') { 2 } else { 1 };
        }
        parts.push((&rest[..start], &rest[start..=end]));
        rest = &rest[end + 1..];
    }
    parts.push((rest, ""));
    let tight = parts.into_iter().map(|(code, string)| {
        let mut tight = code.to_string();
        for mark in ",;=+<>&|(){}]".chars() {
            tight = tight.replace(&format!(" {mark}"), &mark.to_string());
            tight = tight.replace(&format!("{mark} "), &mark.to_string());
        }
        tight + string
    });
    tight.collect()
}

#[test]
fn blanks_beside_punctuation_outside_of_strings_are_dropped() {
    for (text, wanted) in [
        ("a = { b, c }\n", "a={b,c}\n"),
        ("  if (a) b\n", "if(a)b\n"),
        (
            "f('a, b', \"c = d\", `e = {}`, g)\n",
            "f('a, b',\"c = d\",`e = {}`,g)\n",
        ),
        ("f('\\', a', b)\n", "f('\\', a',b)\n"),
        ("a b\n", "a b\n"),
    ] {
        assert_eq!(minified(text, SLASHES), wanted, "{text:?}");
        let shell = text.trim_start();
        assert_eq!(minified(text, HASH_SPACED), shell, "{text:?}");
    }
    assert_eq!(minified("\ta = b\n", HASH_INDENTED), "\ta=b\n");
}

/// A second implementation of the rule, applied to the current file.
#[test]
fn embedded_text_is_the_source_without_comments_and_indentation() {
    for shim in SHIMS {
        let (source, mut wanted, mut dropped) = (shim.source(), String::new(), 0);
        for line in source.lines() {
            let code = line.trim_start_matches([' ', '\t']);
            if code.is_empty() || code.starts_with(shim.comment) {
                dropped += 1;
                continue;
            }
            if shim.indented {
                wanted += line.strip_suffix(code).expect("the code ends its line");
            }
            wanted += &if shim.spaced {
                code.to_string()
            } else {
                without_blanks(code)
            };
            wanted += "\n";
        }
        assert!(dropped > 10, "{}: comments are dropped", shim.file());
        assert!(wanted.len() > 1_000, "{}: code is left", shim.file());
        assert_eq!(shim.embedded(), wanted, "{}", shim.file());
        assert!(!shim.embedded().contains('\0'), "{}", shim.file());
    }
}

#[test]
fn embedded_text_has_the_tokens_of_the_source() {
    let dir = TempDir::new();
    for shim in SHIMS.iter().filter(|shim| shim.is_here()) {
        let source = shim.tokens(&dir, "source", &shim.source());
        let embedded = shim.tokens(&dir, "embedded", shim.embedded());
        assert!(source.lines().count() > 50, "{}: {source}", shim.file());
        assert_eq!(source, embedded, "{}", shim.file());
        // What finds no difference here would find none there either.
        let spoiled = shim.tokens(&dir, "spoiled", shim.spoiled);
        let minified = shim.tokens(&dir, "minified", &shim.minified(shim.spoiled));
        assert_ne!(spoiled, minified, "{}", shim.file());
    }
}

#[test]
fn source_and_embedded_text_pass_the_syntax_check() {
    let dir = TempDir::new();
    for shim in SHIMS {
        for check in shim.checks.iter().filter(|check| has(check[0])) {
            run(check, &shim.write(&dir, "source", &shim.source()));
            run(check, &shim.write(&dir, "embedded", shim.embedded()));
            let broken = shim.write(&dir, "broken", &format!("{}\n)\n", shim.embedded()));
            let checked = Command::new(check[0])
                .args(&check[1..])
                .arg(broken)
                .output();
            let status = checked.expect("run an interpreter").status;
            assert!(!status.success(), "{check:?} finds what is wrong");
        }
    }
}
