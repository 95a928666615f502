// The context of an event: embedded before worker.php, with the same rules.
namespace Bref\Context;

// Methods, JSON and constructor are those of Bref, whose own class is not loaded beside this one; the worker
// gives all fields at once. They are also properties and keys, with the names of Node's managed runtime, and
// have getters.
final class Context extends \ArrayObject implements \JsonSerializable {
	function __construct($awsRequestId, $deadlineMs, $invokedFunctionArn, $traceId, $fields = []) {
		parent::__construct($fields ?: compact('awsRequestId', 'deadlineMs', 'invokedFunctionArn', 'traceId'), self::ARRAY_AS_PROPS);
	}
	static function fake(): self {
		return new self('fake-aws-request-id', (time() + 300) * 1000, 'fake-invoked-function-arn', 'fake-trace-id');
	}
	function getAwsRequestId(): string {
		return $this['awsRequestId'] ?? '';
	}
	function getRemainingTimeInMillis(): int {
		return max(0, $this['deadlineMs'] - (int) (microtime(true) * 1000));
	}
	function getInvokedFunctionArn(): string {
		return $this['invokedFunctionArn'] ?? '';
	}
	function getTraceId(): string {
		return $this['traceId'] ?? '';
	}
	function jsonSerialize(): array {
		return array_slice($this->getArrayCopy(), 0, 4);
	}
	function __call($name, $arguments) {
		return $this[lcfirst(substr($name, 3))];
	}
}
