import * as ort from 'onnxruntime-node'
import { encodeOnnx, Graph, tensor, type Value } from '../src/ir/index.js'
import { columns, machine, minimum } from './harness.js'

/** What does one pass of an elementwise operator cost, by the size of the tensor? Best of many runs, one thread. */
const SIZES = [2048, 16384, 65536, 262144, 1048576]
const REPEATED = 20
const RUNS = 50

const operators: Record<string, (x: Value, other: Value, half: Value) => (Value | null)[]> = {
  Add: (x, other) => [x, other],
  Mul: (x, other) => [x, other],
  'Mul by a scalar': (x, _, half) => [x, half],
  Div: (x, other) => [x, other],
  Sqrt: x => [x],
  Relu: x => [x],
  Sigmoid: x => [x],
  Exp: x => [x],
  Erf: x => [x],
}

console.log(`${machine()}\n\nns per element of one pass over n float32`)
const lines = [['operator', ...SIZES.map(size => `n = ${size}`), '']]
for (const [name, inputs] of Object.entries(operators)) {
  const cells: string[] = []
  for (const size of SIZES) cells.push((((await pass(name, inputs, size)) * 1e6) / size).toFixed(3))
  lines.push([name, ...cells, ''])
}
console.log(columns(lines))

/** Milliseconds of one pass, measured on a chain of them. */
async function pass(name: string, inputs: (typeof operators)[string], size: number): Promise<number> {
  const g = new Graph()
  const start = g.input('x', 'float32', [size])
  const other = g.input('other', 'float32', [size])
  const half = g.constant(tensor(0.5, [], 'float32'))
  const type = { dtype: 'float32' as const, shape: [size] }
  let x = start
  for (let i = 0; i < REPEATED; i++)
    x = g.node({ op: name.split(' ')[0]!, inputs: inputs(x, other, half), outputs: [type] }).outputs[0]!
  const session = await ort.InferenceSession.create(encodeOnnx(g, { outputs: { y: x } }), {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
  })
  const filled = (value: number) => new ort.Tensor('float32', new Float32Array(size).fill(value), [size])
  const feeds = { x: filled(0.9), ...(inputs(start, other, half).includes(other) ? { other: filled(1.1) } : {}) }
  const fetches = { y: filled(0) }
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now()
    await session.run(feeds, fetches)
    times.push(performance.now() - begin)
  }
  await session.release()
  return minimum(times) / REPEATED
}
