<p>{{ $count }} {{ $who }}</p>
