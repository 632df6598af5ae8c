// Functions, in every way that the client calls them.
import assert from 'node:assert/strict'
import { data } from '../project.mjs'

// A counter that gains 0.5 kWh each minute for a quarter of an hour.
async function quarter({ anon, device }) {
  const rows = Array.from({ length: 16 }, (_, minute) => ({
    device_id: device,
    time: new Date(Date.UTC(2024, 4, 1, 0, minute)).toISOString(),
    power_total_active: minute,
    energy_imported_active: 100 + minute / 2,
  }))
  data(await anon.from('mg_meter_readings').insert(rows))
  return { start_time: '2024-05-01T00:00:00Z', end_time: '2024-05-01T00:15:00Z', device_ids: [device] }
}

export async function posted(project) {
  const asked = await quarter(project)
  const rows = data(await project.anon.rpc('get_meter_readings_5m', asked))
  assert.deepEqual(rows.map((row) => row.energy_imported_active_delta), [2.5, 2.5, 2.5, 0])
  assert.deepEqual(rows.map((row) => row.power_total_active_avg), [2, 7, 12, 15])
  assert.deepEqual(rows.map((row) => row.energy_imported_active_min), [100, 102.5, 105, 107.5])
  assert.deepEqual(rows.map((row) => row.energy_exported_active_delta), [null, null, null, null])
}

export async function gotten(project) {
  const asked = await quarter(project)
  const rows = data(await project.anon.rpc('get_meter_readings_5m', asked, { get: true }))
  assert.deepEqual(rows, data(await project.anon.rpc('get_meter_readings_5m', asked)))
  const none = await project.anon.rpc('get_meter_readings_5m', { device_ids: null }, { get: true })
  assert.deepEqual([none.status, none.error.code], [400, '22P02'])
}

export async function headed(project) {
  const asked = await quarter(project)
  const answer = await project.anon.rpc('get_meter_readings_5m', asked, { head: true, count: 'exact' })
  assert.deepEqual([answer.count, answer.data, answer.error], [4, null, null])
}

export async function withFilters(project) {
  const asked = await quarter(project)
  const rows = data(
    await project.anon.rpc('get_meter_readings_5m', asked).select('time_b,power_total_active_avg').gt('power_total_active_avg', 2).order('time_b', { ascending: false }).limit(2),
  )
  assert.deepEqual(rows, [
    { time_b: '2024-05-01T00:15:00+00:00', power_total_active_avg: 15 },
    { time_b: '2024-05-01T00:10:00+00:00', power_total_active_avg: 12 },
  ])
  const one = data(await project.anon.rpc('get_meter_readings_30m', asked).select('energy_imported_active_delta').single())
  assert.deepEqual(one, { energy_imported_active_delta: 7.5 })
  assert.equal(data(await project.anon.rpc('get_meter_readings_30m', asked).select('power_total_active_avg').csv()), 'power_total_active_avg\n7.5')
}

export async function withoutRows({ anon, other }) {
  assert.deepEqual(data(await anon.rpc('get_meter_readings_5m', { device_ids: [] })), [])
  assert.deepEqual(data(await anon.rpc('get_meter_readings_5m', { device_ids: [other] })), [])
  assert.deepEqual(data(await anon.rpc('get_meter_readings_30m', { start_time: null })), [])
}

export async function marketDataBatch({ service, site }) {
  const { id: type } = data(await service.from('market_data_types').insert({ name: site }).select('id').single())
  const one = { time: '2024-05-01T00:00:00Z', type, value: 5 }
  for (const batch of [[one, { ...one, time: '2024-05-01T00:30:00Z' }], [one], [{ ...one, value: 6 }]]) {
    const answer = await service.rpc('insert_market_data_batch', { data: batch })
    assert.deepEqual([answer.status, answer.data, answer.error], [204, null, null])
  }
  const rows = data(await service.from('market_data').select('value').eq('type', type).order('created_at'))
  assert.deepEqual(rows.map((row) => row.value), [5, 5, 6])
}

export async function unknown({ anon }) {
  const { status, error } = await anon.rpc('get_meter_readings_5min', {})
  assert.deepEqual([status, error.code], [404, 'PGRST202'])
  assert.match(error.hint, /flux\.get_meter_readings_(5|30)m/)
  assert.equal((await anon.rpc('get_meter_readings_5m', { nothing: 1 })).error.code, 'PGRST202')
}
