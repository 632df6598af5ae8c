// What a program can write: all of a request or nothing of it.
import assert from 'node:assert/strict'
import { data } from '../project.mjs'

const row = (device, minute, soe, more = {}) => ({ device_id: device, time: `2024-04-01T12:0${minute}:00Z`, soe, ...more })

const soes = async ({ anon, device }) =>
  data(await anon.from('mg_bess_readings').select('soe').eq('device_id', device).order('time')).map((found) => found.soe)

export async function insertArray(project) {
  const { anon, device } = project
  const answer = await anon.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2, { target_power: 5 })]).select('soe,target_power')
  assert.equal(answer.status, 201)
  assert.deepEqual(data(answer), [{ soe: 1, target_power: null }, { soe: 2, target_power: 5 }])
  const empty = await anon.from('mg_bess_readings').insert([]).select()
  assert.equal(empty.status, 201)
  assert.deepEqual(data(empty), [])
}

export async function insertCounted({ anon, device }) {
  const answer = await anon.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2)], { count: 'exact' })
  assert.deepEqual([answer.status, answer.count, answer.data], [201, 2, null])
}

export async function insertOneAndGetItAlone({ anon, device }) {
  assert.deepEqual(data(await anon.from('mg_bess_readings').insert(row(device, 0, 1)).select('soe').single()), { soe: 1 })
  const two = await anon.from('mg_bess_readings').insert([row(device, 1, 1), row(device, 2, 1)]).select('soe').single()
  assert.deepEqual([two.status, two.error.code], [406, 'PGRST116'])
  assert.equal(data(await anon.from('mg_bess_readings').select('soe').eq('device_id', device)).length, 1)
}

export async function missingIsDefault({ service, site }) {
  const rows = [{ name: 'a', type: 'bess', site }, { name: 'b', type: 'bess', site, active: false }]
  const asNull = data(await service.from('mg_device_registry').insert(rows.map((one) => ({ ...one, id: crypto.randomUUID() }))).select('active'))
  assert.deepEqual(asNull, [{ active: null }, { active: false }])
  const asDefault = data(await service.from('mg_device_registry').insert(rows, { defaultToNull: false }).select('active'))
  assert.deepEqual(asDefault, [{ active: true }, { active: false }])
}

export async function badApple(project) {
  const { anon, device } = project
  data(await anon.from('mg_bess_readings').insert(row(device, 2, 2)))
  const { status, error } = await anon.from('mg_bess_readings').insert([row(device, 1, 1), row(device, 2, 3), row(device, 3, 3)])
  assert.deepEqual([status, error.code], [409, '23505'])
  assert.deepEqual(await soes(project), [2])
}

export async function upsertMerges(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert(row(device, 0, 1, { target_power: 9 })))
  const both = await service.from('mg_bess_readings').upsert([row(device, 0, 5), row(device, 1, 6)], { onConflict: 'device_id,time' }).select('soe,target_power')
  assert.equal(both.status, 201)
  assert.deepEqual(data(both), [{ soe: 5, target_power: 9 }, { soe: 6, target_power: null }])
  const updated = await service.from('mg_bess_readings').upsert(row(device, 0, 7), { onConflict: 'device_id,time' })
  assert.deepEqual([updated.status, updated.error], [200, null])
  assert.deepEqual(await soes(project), [7, 6])
}

export async function upsertIgnores(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert(row(device, 0, 1)))
  const answer = await service
    .from('mg_bess_readings')
    .upsert([row(device, 0, 5), row(device, 1, 6)], { onConflict: 'device_id,time', ignoreDuplicates: true })
    .select('soe')
  assert.equal(answer.status, 201)
  assert.deepEqual(data(answer), [{ soe: 6 }])
  assert.deepEqual(await soes(project), [1, 6])
}

export async function upsertByPrimaryKey({ service, device, site }) {
  const entry = { id: device, name: 'old', type: 'bess', site }
  assert.equal((await service.from('mg_device_registry').upsert(entry)).status, 201)
  assert.equal((await service.from('mg_device_registry').upsert({ ...entry, name: 'new' })).status, 200)
  assert.deepEqual(data(await service.from('mg_device_registry').select('name').eq('id', device)), [{ name: 'new' }])
}

export async function upsertOnNoKey({ service, device }) {
  const { status, error } = await service.from('mg_bess_readings').upsert(row(device, 0, 1), { onConflict: 'soe' })
  assert.deepEqual([status, error.code], [400, '42P10'])
}

export async function update(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2), row(device, 2, 3)]))
  const plain = await service.from('mg_bess_readings').update({ soe: 50 }).eq('device_id', device).gt('soe', 2)
  assert.deepEqual([plain.status, plain.data, plain.error], [204, null, null])
  const seen = await service.from('mg_bess_readings').update({ target_power: 4 }, { count: 'exact' }).eq('device_id', device).lt('soe', 3).select('soe,target_power').order('soe')
  assert.deepEqual([seen.status, seen.count], [200, 2])
  assert.deepEqual(seen.data, [{ soe: 1, target_power: 4 }, { soe: 2, target_power: 4 }])
  const nobody = await service.from('mg_bess_readings').update({ soe: 0 }).eq('device_id', project.other).select()
  assert.deepEqual([nobody.status, nobody.data], [200, []])
  assert.deepEqual(await soes(project), [1, 2, 50])
}

export async function updateRegistry({ service, device, site }) {
  data(await service.from('mg_device_registry').insert({ id: device, name: 'a', type: 'bess', site }))
  const found = data(await service.from('mg_device_registry').update({ active: false, metadata: { a: [1, 2] } }).eq('id', device).select('active,metadata').single())
  assert.deepEqual(found, { active: false, metadata: { a: [1, 2] } })
}

export async function remove(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2), row(device, 2, 3)]))
  const plain = await service.from('mg_bess_readings').delete().eq('device_id', device).eq('soe', 1)
  assert.deepEqual([plain.status, plain.data, plain.error], [204, null, null])
  const seen = await service.from('mg_bess_readings').delete({ count: 'exact' }).eq('device_id', device).eq('soe', 2).select('soe')
  assert.deepEqual([seen.status, seen.count, seen.data], [200, 1, [{ soe: 2 }]])
  assert.deepEqual(await soes(project), [3])
  assert.equal((await service.from('mg_bess_readings').insert(row(device, 0, 8))).status, 201)
  assert.deepEqual(await soes(project), [8, 3])
}

export async function maxAffected(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2)]))
  for (const asked of [
    service.from('mg_bess_readings').delete().eq('device_id', device).maxAffected(1),
    service.from('mg_bess_readings').update({ soe: 9 }).eq('device_id', device).maxAffected(1),
  ]) {
    const { status, error } = await asked
    assert.deepEqual([status, error.code, error.details], [400, 'PGRST124', 'The query affects 2 rows'])
  }
  assert.deepEqual(await soes(project), [1, 2])
  assert.equal((await service.from('mg_bess_readings').delete().eq('device_id', device).maxAffected(2)).status, 204)
  assert.deepEqual(await soes(project), [])
}

export async function marketDataHasVersions({ anon, site }) {
  const one = { time: '2024-04-01T12:00:00Z', type: 3, value: 42.5, metadata: { site } }
  for (let time = 0; time < 2; time++) assert.equal((await anon.from('market_data').insert(one)).status, 201)
  assert.equal(data(await anon.from('market_data').select().eq('metadata->>site', site)).length, 2)
}

export async function newMarketDataType({ service, site }) {
  const { id } = data(await service.from('market_data_types').insert({ name: site, unit: 'GW' }).select('id').single())
  assert.ok(id > 4)
  const again = await service.from('market_data_types').insert({ name: site })
  assert.deepEqual([again.status, again.error.code], [409, '23505'])
}
