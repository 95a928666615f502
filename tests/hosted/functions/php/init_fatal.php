<?php
function same($payload) { return $payload; }
function same($payload) { return $payload; }
