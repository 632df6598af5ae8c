// Errors as a program sees them: always with code, details, hint and message.
import assert from 'node:assert/strict'

async function refused(asked, status, code) {
  const answer = await asked
  assert.deepEqual([answer.status, answer.error?.code, answer.data], [status, code, null])
  const { details, hint, message } = answer.error
  assert.equal(typeof message, 'string')
  for (const text of [details, hint]) assert.ok(text === null || typeof text === 'string', JSON.stringify(answer.error))
  return answer.error
}

export async function badLiterals({ anon }) {
  const asked = () => anon.from('mg_bess_readings').select()
  assert.equal((await refused(asked().eq('device_id', 'meter-uuid'), 400, '22P02')).message, 'invalid input syntax for type uuid: "meter-uuid"')
  assert.equal((await refused(anon.from('market_data').select().eq('type', 'abc'), 400, '22P02')).message, 'invalid input syntax for type integer: "abc"')
  await refused(asked().eq('time', 'yesteryear'), 400, '22007')
  await refused(asked().eq('time', '2024-13-01'), 400, '22008')
  await refused(asked().eq('soe', '1e50'), 400, '22003')
  await refused(asked().eq('command_source', '70000'), 400, '22003')
  await refused(asked().is('soe', true), 400, '42804')
}

export async function unknownNames({ anon }) {
  assert.equal((await refused(anon.from('mg_bess_readings').select().gt('power', 0), 400, '42703')).message, 'column mg_bess_readings.power does not exist')
  await refused(anon.from('mg_bess_readings').select('nothing'), 400, '42703')
  await refused(anon.from('mg_bess_readings').select().order('nothing'), 400, '42703')
  assert.equal((await refused(anon.from('mg_bess_reading').select(), 404, 'PGRST205')).hint, "Perhaps you meant the table 'flux.mg_bess_readings'")
  assert.equal((await refused(anon.from('unlike').select(), 404, 'PGRST205')).hint, null)
  await refused(anon.from('mg_bess_readings').select('market_data(value)'), 400, 'PGRST200')
  const missing = await refused(anon.from('mg_bess_readings').insert({ foo: 1 }), 400, 'PGRST204')
  assert.equal(missing.message, "Could not find the 'foo' column of 'mg_bess_readings' in the schema cache")
}

export async function badGrammar({ anon }) {
  const { message, details } = await refused(anon.from('mg_bess_readings').select().filter('soe', '0', '1'), 400, 'PGRST100')
  assert.match(message, /^"failed to parse filter \(0\.1\)" \(line 1, column \d+\)$/)
  assert.match(details, /^unexpected/)
  await refused(anon.from('mg_bess_readings').select().or(''), 400, 'PGRST100')
  await refused(anon.from('mg_bess_readings').select().filter('soe', 'in', '1,2'), 400, 'PGRST100')
  await refused(anon.from('mg_bess_readings').select('soe)'), 400, 'PGRST100')
  await refused(anon.from('mg_bess_readings').select().filter('site', 'neq(any)', '{a}'), 400, 'PGRST100')
}

export async function badRows({ anon, device, site }) {
  const error = await refused(anon.from('mg_bess_readings').insert({ device_id: device, soe: 1 }), 400, '23502')
  assert.equal(error.message, 'null value in column "time" of relation "mg_bess_readings" violates not-null constraint')
  await refused(anon.from('mg_device_registry').insert({ name: 'a', type: 'bess' }), 400, '23502')
  await refused(anon.from('mg_bess_readings').insert({ device_id: device, time: '2024-01-01', soe: 'abc' }), 400, '22P02')
  await refused(anon.from('mg_bess_readings').insert({ device_id: device, time: '2024-01-01', command_source: 4.5 }), 400, '22P02')
  const id = crypto.randomUUID()
  await anon.from('mg_device_registry').insert({ id, name: 'a', type: 'bess', site })
  const again = await refused(anon.from('mg_device_registry').insert({ id, name: 'a', type: 'bess', site }), 409, '23505')
  assert.equal(again.details, `Key (id)=(${id}) already exists.`)
  assert.equal(again.message, 'duplicate key value violates unique constraint "mg_device_registry_pkey"')
}

export async function rightsOfAnon({ anon, device }) {
  const error = await refused(anon.from('mg_bess_readings').update({ soe: 1 }).eq('device_id', device), 401, '42501')
  assert.equal(error.message, 'permission denied for table mg_bess_readings')
  await refused(anon.from('mg_bess_readings').delete().eq('device_id', device), 401, '42501')
  await refused(anon.from('mg_bess_readings_5m').insert({ device_id: device }), 401, '42501')
}

export async function rightsOfAuthenticated(project) {
  const client = project.client(project.authenticatedKey)
  await refused(client.from('mg_bess_readings').update({ soe: 1 }).eq('device_id', project.device), 403, '42501')
  await refused(project.service.from('mg_bess_readings_5m').insert({ device_id: project.device }), 403, '42501')
}

export async function badKeys(project) {
  await refusedKey(project.client('nonsense'))
  await refusedKey(project.client(project.expiredToken))
}

async function refusedKey(client) {
  const { status, error } = await client.from('mg_bess_readings').select().limit(1)
  assert.equal(status, 401)
  for (const name of ['code', 'details', 'hint', 'message']) assert.ok(name in error, name)
  assert.ok(error.message.length > 0)
}

export async function userTokens(project) {
  const { url, anonKey, userToken, expiredToken, device } = project
  const user = project.client(anonKey, { accessToken: async () => userToken })
  assert.equal((await user.from('mg_bess_readings').insert({ device_id: device, time: '2024-01-01', soe: 1 })).status, 201)
  await refused(user.from('mg_bess_readings').delete().eq('device_id', device), 403, '42501')
  const late = project.client(anonKey, { accessToken: async () => expiredToken })
  const error = await refused(late.from('mg_bess_readings').select().limit(1), 401, 'PGRST303')
  assert.equal(error.message, 'JWT expired')
}
