-- The requests of a file, one a line: key, signature, body, with a space between. Argument after "--": path, file.
local path, file

function init(args)
  path, file = args[1], io.open(args[2], "rb")
end

function request()
  local line = file:read("*l")
  if line == nil then
    file:seek("set")
    line = file:read("*l")
  end
  local body = line:sub(103)
  return "POST " .. path .. " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Device-Key: " .. line:sub(1, 36)
    .. "\r\nX-Signature: " .. line:sub(38, 101) .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50":%.3f,"p90":%.3f,"p99":%.3f,"p999":%.3f,"worst":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000, latency.max / 1000))
end
