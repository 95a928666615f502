<?php
function same($payload) { return $payload
