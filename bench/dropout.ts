import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as ort from 'onnxruntime-node'
import { gradients } from '../src/autodiff/index.js'
import { encodeOnnx, Graph, type Value } from '../src/ir/index.js'
import { layers } from '../src/nn/index.js'
import type { Layer } from '../src/nn/layer.js'
import { input, network, trace } from '../src/nn/network.js'
import { columns, machine, minimum } from './harness.js'

/** What does a random layer cost, forward and backward, beside PyTorch's? Best of many runs over 2²⁰ elements. */
const SHAPE = [64, 16, 32, 32]
const ELEMENTS = SHAPE.reduce((a, b) => a * b, 1)
const RUNS = 40

/** The layer, and the name of PyTorch's in torch_dropout.py. */
const rows: readonly (readonly [name: string, layer: Layer, torch: string | null])[] = [
  ['dropout', layers.dropout({ rate: 0.5 }), 'dropout'],
  ['spatialDropout2d', layers.spatialDropout2d({ rate: 0.5 }), 'dropout2d'],
  ['gaussianDropout', layers.gaussianDropout({ rate: 0.5 }), 'gaussian dropout'],
  ['alphaDropout', layers.alphaDropout({ rate: 0.5 }), 'alpha_dropout'],
  ['gaussianNoise', layers.gaussianNoise({ stddev: 0.1 }), 'gaussian noise'],
  ['dropPath', layers.dropPath({ rate: 0.5 }), 'drop path'],
  ['dropBlock', layers.dropBlock({ rate: 0.1, blockSize: 5 }), null],
]

console.log(`${machine()}\n\nForward and backward over ${SHAPE.join(' × ')} float32, elements per ms (ms)`)
const lines = [['layer', '1 thread', '2 threads', 'PyTorch, 1 thread', '2 threads', '']]
const [one, two] = [torchTimes(1), torchTimes(2)]
for (const [name, layer, peer] of rows)
  lines.push([
    name,
    speed(await milliseconds(layer, 1)),
    speed(await milliseconds(layer, 2)),
    peer === null ? '' : speed(one[peer]),
    peer === null ? '' : speed(two[peer]),
    '',
  ])
console.log(columns(lines))
if (Object.keys(one).length === 0) console.log('PyTorch is not installed: see bench/README.md')

function speed(ms: number | undefined): string {
  return ms === undefined ? '' : `${Math.round(ELEMENTS / ms).toLocaleString('en-US')} (${ms.toFixed(1)})`
}

async function milliseconds(layer: Layer, threads: number): Promise<number> {
  const start = input({ shape: SHAPE.slice(1) })
  const g = new Graph()
  const x = g.input('x', 'float32', SHAPE)
  const upstream = g.input('upstream', 'float32', SHAPE)
  const { outputs } = trace(network([start], [layer.apply(start)]), {
    training: true,
    inputs: [x],
    key: g.input('key', 'uint32', []),
    weights: name => g.input(name, 'float32', []),
  })
  const y = outputs[0]!
  const [dx] = gradients(y, [x], { seeds: [upstream] })
  // Of added noise the gradient is what came in: nothing to compute.
  const wanted: Record<string, Value> = dx === upstream ? { y } : { y, dx: dx! }
  const session = await ort.InferenceSession.create(encodeOnnx(g, { outputs: wanted }), { intraOpNumThreads: threads })
  const filled = () => new ort.Tensor('float32', new Float32Array(ELEMENTS).fill(0.5), SHAPE)
  const all: Record<string, ort.Tensor> = { x: filled(), upstream: filled() }
  const fetches = Object.fromEntries(Object.keys(wanted).map(name => [name, filled()]))
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    all.key = new ort.Tensor('uint32', Uint32Array.of(run), [])
    const feeds = Object.fromEntries(session.inputNames.map(name => [name, all[name]!]))
    const begin = performance.now()
    await session.run(feeds, fetches)
    times.push(performance.now() - begin)
  }
  await session.release()
  return minimum(times)
}

function torchTimes(threads: number): Record<string, number> {
  const python = process.env.ANNEAL_BENCH_PYTHON ?? fileURLToPath(new URL('.venv/bin/python', import.meta.url))
  if (!existsSync(python)) return {}
  const script = fileURLToPath(new URL('peers/torch_dropout.py', import.meta.url))
  const text = execFileSync(python, [script, JSON.stringify({ threads, shape: SHAPE, runs: RUNS })], {
    encoding: 'utf8',
  })
  return JSON.parse(text) as Record<string, number>
}
