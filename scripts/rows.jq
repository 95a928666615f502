# Rows of the record (scripts/record.sh) from the object that `tinderbox measure --json` prints: those of
# the first bootstrap beside the baseline; with --argjson pair true those of the first two, each bench
# with the prefix "pair-", the first beside the second.

def tenths: if . == null then "-" else . * 10 | round / 10 end;
def ratio: if . == null then ["-", "-", "-"]
    else [.median, .from, .to] | map(if . == null then "-" else . * 1000 | round / 1000 end) end;

.ratios as $ratios | (if $pair then "pair-" else "" end) as $prefix |
(if $pair then .bootstraps[1].name else .baseline end) as $other |
.bootstraps[0:(if $pair then 2 else 1 end)][] | . as $one |
def beside(key): [$ratios[] | select(.of == $one.name and .to == $other)][0] | key | ratio;
def once(bench; unit; figure):
    (figure | tenths) as $figure | [$prefix + bench, .name, unit, 1, $figure, $figure, "-", "-", "-"];
def all(bench; count; spread; key):
    [$prefix + bench, .name, "us", count, (spread.p50 | tenths), (spread.p99 | tenths)] + beside(key);

all("next"; .cold_starts; .start_to_next_us; .start_to_next),
all("response"; .cold_starts; .start_to_response_us; .start_to_response),
all("event"; .warm_invocations; .warm_latency_us; .warm_latency),
once("rate"; "/s"; .invocations_per_s),
once("cpu"; "us"; .cpu_us_per_invocation),
once("resident"; "KiB"; .resident_kib),
once("private"; "KiB"; .private_kib),
once("faults"; "faults"; .minor_faults),
once("calls-start"; "calls"; .system_calls_before_next),
once("calls-event"; "calls"; .system_calls_per_invocation),
once("deployed"; "bytes"; .bytes),
once("deployed-zip"; "bytes"; .zip_bytes)
| @tsv
