// What a program can ask for: every operator of the client, windows, counts and forms of answers.
import assert from 'node:assert/strict'
import { data } from '../project.mjs'

const SOES = [10, 20.5, null, 65.5, 90]

// Five readings a minute apart; the middle one holds nothing but nulls.
async function battery({ anon, device }) {
  const rows = SOES.map((soe, minute) => ({
    device_id: device,
    time: `2024-03-01T12:0${minute}:00Z`,
    soe,
    target_power: soe === null ? null : 50 - soe,
    command_source: soe === null ? null : minute,
  }))
  data(await anon.from('mg_bess_readings').insert(rows))
  return async (change = (asked) => asked) =>
    data(await change(anon.from('mg_bess_readings').select('soe').eq('device_id', device)).order('time')).map((row) => row.soe)
}

const DEVICES = [
  { name: 'Alpha BESS', type: 'bess', metadata: { capacity_kwh: 500, tags: ['roof', 'old'], limits: { high: 90 } }, active: true },
  { name: 'beta, meter (1)', type: 'meter', metadata: { capacity_kwh: 90, tags: [] }, active: false },
  { name: 'gamma_%', type: 'pv', metadata: null, active: null },
]

async function registry({ anon, site }) {
  data(await anon.from('mg_device_registry').insert(DEVICES.map((device) => ({ ...device, site }))))
  return async (change = (asked) => asked) =>
    data(await change(anon.from('mg_device_registry').select('name').eq('site', site)).order('name')).map((row) => row.name[0]).join('')
}

export async function comparisons(project) {
  const soes = await battery(project)
  assert.deepEqual(await soes(), SOES)
  assert.deepEqual(await soes((asked) => asked.eq('soe', 20.5)), [20.5])
  assert.deepEqual(await soes((asked) => asked.neq('soe', 20.5)), [10, 65.5, 90])
  assert.deepEqual(await soes((asked) => asked.gt('soe', 20.5)), [65.5, 90])
  assert.deepEqual(await soes((asked) => asked.gte('soe', 20.5)), [20.5, 65.5, 90])
  assert.deepEqual(await soes((asked) => asked.lt('soe', 20.5)), [10])
  assert.deepEqual(await soes((asked) => asked.lte('soe', 20.5)), [10, 20.5])
  assert.deepEqual(await soes((asked) => asked.match({ soe: 90, command_source: 4 })), [90])
  assert.deepEqual(await soes((asked) => asked.filter('soe', 'gt', 80)), [90])
  assert.deepEqual(await soes((asked) => asked.eq('time', '2024-03-01T13:01:00+01:00')), [20.5])
}

export async function listsAndNulls(project) {
  const soes = await battery(project)
  assert.deepEqual(await soes((asked) => asked.in('soe', [10, 90, 91])), [10, 90])
  assert.deepEqual(await soes((asked) => asked.in('soe', [])), [])
  assert.deepEqual(await soes((asked) => asked.notIn('soe', [10, 90])), [20.5, 65.5])
  assert.deepEqual(await soes((asked) => asked.not('soe', 'in', '(10,90)')), [20.5, 65.5])
  assert.deepEqual(await soes((asked) => asked.is('soe', null)), [null])
  assert.deepEqual(await soes((asked) => asked.not('soe', 'is', null)), [10, 20.5, 65.5, 90])
  assert.deepEqual(await soes((asked) => asked.not('soe', 'gt', 20)), [10])
  assert.deepEqual(await soes((asked) => asked.isDistinct('soe', 10)), [20.5, null, 65.5, 90])
}

export async function logic(project) {
  const soes = await battery(project)
  assert.deepEqual(await soes((asked) => asked.or('soe.lt.20,soe.gt.80')), [10, 90])
  assert.deepEqual(await soes((asked) => asked.or('soe.is.null,and(soe.gt.20,not.or(soe.gt.80,command_source.in.(2,3)))')), [20.5, null])
  assert.deepEqual(await soes((asked) => asked.or('soe.lt.20,soe.gt.80').or('target_power.lt.0')), [90])
  assert.deepEqual(await soes((asked) => asked.or(`device_id.in.(${project.device},${project.other}),soe.lt.20`).gt('soe', 65)), [65.5, 90])
}

export async function patterns(project) {
  const names = await registry(project)
  assert.equal(await names(), 'Abg')
  assert.equal(await names((asked) => asked.like('name', '%BESS')), 'A')
  assert.equal(await names((asked) => asked.like('name', '%bess')), '')
  assert.equal(await names((asked) => asked.ilike('name', '%bess')), 'A')
  assert.equal(await names((asked) => asked.like('name', 'gamma\\_\\%')), 'g')
  assert.equal(await names((asked) => asked.likeAllOf('name', ['%a%', '%m%'])), 'bg')
  assert.equal(await names((asked) => asked.likeAnyOf('name', ['Alpha%', 'beta%'])), 'Ab')
  assert.equal(await names((asked) => asked.ilikeAllOf('name', ['%A%', '%B%'])), 'Ab')
  assert.equal(await names((asked) => asked.ilikeAnyOf('name', ['ALPHA%', 'GAMMA%'])), 'Ag')
  assert.equal(await names((asked) => asked.regexMatch('name', '^[A-Z]')), 'A')
  assert.equal(await names((asked) => asked.regexIMatch('name', '^[AB]')), 'Ab')
  assert.equal(await names((asked) => asked.textSearch('name', 'alpha & bess')), 'A')
  assert.equal(await names((asked) => asked.textSearch('name', 'meter', { type: 'plain', config: 'simple' })), 'b')
}

export async function textsAndTruths(project) {
  const names = await registry(project)
  assert.equal(await names((asked) => asked.eq('name', 'beta, meter (1)')), 'b')
  assert.equal(await names((asked) => asked.in('name', ['beta, meter (1)', 'gamma_%'])), 'bg')
  assert.equal(await names((asked) => asked.or('name.eq."beta, meter (1)",name.like.Alpha*')), 'Ab')
  assert.equal(await names((asked) => asked.is('active', true)), 'A')
  assert.equal(await names((asked) => asked.is('active', false)), 'b')
  assert.equal(await names((asked) => asked.not('active', 'is', true)), 'bg')
  assert.equal(await names((asked) => asked.is('metadata', null)), 'g')
}

export async function documents(project) {
  const { anon, site } = project
  const names = await registry(project)
  assert.equal(await names((asked) => asked.contains('metadata', { capacity_kwh: 500 })), 'A')
  assert.equal(await names((asked) => asked.contains('metadata->tags', '["roof"]')), 'A')
  assert.equal(await names((asked) => asked.containedBy('metadata', { capacity_kwh: 90, tags: [], more: 1 })), 'b')
  assert.equal(await names((asked) => asked.gt('metadata->capacity_kwh', 90)), 'A')
  assert.equal(await names((asked) => asked.gt('metadata->>capacity_kwh', '60')), 'b')
  const rows = data(
    await anon
      .from('mg_device_registry')
      .select('high:metadata->limits->high, metadata->tags->>0, capacity:metadata->>capacity_kwh')
      .eq('site', site)
      .order('name'),
  )
  assert.deepEqual(rows, [
    { high: 90, tags: 'roof', capacity: '500' },
    { high: null, tags: null, capacity: '90' },
    { high: null, tags: null, capacity: null },
  ])
}

export async function operatorsOfOtherTypes({ anon }) {
  const asked = () => anon.from('mg_bess_readings').select()
  for (const answer of [
    asked().overlaps('soe', ['1']),
    asked().rangeGt('soe', '[1,2]'),
    asked().rangeGte('soe', '[1,2]'),
    asked().rangeLt('soe', '[1,2]'),
    asked().rangeLte('soe', '[1,2]'),
    asked().rangeAdjacent('soe', '[1,2]'),
    asked().like('soe', '1%'),
  ]) {
    const { status, error } = await answer
    assert.deepEqual([status, error.code], [404, '42883'])
  }
}

export async function orderWithNulls(project) {
  await battery(project)
  const sorted = async (options) =>
    data(await project.anon.from('mg_bess_readings').select('soe').eq('device_id', project.device).order('soe', options)).map((row) => row.soe)
  assert.deepEqual(await sorted({}), [10, 20.5, 65.5, 90, null])
  assert.deepEqual(await sorted({ ascending: false }), [null, 90, 65.5, 20.5, 10])
  assert.deepEqual(await sorted({ nullsFirst: true }), [null, 10, 20.5, 65.5, 90])
  assert.deepEqual(await sorted({ ascending: false, nullsFirst: false }), [90, 65.5, 20.5, 10, null])
}

export async function windows(project) {
  await battery(project)
  const asked = () => project.anon.from('mg_bess_readings').select('soe').eq('device_id', project.device).order('time')
  assert.deepEqual(data(await asked().range(1, 2)), [{ soe: 20.5 }, { soe: null }])
  assert.deepEqual(data(await asked().range(4, 9)), [{ soe: 90 }])
  assert.deepEqual(data(await asked().limit(1)), [{ soe: 10 }])
  assert.deepEqual(data(await asked().limit(0)), [])
}

export async function counts(project) {
  await battery(project)
  const asked = (options) => project.anon.from('mg_bess_readings').select('soe', options).eq('device_id', project.device)
  for (const count of ['exact', 'planned', 'estimated']) {
    const answer = await asked({ count }).limit(2)
    assert.deepEqual([answer.status, answer.count, answer.data.length], [206, 5, 2])
  }
  const head = await asked({ count: 'exact', head: true })
  assert.deepEqual([head.status, head.count, head.data, head.error], [200, 5, null, null])
  assert.equal((await asked({ count: 'exact' }).gt('soe', 1000)).count, 0)
}

export async function oneRow(project) {
  await battery(project)
  const asked = () => project.anon.from('mg_bess_readings').select('soe').eq('device_id', project.device)
  assert.deepEqual(data(await asked().eq('soe', 90).single()), { soe: 90 })
  const none = await asked().eq('soe', 91).single()
  assert.deepEqual([none.status, none.error.code, none.error.details], [406, 'PGRST116', 'The result contains 0 rows'])
  const many = await asked().single()
  assert.deepEqual([many.status, many.error.code, many.error.details], [406, 'PGRST116', 'The result contains 5 rows'])
  assert.deepEqual(data(await asked().eq('soe', 90).maybeSingle()), { soe: 90 })
  assert.equal(data(await asked().eq('soe', 91).maybeSingle()), null)
  assert.equal((await asked().maybeSingle()).error.code, 'PGRST116')
}

export async function csv(project) {
  await battery(project)
  const text = data(await project.anon.from('mg_bess_readings').select('time,soe,target_power').eq('device_id', project.device).order('time').csv())
  assert.equal(
    text,
    [
      'time,soe,target_power',
      '"2024-03-01 12:00:00+00",10,40',
      '"2024-03-01 12:01:00+00",20.5,29.5',
      '"2024-03-01 12:02:00+00",,',
      '"2024-03-01 12:03:00+00",65.5,-15.5',
      '"2024-03-01 12:04:00+00",90,-40',
    ].join('\n'),
  )
}

export async function withoutNulls(project) {
  await battery(project)
  const asked = () => project.anon.from('mg_bess_readings').select('soe,command_source').eq('device_id', project.device)
  assert.deepEqual(data(await asked().order('time').range(1, 2).stripNulls()), [{ soe: 20.5, command_source: 1 }, {}])
  assert.deepEqual(data(await asked().is('soe', null).single().stripNulls()), {})
}

export async function aliasesAndCasts(project) {
  await battery(project)
  const [row] = data(
    await project.anon.from('mg_bess_readings').select('charge:soe, soe::text, whole:soe::int, day:time::date').eq('device_id', project.device).eq('soe', 65.5),
  )
  assert.deepEqual(row, { charge: 65.5, soe: '65.5', whole: 66, day: '2024-03-01' })
}

export async function embedded({ anon, device, other, site }) {
  data(await anon.from('mg_device_registry').insert({ id: device, name: 'known', type: 'bess', site }))
  data(await anon.from('mg_bess_readings').insert([device, other].map((id) => ({ device_id: id, time: '2024-03-01T12:00:00Z', soe: 1 }))))
  const both = [device, other].sort()
  const rows = data(await anon.from('mg_bess_readings').select('device_id, mg_device_registry(name)').in('device_id', both).order('device_id'))
  assert.deepEqual(rows, both.map((id) => ({ device_id: id, mg_device_registry: id === device ? { name: 'known' } : null })))
  const known = data(await anon.from('mg_bess_readings').select('soe, unit:mg_device_registry!inner(name)').eq('unit.site', site))
  assert.deepEqual(known, [{ soe: 1, unit: { name: 'known' } }])
  const [parent] = data(await anon.from('mg_device_registry').select('name, mg_bess_readings(soe), mg_meter_readings(time)').eq('id', device))
  assert.deepEqual(parent, { name: 'known', mg_bess_readings: [{ soe: 1 }], mg_meter_readings: [] })
  const [flat] = data(await anon.from('mg_bess_readings').select('soe, ...mg_device_registry(name, site)').eq('device_id', device))
  assert.deepEqual(flat, { soe: 1, name: 'known', site })
  data(await anon.from('market_data').insert({ time: '2024-03-01T12:00:00Z', type: 2, value: 5, metadata: { site } }))
  const [price] = data(await anon.from('market_data').select('value, market_data_types(unit)').eq('metadata->>site', site))
  assert.deepEqual(price, { value: 5, market_data_types: { unit: '£/MWh' } })
}

export async function schemas(project) {
  const soes = await battery(project)
  assert.equal((await soes()).length, 5)
  const { device } = project
  const flux = project.client(project.anonKey, { db: { schema: 'flux' } })
  assert.equal(data(await flux.from('mg_bess_readings').select('soe').eq('device_id', device)).length, 5)
  assert.equal(data(await project.anon.schema('flux').from('mg_bess_readings').select('soe').eq('device_id', device)).length, 5)
  assert.equal(data(await project.anon.schema('flux').rpc('get_meter_readings_5m', { device_ids: [device] })).length, 0)
  const { status, error } = await project.anon.schema('private').from('mg_bess_readings').select()
  assert.deepEqual([status, error.code, error.hint], [406, 'PGRST106', 'Only the following schemas are exposed: flux, public'])
}
