import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../harness.js'
import { ADAM, type Scenario } from '../scenarios.js'

const VENV = fileURLToPath(new URL('../.venv/bin/python', import.meta.url))
const SCRIPT = fileURLToPath(new URL('./torch_step.py', import.meta.url))

/** PyTorch in a process of its own, which takes the time of its steps itself: the pipe costs it nothing. */
const peer = (name: string, optimizer: 'foreach' | 'fused', channelsLast = false): Peer => ({
  name,
  async setup(scenario, threads) {
    const python = process.env.ANNEAL_BENCH_PYTHON ?? VENV
    if (!existsSync(python))
      return { skip: `not installed: set ANNEAL_BENCH_PYTHON to a Python that has torch, or see bench/README.md` }
    if (channelsLast && scenario.input.length === 1) return { skip: 'no pictures here' }
    const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString()
    })
    child.stdin.on('error', () => {}) // a process that ended says why on its standard error, read below
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const answer = async (): Promise<string> => {
      const { value, done } = await lines.next()
      if (!done) return value
      const last = complaint.trim().split('\n').at(-1) ?? ''
      throw new Error(/No module named/.test(last) ? `${last} in ${python}: pip install torch numpy` : last)
    }
    for (const chunk of request(scenario, { threads, optimizer, channelsLast })) child.stdin.write(chunk)
    const { version } = JSON.parse(await answer()) as { version: string }
    const ask = async (command: string): Promise<number> => {
      child.stdin.write(`${command}\n`)
      return Number(await answer())
    }
    return {
      step: () => ask('step'),
      loss: () => ask('loss'),
      dispose: () => {
        child.stdin.end()
      },
      note: `torch ${version}, ${optimizer} Adam${channelsLast ? ', channels last' : ''}`,
    }
  },
})

export const torch: readonly Peer[] = [
  peer('PyTorch', 'foreach'),
  peer('PyTorch fused', 'fused'),
  peer('PyTorch channels-last', 'fused', true),
]

function* request(scenario: Scenario, options: Record<string, unknown>): Iterable<string | Uint8Array> {
  const { layers, input, batchSize, weights, batches } = scenario
  const shapes = weights.map(weight => weight.shape)
  yield `${JSON.stringify({ ...options, layers, input, batchSize, weights: shapes, batches: batches.length, adam: ADAM })}\n`
  const bytes = (array: Float32Array | Int32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  for (const weight of weights) yield bytes(weight.data)
  for (const { x, y } of batches) yield* [bytes(x), bytes(y)]
}
