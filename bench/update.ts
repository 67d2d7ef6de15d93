import { Graph, type Tensor, tensor } from '../src/ir/index.js'
import { mixKey } from '../src/ops/counter-random.js'
import { type Optimizer, optimizerFromConfig, optimizerNames } from '../src/optim/index.js'
import { initialValue, keyLabel, stepInfo, traceUpdate } from '../src/optim/optimizer.js'
import { compile, createState } from '../src/runtime/index.js'
import { columns, machine, median, minimum } from './harness.js'

/**
 * What does an update alone cost, by optimizer: fused into one kernel, as a plain graph, and with the gradients' global
 * norm clipped? Gradients are given; the parameters are those of an MLP 784-512-512-10 (670,000). One thread.
 */
const shapes: Readonly<Record<string, readonly number[]>> = {
  'dense/kernel': [784, 512],
  'dense/bias': [512],
  'dense_1/kernel': [512, 512],
  'dense_1/bias': [512],
  'dense_2/kernel': [512, 10],
  'dense_2/bias': [10],
}
const RUNS = 40

/** One way of making an update, and how long each took. */
async function prepared(optimizer: Optimizer, lowering: boolean): Promise<() => Promise<void>> {
  const graph = new Graph()
  const parameters = Object.entries(shapes).map(([path, shape]) => ({
    path,
    value: graph.input(path, 'float32', shape),
    gradient: graph.input(`gradient/${path}`, 'float32', shape),
  }))
  const key = graph.input('key', 'uint32', [])
  const trace = traceUpdate(optimizer, {
    parameters,
    phase: optimizer.phase(0),
    key: name => mixKey(key, keyLabel(name)),
  })
  const updates = Object.fromEntries([...trace.parameters, ...trace.slots])
  const program = await compile(graph, { outputs: {}, updates, threads: 1, lowering })
  const state = await createState({ threads: 1 })
  const noise = (shape: readonly number[], scale: number): Tensor => {
    const size = shape.reduce((a, b) => a * b, 1)
    return tensor(
      Float32Array.from({ length: size }, (_, i) => scale * Math.sin(i)),
      shape,
    )
  }
  const feeds: Record<string, Tensor> = { key: tensor(Uint32Array.of(7), []) }
  for (const [path, shape] of Object.entries(shapes)) {
    state.write(path, noise(shape, 0.05))
    feeds[`gradient/${path}`] = noise(shape, 0.01)
  }
  const infos = Object.entries(shapes).map(([path, shape]) => ({ path, shape }))
  for (const slot of optimizer.slots(infos))
    state.write(slot.name, initialValue(slot, await state.read(slot.parameter)))
  let step = 0
  return async () => {
    const info = stepInfo(optimizer, step++)
    const scalars = Object.fromEntries(Object.entries(trace.feeds).map(([name, at]) => [name, tensor([at(info)], [])]))
    await program.run({ ...feeds, ...scalars }, state, { ignoreUnknown: true })
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : optimizerNames
console.log(`${machine()}\n\nms for one update of 670,000 parameters, minimum (median) of ${RUNS} turns`)
const lines = [['optimizer', 'fused', 'plain', 'plain / fused', 'clipped', 'clipped / fused', '']]
for (const name of names) {
  const make = (config: object) => optimizerFromConfig({ name, config: { learningRate: 1e-4, ...config } })
  if (make({}).host !== undefined) continue
  const ways = [
    await prepared(make({}), true),
    await prepared(make({}), false),
    await prepared(make({ globalClipnorm: 1 }), true),
  ]
  const times: number[][] = ways.map(() => [])
  for (let run = -5; run < RUNS; run++)
    for (const [i, way] of ways.entries()) {
      const begin = performance.now()
      await way()
      if (run >= 0) times[i]!.push(performance.now() - begin)
    }
  const [fused, plain, clipped] = times as [number[], number[], number[]]
  const cell = (t: readonly number[]) => `${minimum(t).toFixed(2)} (${median(t).toFixed(2)})`
  const ratio = (t: readonly number[]) => (minimum(t) / minimum(fused)).toFixed(2)
  lines.push([name, cell(fused), cell(plain), ratio(plain), cell(clipped), ratio(clipped), ''])
}
console.log(columns(lines))
