// Channels: what is committed comes, once, in order, to those whom it is for.
import assert from 'node:assert/strict'
import { createClient, postgresChangesFilter } from '@supabase/supabase-js'
import { data, Inbox, inTime } from '../project.mjs'

const row = (device, minute, soe) => ({ device_id: device, time: `2024-06-01T12:${String(minute).padStart(2, '0')}:00Z`, soe })

// A channel that is live when the promise is kept; `inbox` gets its changes.
async function subscribed(client, name, ...bindings) {
  const inbox = new Inbox(`a change on ${name}`)
  const systems = new Inbox(`a system message on ${name}`)
  const channel = client.channel(name)
  for (const binding of bindings) channel.on('postgres_changes', { schema: 'flux', table: 'mg_bess_readings', ...binding }, inbox.put)
  channel.on('system', {}, systems.put)
  await inTime(
    new Promise((resolve, reject) =>
      channel.subscribe((status, error) => {
        if (status === 'SUBSCRIBED') resolve()
        else if (status !== 'CLOSED') reject(error ?? new Error(status))
      }),
    ),
    `subscription to ${name}`,
  )
  if (bindings.length > 0) assert.equal((await systems.take()).status, 'ok')
  return { channel, inbox, systems }
}

// The example of the page, word for word; what it prints is what it got.
export async function exampleOfThePage({ url, anonKey, anon, device }) {
  const prints = new Inbox('a print of the example')
  const console = { log: (...words) => prints.put(words) }

  const supabase = createClient(url, anonKey)

  // Subscribe to BESS updates
  const channel = supabase
    .channel('bess-realtime')
    .on(
      'postgres_changes',
      {
        event: 'INSERT',
        schema: 'flux',
        table: 'mg_bess_readings',
        filter: 'device_id=eq.123e4567-e89b-12d3-a456-426614174000'
      },
      (payload) => {
        console.log('New reading:', payload.new)
      }
    )
    .subscribe()

  const joined = async () => {
    while (channel.state !== 'joined') await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await inTime(joined(), 'the join of the example')
  const time = new Date().toISOString()
  data(await anon.from('mg_bess_readings').insert([{ device_id: device, time, soe: 1 }]))
  const reading = {
    device_id: '123E4567-E89B-12D3-A456-426614174000',
    time,
    soe: 65.5,
    target_power: -25.25,
    available_inverter_blocks: 4,
    command_source: 1,
  }
  const [sent] = data(await anon.from('mg_bess_readings').insert(reading).select())
  const [words, got] = await prints.take()
  assert.equal(words, 'New reading:')
  assert.deepEqual(got, sent)
  assert.deepEqual([got], data(await anon.from('mg_bess_readings').select().eq('id', got.id)))
  await supabase.removeChannel(channel)
  supabase.realtime.disconnect()
}

export async function insertsOfOneDevice(project) {
  const { anon, device, other } = project
  const { inbox } = await subscribed(anon, 'one device', { event: 'INSERT', filter: `device_id=eq.${device}` })
  data(await anon.from('mg_bess_readings').insert(row(other, 0, 1)))
  const rows = data(await anon.from('mg_bess_readings').insert([row(device, 1, 2), row(other, 1, 3), row(device, 2, 4)]).select())
  for (const wanted of rows.filter((found) => found.device_id === device)) {
    const change = await inbox.take()
    assert.deepEqual([change.eventType, change.schema, change.table, change.errors], ['INSERT', 'flux', 'mg_bess_readings', null])
    assert.ok(Math.abs(new Date(change.commit_timestamp) - Date.now()) < 60_000)
    assert.deepEqual(change.new, wanted)
    assert.deepEqual(change.old, {})
  }
}

export async function updatesAndDeletes(project) {
  const { service, device } = project
  const { inbox } = await subscribed(project.anon, 'all of it', { event: '*', filter: `device_id=eq.${device}` })
  data(await service.from('mg_bess_readings').insert(row(device, 0, 1)))
  data(await service.from('mg_bess_readings').update({ soe: 2.5 }).eq('device_id', device))
  const [changed] = data(await service.from('mg_bess_readings').select().eq('device_id', device))
  data(await service.from('mg_bess_readings').upsert(row(device, 0, 3), { onConflict: 'device_id,time' }))
  data(await service.from('mg_bess_readings').delete().eq('device_id', device))
  const changes = []
  for (let index = 0; index < 4; index++) changes.push(await inbox.take())
  assert.deepEqual(changes.map((change) => change.eventType), ['INSERT', 'UPDATE', 'UPDATE', 'DELETE'])
  assert.deepEqual(changes.slice(0, 3).map((change) => change.new.soe), [1, 2.5, 3])
  assert.deepEqual(changes[1].new, changed)
  const identity = { device_id: device, time: changed.time }
  for (const change of changes.slice(1)) {
    assert.deepEqual({ device_id: change.old.device_id, time: change.old.time }, identity)
  }
  assert.deepEqual(changes[3].new, {})
}

export async function onlyTheEventThatWasAskedFor(project) {
  const { service, device } = project
  const { inbox } = await subscribed(project.anon, 'deletes', { event: 'DELETE', filter: `device_id=eq.${device}` })
  data(await service.from('mg_bess_readings').insert(row(device, 0, 1)))
  data(await service.from('mg_bess_readings').update({ soe: 2 }).eq('device_id', device))
  data(await service.from('mg_bess_readings').delete().eq('device_id', device))
  assert.equal((await inbox.take()).eventType, 'DELETE')
}

export async function skippedRowsMakeNoEvent(project) {
  const { service, device } = project
  data(await service.from('mg_bess_readings').insert(row(device, 0, 1)))
  const { inbox } = await subscribed(project.anon, 'skipped', { event: '*', filter: `device_id=eq.${device}` })
  const options = { onConflict: 'device_id,time', ignoreDuplicates: true }
  data(await service.from('mg_bess_readings').upsert([row(device, 0, 5), row(device, 1, 6)], options))
  const { error } = await service.from('mg_bess_readings').insert([row(device, 2, 7), row(device, 0, 8)])
  assert.equal(error.code, '23505')
  data(await service.from('mg_bess_readings').insert(row(device, 3, 9)))
  assert.deepEqual([(await inbox.take()).new.soe, (await inbox.take()).new.soe], [6, 9])
}

export async function bulkComesInOrder(project) {
  const { anon, device } = project
  const { inbox } = await subscribed(anon, 'bulk', { event: 'INSERT', filter: `device_id=eq.${device}` })
  const rows = Array.from({ length: 100 }, (_, index) => ({ device_id: device, time: new Date(Date.UTC(2024, 5, 1, 0, index)).toISOString(), soe: index }))
  data(await anon.from('mg_bess_readings').insert(rows))
  for (let index = 0; index < 100; index++) assert.equal((await inbox.take()).new.soe, index)
}

export async function twoChannels(project) {
  const { anon, device, other } = project
  const first = await subscribed(anon, 'first', { event: 'INSERT', filter: `device_id=eq.${device}` })
  const second = await subscribed(anon, 'second', { event: 'INSERT', filter: `device_id=eq.${other}` })
  data(await anon.from('mg_bess_readings').insert([row(device, 0, 1), row(other, 0, 2)]))
  assert.equal((await first.inbox.take()).new.soe, 1)
  assert.equal((await second.inbox.take()).new.soe, 2)
  assert.equal(await anon.removeChannel(first.channel), 'ok')
  data(await anon.from('mg_bess_readings').insert([row(device, 1, 3), row(other, 1, 4)]))
  assert.equal((await second.inbox.take()).new.soe, 4)
  assert.deepEqual(first.inbox.kept, [])
  const again = await subscribed(anon, 'first', { event: 'INSERT', filter: `device_id=eq.${device}` })
  data(await anon.from('mg_bess_readings').insert(row(device, 2, 5)))
  assert.equal((await again.inbox.take()).new.soe, 5)
}

export async function severalBindings(project) {
  const { anon, device, other } = project
  const { inbox } = await subscribed(
    anon,
    'several',
    { event: 'INSERT', filter: `device_id=in.(${device},${other})` },
    { event: 'INSERT', filter: `device_id=eq.${device}` },
    { event: '*', table: 'mg_meter_readings', filter: `device_id=eq.${device}` },
  )
  data(await anon.from('mg_bess_readings').insert([row(device, 0, 1), row(other, 0, 2)]))
  data(await anon.from('mg_meter_readings').insert({ device_id: device, time: '2024-06-01T12:00:00Z', frequency: 50 }))
  const got = [await inbox.take(), await inbox.take(), await inbox.take(), await inbox.take()]
  assert.deepEqual(got.map((change) => change.new.soe ?? change.new.frequency), [1, 1, 2, 50])
}

export async function filtersOfValues(project) {
  const { anon, device } = project
  const asked = [`soe=gt.50,device_id=eq.${device}`, `soe=lte.50,device_id=eq.${device}`, `soe=neq.70,device_id=eq.${device}`]
  const heard = []
  for (const filter of asked) heard.push(await subscribed(anon, filter, { event: 'INSERT', filter }))
  data(await anon.from('mg_bess_readings').insert([10, 50, null, 70, 80].map((soe, minute) => row(device, minute, soe))))
  const got = async ({ inbox }, count) => {
    const soes = []
    for (let index = 0; index < count; index++) soes.push((await inbox.take()).new.soe)
    return soes
  }
  assert.deepEqual(await got(heard[0], 2), [70, 80])
  assert.deepEqual(await got(heard[1], 2), [10, 50])
  assert.deepEqual(await got(heard[2], 3), [10, 50, 80])
}

export async function registryAndMarket({ service, anon, site, device }) {
  const registry = await subscribed(anon, 'registry', { event: '*', schema: 'public', table: 'mg_device_registry', filter: `site=eq.${site}` })
  const market = await subscribed(anon, 'market', { event: 'INSERT', table: 'market_data', filter: 'type=eq.4' })
  const metadata = { a: [1, { b: null }], site }
  const [entry] = data(await service.from('mg_device_registry').insert({ id: device, name: 'a', type: 'bess', site, metadata }).select())
  const inserted = await registry.inbox.take()
  assert.deepEqual([inserted.schema, inserted.new], ['public', entry])
  data(await service.from('mg_device_registry').update({ active: false }).eq('id', device))
  const updated = await registry.inbox.take()
  assert.deepEqual([updated.new.active, updated.old.id], [false, device])
  const [price] = data(await service.from('market_data').insert({ time: '2024-06-01T00:00:00Z', type: 4, value: 5.5, metadata }).select())
  assert.deepEqual((await market.inbox.take()).new, price)
}

export async function badBindings({ anon }) {
  for (const binding of [{ table: 'nope' }, { filter: 'nope=eq.1' }, { filter: 'soe=eq.abc' }, { filter: 'soe' }]) {
    const systems = new Inbox('a system message')
    const channel = anon.channel(JSON.stringify(binding))
    channel.on('postgres_changes', { event: 'INSERT', schema: 'flux', table: 'mg_bess_readings', ...binding }, () => {})
    channel.on('system', {}, systems.put)
    channel.subscribe()
    const { status, extension } = await systems.take()
    assert.deepEqual([status, extension], ['error', 'postgres_changes'], JSON.stringify(binding))
    await anon.removeChannel(channel)
  }
}

export async function tokensAreRefreshed(project) {
  const { anon, device } = project
  await anon.realtime.setAuth(project.userToken)
  const { inbox, systems } = await subscribed(anon, 'refreshed', { event: 'INSERT', filter: `device_id=eq.${device}` })
  await anon.realtime.setAuth(project.authenticatedKey)
  assert.equal((await systems.take()).status, 'ok')
  data(await project.anon.from('mg_bess_readings').insert(row(device, 0, 1)))
  assert.equal((await inbox.take()).new.soe, 1)
}

export async function badTokenClosesTheChannel(project) {
  const { anon, device, expiredToken } = project
  const { systems, inbox } = await subscribed(anon, 'refused', { event: 'INSERT', filter: `device_id=eq.${device}` })
  await anon.realtime.setAuth(expiredToken)
  const { status, extension } = await systems.take()
  assert.deepEqual([status, extension], ['error', 'system'])
  data(await project.anon.from('mg_bess_readings').insert(row(device, 0, 1)))
  const alive = await subscribed(project.anon, 'alive', { event: 'INSERT', filter: `device_id=eq.${device}` })
  data(await project.anon.from('mg_bess_readings').insert(row(device, 1, 2)))
  assert.equal((await alive.inbox.take()).new.soe, 2)
  assert.deepEqual(inbox.kept, [])
}

export async function broadcastBetweenTwoClients(project) {
  const name = `room ${project.device}`
  const options = { config: { broadcast: { ack: true, self: false } } }
  const [mine, yours] = [project.client(), project.client(project.serviceKey)].map((client) => client.channel(name, options))
  const heard = { mine: new Inbox('a broadcast to me'), yours: new Inbox('a broadcast to you') }
  mine.on('broadcast', { event: 'hello' }, heard.mine.put)
  yours.on('broadcast', { event: 'hello' }, heard.yours.put)
  for (const channel of [mine, yours]) {
    await inTime(new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())), 'a subscription')
  }
  assert.equal(await mine.send({ type: 'broadcast', event: 'other', payload: {} }), 'ok')
  assert.equal(await mine.send({ type: 'broadcast', event: 'hello', payload: { number: 1, text: 'Grüße' } }), 'ok')
  const { event, payload } = await heard.yours.take()
  assert.deepEqual([event, payload], ['hello', { number: 1, text: 'Grüße' }])
  assert.equal(await yours.send({ type: 'broadcast', event: 'hello', payload: { number: 2 } }), 'ok')
  assert.deepEqual((await heard.mine.take()).payload, { number: 2 })
  assert.deepEqual([heard.mine.kept, heard.yours.kept], [[], []])
}

export async function broadcastToOneself({ anon, device }) {
  const heard = new Inbox('a broadcast')
  const channel = anon.channel(`room ${device}`, { config: { broadcast: { self: true } } })
  channel.on('broadcast', { event: '*' }, heard.put)
  await inTime(new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())), 'a subscription')
  await channel.send({ type: 'broadcast', event: 'echo', payload: { bytes: [1, 2, 3] } })
  const { event, payload } = await heard.take()
  assert.deepEqual([event, payload], ['echo', { bytes: [1, 2, 3] }])
}

export async function resumesWithoutAGap(project) {
  const { anon, device } = project
  const wanted = { event: 'INSERT', filter: `device_id=eq.${device}` }
  const client = project.client()
  const channel = client.channel('before')
  const systems = new Inbox('the position')
  channel.on('postgres_changes', { schema: 'flux', table: 'mg_bess_readings', ...wanted }, () => {})
  channel.on('system', {}, systems.put).subscribe()
  const { position } = await systems.take()
  assert.equal(typeof position, 'number')
  await client.removeChannel(channel)
  data(await anon.from('mg_bess_readings').insert([row(device, 0, 1), row(device, 1, 2)]))
  data(await anon.from('mg_bess_readings').insert(row(device, 2, 3)))
  const { inbox } = await subscribed(client, 'after', { ...wanted, since: position })
  data(await anon.from('mg_bess_readings').insert(row(device, 3, 4)))
  const soes = []
  for (let index = 0; index < 4; index++) soes.push((await inbox.take()).new.soe)
  assert.deepEqual(soes, [1, 2, 3, 4])
}

export async function chosenColumns({ anon, device }) {
  const { inbox } = await subscribed(anon, 'chosen', { event: 'INSERT', filter: `device_id=eq.${device}`, select: ['device_id', 'soe'] })
  data(await anon.from('mg_bess_readings').insert(row(device, 0, 1)))
  assert.deepEqual((await inbox.take()).new, { device_id: device, soe: 1 })
}

export async function builtFilters({ anon, device, site }) {
  const filter = postgresChangesFilter().eq('site', site).in('type', ['a, (b)', 'c']).not('name', 'like', 'x%').is('active', true)
  const { inbox } = await subscribed(anon, 'built', { event: '*', table: 'mg_device_registry', filter })
  const names = [['x1', 'c'], ['y', 'd'], ['z"', 'a, (b)']]
  data(await anon.from('mg_device_registry').insert(names.map(([name, type]) => ({ name, type, site, active: true }))))
  assert.equal((await inbox.take()).new.name, 'z"')
}

export async function allTablesOfTheSchema({ anon, device }) {
  const { inbox } = await subscribed(anon, 'schema', { event: 'INSERT', table: '*' })
  data(await anon.from('mg_meter_readings').insert({ device_id: device, time: '2024-06-01T12:00:00Z', frequency: 50 }))
  data(await anon.from('mg_bess_readings').insert(row(device, 0, 1)))
  const tables = [await inbox.take(), await inbox.take()].map((change) => change.table)
  assert.deepEqual(tables, ['mg_meter_readings', 'mg_bess_readings'])
}

export async function broadcastOverHttp(project) {
  const heard = new Inbox('a broadcast')
  const room = `room/${project.device}`
  const channel = project.service.channel(room)
  channel.on('broadcast', { event: 'hello' }, heard.put)
  await inTime(new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())), 'a subscription')
  // A channel that was not joined sends over HTTP.
  const other = project.anon.channel(room)
  assert.equal(await other.send({ type: 'broadcast', event: 'hello', payload: { number: 1 } }), 'ok')
  assert.deepEqual(await other.httpSend('hello', { number: 2 }), { success: true })
  assert.deepEqual(await other.httpSend('hello', new Uint8Array([0, 255])), { success: true })
  const got = [await heard.take(), await heard.take(), await heard.take()]
  assert.deepEqual(got.map(({ event }) => event), ['hello', 'hello', 'hello'])
  assert.deepEqual(got.slice(0, 2).map(({ payload }) => payload), [{ number: 1 }, { number: 2 }])
  assert.deepEqual([...new Uint8Array(got[2].payload)], [0, 255])
}

export async function presence(project) {
  const room = `room ${project.device}`
  const [mine, yours] = ['me', 'you'].map((key) => project.client().channel(room, { config: { presence: { key } } }))
  const joins = new Inbox('a join')
  const leaves = new Inbox('a leave')
  mine.on('presence', { event: 'join' }, ({ key, newPresences }) => joins.put([key, newPresences[0].site]))
  mine.on('presence', { event: 'leave' }, ({ key }) => leaves.put(key))
  for (const channel of [mine, yours]) {
    await inTime(new Promise((resolve) => channel.subscribe((status) => status === 'SUBSCRIBED' && resolve())), 'a subscription')
  }
  assert.equal(await yours.track({ site: 'WLCE' }), 'ok')
  assert.deepEqual(await joins.take(), ['you', 'WLCE'])
  assert.deepEqual(Object.keys(mine.presenceState()), ['you'])
  await yours.untrack()
  assert.equal(await leaves.take(), 'you')
}
