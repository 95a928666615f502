//! Real libraries, in functions as their documentation shows them: each answers recorded events as
//! it does under the official client of its language, with the same lines of log and the same
//! spans, metrics and requests.
//!
//! `scripts/libraries.sh` installs the libraries in `target/libraries`; what is not there is
//! printed as skipped. The records in `functions/NAME/expected.json` were made with
//! `TINDERBOX_RECORD=CLIENTS`, where `CLIENTS/LANGUAGE/bootstrap` starts the official client
//! (aws-lambda-ric 3.3.0 on Node 20, awslambdaric 4.2.2 on Python 3.11, aws_lambda_ric 3.1.3 with
//! the telemetry descriptor on Ruby 3.1, Bref's function runtime of August 2026 on PHP 8.2).

#[path = "libraries/case.rs"]
mod case;
#[path = "libraries/compare.rs"]
mod compare;
#[path = "libraries/reports.rs"]
mod reports;
#[path = "libraries/sink.rs"]
mod sink;
mod support;

/// A test for each function: `module { function }` is `functions/module_function`.
macro_rules! functions {
    ($($module:ident [$($test:ident: $name:literal)+])+) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                crate::case::check($name);
            })+
        })+
        const NAMES: &[&str] = &[$($($name),+),+];
    };
}

functions! {
    node [
        middy_middleware_answers: "node_middy"
        express_by_serverless_http_answers: "node_express"
        hono_app_answers: "node_hono"
        hono_stream_has_its_prelude: "node_hono_stream"
        aws_sdk_request_is_signed: "node_aws_sdk"
        xray_subsegments_are_sent: "node_xray"
        pino_lines_pass_unchanged: "node_pino"
        winston_lines_pass_unchanged: "node_winston"
        powertools_commonjs_logs_counts_and_traces: "node_powertools_commonjs"
        powertools_esm_logs_counts_and_traces: "node_powertools_esm"
        opentelemetry_require_has_a_span_an_event: "node_otel_commonjs"
        opentelemetry_import_has_a_span_an_event: "node_otel_esm"
        opentelemetry_loader_has_a_span_an_event: "node_otel_loader"
        opentelemetry_exec_wrapper_has_a_span_an_event: "node_otel_wrapper"
        sentry_wrapper_sends_errors: "node_sentry"
        sentry_import_sends_errors: "node_sentry_import"
        datadog_layer_wraps_the_handler: "node_datadog"
        datadog_package_wraps_the_handler: "node_datadog_task"
        newrelic_layer_wraps_the_handler: "node_newrelic"
    ]
    python [
        powertools_logs_counts_and_traces: "python_powertools"
        powertools_in_a_package_answers: "python_powertools_dotted"
        opentelemetry_instrumentor_has_a_span_an_event: "python_otel"
        opentelemetry_exec_wrapper_has_a_span_an_event: "python_otel_wrapper"
        sentry_integration_sends_errors: "python_sentry"
        sentry_integration_sends_messages: "python_sentry_init"
        datadog_layer_wraps_the_handler: "python_datadog"
        newrelic_layer_wraps_the_handler: "python_newrelic"
        fastapi_by_mangum_answers: "python_fastapi"
        boto3_request_is_signed: "python_boto3"
        chalice_app_answers: "python_chalice"
        xray_subsegments_are_sent: "python_xray"
        structlog_lines_pass_unchanged: "python_structlog"
        loguru_lines_pass_unchanged: "python_loguru"
        logging_records_have_their_fields: "python_logging"
        pydantic_model_answers: "python_pydantic"
    ]
    ruby [
        activesupport_writes_the_response: "ruby_activesupport"
        sinatra_app_answers: "ruby_sinatra"
        logger_records_have_the_request_id: "ruby_logger"
        layer_wraps_the_handler: "ruby_layer"
    ]
    php [
        symfony_components_answer: "php_symfony"
        composer_autoloader_is_loaded_first: "php_composer"
    ]
}

#[test]
fn functions_of_the_folder_are_all_tested() {
    let folder = support::root().join("tests/libraries/functions");
    let entries = std::fs::read_dir(folder).expect("read the functions");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    let mut tested = NAMES.to_vec();
    tested.sort_unstable();
    assert_eq!(names, tested);
}
