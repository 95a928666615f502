const { NodeTracerProvider } = await import("@opentelemetry/sdk-trace-node");
const { SimpleSpanProcessor } = await import("@opentelemetry/sdk-trace-base");
const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
const { registerInstrumentations } = await import("@opentelemetry/instrumentation");
const { AwsLambdaInstrumentation } = await import("@opentelemetry/instrumentation-aws-lambda");

const spanProcessors = [new SimpleSpanProcessor(new OTLPTraceExporter())];
new NodeTracerProvider({ spanProcessors }).register();
registerInstrumentations({ instrumentations: [new AwsLambdaInstrumentation()] });
