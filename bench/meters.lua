-- A distinct reading for every request: all meters in turn, each with the present time and a register that rises.
-- Arguments after "--": path, file of tokens (one a line), the number of this run.
local ffi = require("ffi")
local path, run
local heads, size = {}, 0
local counter, cycle, second = 0, 0, 0
local tail, double = "", ffi.new("double[1]")

local function varint(number)
  local out = {}
  while number >= 128 do
    out[#out + 1] = string.char(number % 128 + 128)
    number = math.floor(number / 128)
  end
  out[#out + 1] = string.char(number)
  return table.concat(out)
end

function init(args)
  path, run = args[1], tonumber(args[3])
  for token in io.lines(args[2]) do
    size = size + 1
    heads[size] = "\10" .. varint(#token) .. token .. "\16\1\25"
  end
  wrk.headers["Content-Type"] = "application/x-protobuf"
end

function request()
  if counter % size == 0 then
    local now = os.time()
    if now > second then second, cycle = now, 0 else cycle = cycle + 1 end
    -- 7.2 kW since 2023. Milliseconds tell the cycles of a second apart, and the runs.
    local part = (run * 100 + cycle) % 1000
    double[0] = (second - 1.7e9) * 0.002 + part * 1e-6
    local watts, stamp = ffi.new("double[1]", 300 + part), second * 1000 + part
    tail = ffi.string(double, 8) .. "\33" .. ffi.string(watts, 8) .. "\48" .. varint(stamp)
  end
  local body = heads[counter % size + 1] .. tail
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
