// Every example of the published page, as a program writes it.
import assert from 'node:assert/strict'
import { data } from '../project.mjs'

const BESS = ['time', 'device_id', 'id', 'created_at', 'soe', 'target_power', 'available_inverter_blocks', 'command_source', 'real_power_mode']

function reading(device) {
  return {
    device_id: device,
    time: '2024-01-01T12:00:00.000Z',
    soe: 65.5,
    target_power: -25.0,
    available_inverter_blocks: 4,
    command_source: 1,
  }
}

const instant = (text) => new Date(text).getTime()

export async function insertBessReading({ anon, device }) {
  const plain = await anon.from('mg_bess_readings').insert(reading(device))
  assert.deepEqual([plain.status, plain.data, plain.error], [201, null, null])
  const rows = data(await anon.from('mg_bess_readings').select('*').eq('device_id', device))
  assert.equal(rows.length, 1)
  assert.deepEqual(Object.keys(rows[0]), BESS)
  const { id, created_at, time, ...rest } = rows[0]
  const { time: _, ...sent } = reading(device)
  assert.deepEqual(rest, { ...sent, real_power_mode: null })
  assert.equal(time, '2024-01-01T12:00:00+00:00')
  assert.match(id, /^[0-9a-f-]{36}$/)
  assert.ok(Math.abs(instant(created_at) - Date.now()) < 60_000)
}

export async function insertBessReadingAndSeeIt({ anon, device }) {
  const answer = await anon.from('mg_bess_readings').insert(reading(device)).select()
  assert.equal(answer.status, 201)
  assert.deepEqual(Object.keys(data(answer)[0]), BESS)
  assert.deepEqual(data(answer), data(await anon.from('mg_bess_readings').select().eq('device_id', device)))
}

export async function duplicateBessReading({ anon, device }) {
  data(await anon.from('mg_bess_readings').insert(reading(device)))
  const { status, error } = await anon.from('mg_bess_readings').insert({ ...reading(device), soe: 1 })
  assert.equal(status, 409)
  assert.equal(error.code, '23505')
  assert.equal(error.details, `Key (device_id, "time")=(${device}, 2024-01-01 12:00:00+00) already exists.`)
  assert.equal(error.hint, null)
  assert.equal(error.message, 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time_idx"')
  assert.deepEqual(data(await anon.from('mg_bess_readings').select('soe').eq('device_id', device)), [{ soe: 65.5 }])
}

export async function getBessTelemetry({ anon, device }) {
  const times = ['2023-12-31T23:59:59Z', '2024-01-01T00:00:00Z', '2024-01-01T23:59:59Z', '2024-01-02T00:00:00Z']
  data(await anon.from('mg_bess_readings').insert(times.map((time) => ({ ...reading(device), time }))))
  const rows = data(
    await anon
      .from('mg_bess_readings')
      .select()
      .eq('device_id', device)
      .gte('time', '2024-01-01T00:00:00Z')
      .lt('time', '2024-01-02T00:00:00Z')
      .order('time', { ascending: false })
      .limit(100),
  )
  assert.deepEqual(rows.map((row) => instant(row.time)), [instant(times[2]), instant(times[1])])
}

export async function selectFields({ anon, device }) {
  data(await anon.from('mg_bess_readings').insert(reading(device)))
  const [row] = data(await anon.from('mg_bess_readings').select('time,device_id,soe,target_power').eq('device_id', device).lt('soe', 70))
  assert.deepEqual(Object.keys(row), ['time', 'device_id', 'soe', 'target_power'])
}

export async function meterReadings({ anon, device }) {
  const answer = await anon.from('mg_meter_readings').insert([
    { device_id: device, time: '2024-01-01T12:00:00Z', power_total_active: 125.5, voltage_line_average: 415.2, current_phase_average: 180.5 },
    { device_id: device, time: '2024-01-01T12:01:00Z', power_total_active: 128.3, voltage_line_average: 414.8, current_phase_average: 182.1 },
  ])
  assert.deepEqual([answer.status, answer.error], [201, null])
  const rows = data(
    await anon
      .from('mg_meter_readings')
      .select('time,power_total_active,energy_imported_active')
      .eq('device_id', device)
      .gte('time', '2024-01-01T00:00:00Z')
      .gt('power_total_active', 100)
      .order('time'),
  )
  assert.deepEqual(rows, [
    { time: '2024-01-01T12:00:00+00:00', power_total_active: 125.5, energy_imported_active: null },
    { time: '2024-01-01T12:01:00+00:00', power_total_active: 128.3, energy_imported_active: null },
  ])
  assert.equal(Object.keys(data(await anon.from('mg_meter_readings').select().eq('device_id', device))[0]).length, 29)
}

export async function marketSignals({ anon }) {
  const metadata = { confidence: 0.85, settlement_period: 24 }
  const time = new Date(Date.now()).toISOString()
  data(await anon.from('market_data').insert({ time, type: 1, value: -150.5, metadata }))
  const [row] = data(await anon.from('market_data').select().eq('type', 1).order('time', { ascending: false }).limit(1))
  assert.deepEqual(Object.keys(row), ['id', 'time', 'type', 'value', 'metadata', 'created_at'])
  assert.equal(instant(row.time), instant(time))
  assert.deepEqual([row.type, row.value, row.metadata], [1, -150.5, metadata])
}

export async function marketDataTypes({ anon }) {
  const rows = data(await anon.from('market_data_types').select('id,unit').lte('id', 4).order('id'))
  assert.deepEqual(rows, [
    { id: 1, unit: 'MW' },
    { id: 2, unit: '£/MWh' },
    { id: 3, unit: '£/MWh' },
    { id: 4, unit: 'kW' },
  ])
}

export async function deviceRegistry({ anon, site }) {
  const metadata = { manufacturer: 'PowerPack', model: 'PP-500', capacity_kwh: 500, max_power_kw: 100 }
  const answer = await anon.from('mg_device_registry').insert({ name: 'WLCE-BESS-02', type: 'bess', site, metadata })
  assert.deepEqual([answer.status, answer.error], [201, null])
  const rows = data(await anon.from('mg_device_registry').select().eq('site', site).eq('active', true).eq('type', 'bess'))
  assert.equal(rows.length, 1)
  assert.deepEqual(Object.keys(rows[0]), ['id', 'created_at', 'name', 'type', 'site', 'metadata', 'active'])
  assert.deepEqual([rows[0].name, rows[0].active, rows[0].metadata], ['WLCE-BESS-02', true, metadata])
}

export async function intervals({ anon, device }) {
  const rows = []
  for (let minute = 0; minute <= 60; minute++) {
    const time = new Date(Date.UTC(2024, 0, 1, 0, minute)).toISOString()
    rows.push({ device_id: device, time, power_total_active: 125.5, energy_imported_active: 1000 + 2 * minute, energy_exported_active: 7 })
  }
  data(await anon.from('mg_meter_readings').insert(rows))
  const asked = { start_time: '2024-01-01T00:00:00Z', end_time: '2024-01-02T00:00:00Z', device_ids: [device] }
  const fives = data(await anon.rpc('get_meter_readings_5m', asked))
  assert.equal(fives.length, 13)
  assert.equal(Object.keys(fives[0]).length, 35)
  assert.equal(instant(fives[0].time_b), Date.UTC(2024, 0, 1))
  assert.deepEqual([fives[0].device_id, fives[0].power_total_active_avg, fives[0].energy_imported_active_delta], [device, 125.5, 10])
  const halves = data(await anon.rpc('get_meter_readings_30m', { ...asked, device_ids: null })).filter((row) => row.device_id === device)
  assert.deepEqual(halves.map((row) => row.energy_imported_active_delta), [60, 60, 0])
  assert.deepEqual(halves.map((row) => row.energy_exported_active_delta), [0, 0, 0])
}

export async function pagination({ anon, device }) {
  const rows = Array.from({ length: 5 }, (_, index) => ({ ...reading(device), time: new Date(Date.UTC(2024, 0, 1, 12, index)).toISOString() }))
  data(await anon.from('mg_bess_readings').insert(rows))
  const newest = () => anon.from('mg_bess_readings').select('time').eq('device_id', device).order('time', { ascending: false }).limit(2)
  const first = data(await newest())
  const second = data(await newest().lt('time', first.at(-1).time))
  assert.deepEqual([...first, ...second].map((row) => instant(row.time)), rows.slice(1).reverse().map((row) => instant(row.time)))
  const pages = []
  for (const offset of [0, 2, 4]) {
    pages.push(...data(await anon.from('mg_bess_readings').select('id').eq('device_id', device).range(offset, offset + 1)))
  }
  assert.equal(new Set(pages.map((row) => row.id)).size, 5)
}

export async function operatorsOfThePage({ anon, device, site }) {
  const soes = [10, 20, 50, 80, 90]
  data(await anon.from('mg_bess_readings').insert(
    soes.map((soe, minute) => ({ ...reading(device), time: `2024-01-01T12:0${minute}:00Z`, soe, command_source: minute ? minute : null })),
  ))
  data(await anon.from('mg_device_registry').insert([
    { name: 'WLCE-BESS-01', type: 'bess', site },
    { name: 'HMCE-METER-01', type: 'meter', site },
  ]))
  const found = async (change) =>
    data(await change(anon.from('mg_bess_readings').select('soe').eq('device_id', device)).order('soe')).map((row) => row.soe)
  assert.deepEqual(await found((asked) => asked.eq('soe', 50)), [50])
  assert.deepEqual(await found((asked) => asked.neq('command_source', 1)), [50, 80, 90])
  assert.deepEqual(await found((asked) => asked.gte('time', '2024-01-01')), soes)
  assert.deepEqual(await found((asked) => asked.lt('soe', 20)), [10])
  assert.deepEqual(await found((asked) => asked.gt('soe', 50).lt('soe', 80)), [])
  assert.deepEqual(await found((asked) => asked.or('soe.lt.20,soe.gt.80')), [10, 90])
  assert.deepEqual(await found((asked) => asked.or(`and(device_id.eq.${device},or(soe.lt.20,soe.gt.80))`)), [10, 90])
  const names = async (change) => data(await change(anon.from('mg_device_registry').select('name').eq('site', site)).order('name')).map((row) => row.name)
  assert.deepEqual(await names((asked) => asked.like('name', '*BESS*')), ['WLCE-BESS-01'])
  assert.deepEqual(await names((asked) => asked.in('site', ['HMCE', site])), ['HMCE-METER-01', 'WLCE-BESS-01'])
  assert.deepEqual(await names((asked) => asked.is('metadata', null)), ['HMCE-METER-01', 'WLCE-BESS-01'])
}
