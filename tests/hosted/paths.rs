//! Spellings of the path of a handler's file.

use crate::for_kinds;
use crate::kinds::Kind;
use crate::support::hosting::{events, response};

for_kinds!(any [bash dash program worker php node python ruby] [
    handler_path_with_dots_and_slashes_is_that_file
]);

fn handler_path_with_dots_and_slashes_is_that_file(kind: &Kind) {
    let (word, file) = kind.handler.split_once(':').unwrap_or(("", kind.handler));
    let word = if word.is_empty() {
        String::new()
    } else {
        format!("{word}:")
    };
    for folder in ["./", ".//", "././", "a/./", "a//", "./a/.//b//./"] {
        for slash in ["", "/"] {
            let hosted = kind.hosted_run();
            let source = hosted.dir.path().join(kind.file);
            let text = std::fs::read(source).expect("the source");
            hosted
                .dir
                .executable(&format!("{folder}{}", kind.file), &text);
            hosted.dir.file(
                &format!("{folder}function.sh"),
                &std::fs::read(hosted.dir.path().join("function.sh")).unwrap_or_default(),
            );
            let root = format!("{}{slash}", hosted.dir.path().display());
            let hosted = hosted
                .variable("_HANDLER", &format!("{word}{folder}{file}"))
                .variable("LAMBDA_TASK_ROOT", &root);
            let outcome = hosted.run(&events(["\"fine\""]));
            let body = response(outcome.assert_serving(), "event-0");
            assert_eq!(body, b"\"fine\"", "{folder}{slash}");
        }
    }
}
