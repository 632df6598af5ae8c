-- A distinct reading for every request: all feeders in turn, each with the present time, as a live fleet sends them.
-- Arguments after "--": path, api key, the number of this run, substations, feeders of each.
local path, key, run, substations, feeders

local bodies, size = {}, 0
local counter = 0
local second, cycle, stamp = 0, 0, nil

function init(args)
  path, key, run = args[1], args[2], tonumber(args[3])
  substations, feeders = tonumber(args[4]), tonumber(args[5])
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
  if counter % size == 0 then
    local now = os.time()
    if now > second then second, cycle = now, 0 else cycle = cycle + 1 end
    -- Four digits tell the cycles of a second apart and two the runs, so that no (feeder, time) ever comes twice.
    stamp = os.date("!%Y-%m-%dT%H:%M:%S", second) .. string.format('.%04d%02dZ"}', cycle % 10000, run % 100)
  end
  local body = bodies[counter % size + 1] .. stamp
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
