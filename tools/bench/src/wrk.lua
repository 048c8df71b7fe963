-- Prints what wrk measured as one line of JSON, behind its usual report.
-- There is no `response` function in here: it would make wrk itself the bottleneck.
done = function(summary, latency, requests)
  local e = summary.errors
  print(string.format(
    '{"responses":%.0f,"duration_us":%.0f,' ..
    '"latency_us":{"p50":%.0f,"p90":%.0f,"p99":%.0f,"max":%.0f},' ..
    '"errors":{"connect":%.0f,"read":%.0f,"write":%.0f,"timeout":%.0f,"status":%.0f}}',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    e.connect, e.read, e.write, e.timeout, e.status))
end
