// Plays scenarios: a JSON line in says which and with what, a JSON line out says how it went.
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Project } from './project.mjs'

// Standard output belongs to the answers.
console.log = (...words) => console.error(...words)

const directory = new URL('./scenarios/', import.meta.url)
const modules = {}
for (const file of readdirSync(directory)) {
  modules[file.replace('.mjs', '')] = await import(new URL(file, directory))
}

for await (const line of createInterface({ input: process.stdin })) {
  const { scenario, context } = JSON.parse(line)
  const [module, name] = scenario.split('.')
  const project = new Project(context)
  let error = null
  try {
    await modules[module][name](project)
  } catch (reason) {
    error = String(reason?.stack ?? JSON.stringify(reason))
  }
  await project.close()
  process.stdout.write(JSON.stringify({ scenario, error }) + '\n')
}
process.exit(0)
