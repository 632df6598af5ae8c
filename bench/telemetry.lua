-- A distinct reading for every request: all feeders in turn, each a little later than its last.
-- Arguments after "--": path, api key, first time (seconds since 1970), substations, feeders of each.
local path, key, first, substations, feeders, step

local bodies, size = {}, 0
local counter = 0
local second, stamp = nil, nil

function init(args)
  path, key, first = args[1], args[2], tonumber(args[3])
  substations, feeders = tonumber(args[4]), tonumber(args[5])
  step = 0.01
  wrk.headers["X-API-Key"] = key
  wrk.headers["Content-Type"] = "application/json"
  math.randomseed(7)
  for s = 1, substations do
    for f = 1, feeders do
      local substation, feeder = string.format("SUB%03d", s), string.format("FDR%03d", f)
      size = size + 1
      bodies[size] = string.format(
        '{"substation_id":"%s","feeder_id":"%s","device_id":"%s-%s","site_name":"Substation %d",'
          .. '"latitude":%.4f,"longitude":%.4f,"voltage_kv":%.1f,"current_a":%.1f,"power_mw":%.1f,"frequency_hz":%.3f,'
          .. '"status_code":"NORMAL","timestamp":"',
        substation, feeder, substation, feeder, s, 45 + s / 100, -122 - s / 100,
        228 + 4 * math.random(), 900 + 300 * math.random(), 250 + 50 * math.random(), 59.97 + 0.06 * math.random())
    end
  end
end

function request()
  local at = first + math.floor(counter / size) * step
  local whole = math.floor(at)
  if whole ~= second then
    second, stamp = whole, os.date("!%Y-%m-%dT%H:%M:%S", whole)
  end
  local body = bodies[counter % size + 1] .. stamp .. string.format(".%03dZ\"}", math.floor((at - whole) * 1000 + 0.5) % 1000)
  counter = counter + 1
  return wrk.format("POST", path, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50":%.3f,"p90":%.3f,"p99":%.3f,"p999":%.3f,"worst":%.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
    latency:percentile(99.9) / 1000, latency.max / 1000))
end
