<?php

use Bref\Context\Context;

// As with Bref, the file returns the function.
return function (array $event, Context $context): array {
    return ['event' => $event, 'id' => $context->getAwsRequestId()];
};
