import { parseArgs } from 'node:util'
import { columns, machine } from './harness.js'
import { anneal } from './peers/anneal.js'
import { scenarios } from './scenarios.js'

/** Does memory stay flat over many steps? */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string', default: '5000' }, threads: { type: 'string', default: '2' } },
})
const steps = Number(values.steps)
const scenario = scenarios()[positionals[0] ?? 'mlp']
if (scenario === undefined || !(steps >= 10)) {
  console.log(`tsx bench/memory.ts [${Object.keys(scenarios()).join(' | ')}] [--steps 5000] [--threads 2]`)
  process.exit(1)
}

console.log(`${machine()}\n\n${scenario.title} · MiB over ${steps} steps`)
const run = await anneal.setup(scenario, Number(values.threads))
if ('skip' in run) throw new Error(run.skip)
const lines = [['step', 'resident', 'JS heap', 'array buffers', 'growth since a tenth', '']]
let settled = Number.NaN
for (let step = 0; step <= steps; step++) {
  if (step > 0) await run.step()
  if (step % Math.floor(steps / 10) !== 0) continue
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  if (step === Math.floor(steps / 10)) settled = rss
  const growth = Number.isNaN(settled) ? '–' : mebibytes(rss - settled)
  lines.push([String(step), mebibytes(rss), mebibytes(heapUsed), mebibytes(arrayBuffers), growth, ''])
}
await run.dispose()
console.log(columns(lines))

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}
