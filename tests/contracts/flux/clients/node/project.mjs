// What a scenario is given: the address and the keys of a project, clients of it, and devices that nobody else uses.
import assert from 'node:assert/strict'
import { createClient } from '@supabase/supabase-js'

const LIMIT = 15_000

export class Project {
  constructor(context) {
    Object.assign(this, context)
    this.clients = []
  }

  // A client; it is closed when the scenario has ended.
  client(key = this.anonKey, options = {}) {
    return this.keep(createClient(this.url, key, options))
  }

  keep(client) {
    this.clients.push(client)
    return client
  }

  get anon() {
    return this.client(this.anonKey)
  }

  get service() {
    return this.client(this.serviceKey)
  }

  async close() {
    for (const client of this.clients) {
      await client.removeAllChannels()
      client.realtime.disconnect()
    }
  }
}

// What an answer brought, once it brought no error.
export function data(answer) {
  assert.equal(answer.error, null, JSON.stringify(answer.error))
  return answer.data
}

// A promise that fails in time, and tells what it was for.
export function inTime(promise, what) {
  let timer
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in ${LIMIT} ms`)), LIMIT)
  })
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}

// Things that come one after another: `put` one, `take` the next.
export class Inbox {
  constructor(what) {
    this.what = what
    this.kept = []
    this.waiting = []
    this.put = (thing) => {
      const taker = this.waiting.shift()
      if (taker) taker(thing)
      else this.kept.push(thing)
    }
  }

  take() {
    if (this.kept.length > 0) return Promise.resolve(this.kept.shift())
    return inTime(new Promise((resolve) => this.waiting.push(resolve)), this.what)
  }
}
