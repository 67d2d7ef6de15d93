import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tensor } from '../../ir/index.js'
import * as ops from '../../ops/index.js'
import { evaluate, readFigures } from '../../testing/figures.js'
import { optimizerFromConfig, optimizerNames } from '../from-config.js'
import { minimizer, type Objective, type Progress } from '../minimizer.js'
import { slotInputs } from '../optimizer.js'

// Made by ../figures/keras_optimizers.py and torch_optimizers.py.
type Points = Readonly<Record<string, readonly number[]>>
interface Row {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  /** How many batches follow one another; 1 stands for the plain objective. */
  readonly batches: number
  /** All numbers of a and b after so many batches. */
  readonly trajectory: Points
  /** Of the exponential moving averages. */
  readonly average?: Points
  /** Of the weights that are evaluated. */
  readonly evaluated?: Points
}
interface Golden {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly start: readonly number[]
  readonly gradients: readonly (readonly number[])[]
  readonly points: readonly (readonly number[])[]
  readonly tolerance: number
}
interface Figures {
  readonly start: Readonly<Record<string, readonly (number | readonly number[])[]>>
  readonly cases: readonly Row[]
}

const folder = new URL('../figures/', import.meta.url)
const keras = readFigures<Figures & { golden: readonly Golden[] }>(new URL('keras_optimizers.json', folder))
const torch = readFigures<Figures>(new URL('torch_optimizers.json', folder))

/** The loss of valley.py. The batch is a parameter whose slope is zero, set anew before each step. */
const objective: Objective = ({ a, b, batch }) => {
  const [a0, a1] = [ops.slice(a!, [0], [1], [0]), ops.slice(a!, [1], [2], [0])]
  const off = ops.sub(a1, ops.mul(a0, a0))
  const far = ops.sub(a0, 1)
  const valley = ops.add(ops.mul(far, far), ops.mul(ops.mul(off, off), 5))
  const stretch = a!.graph.constant(tensor(Float32Array.of(1, 4, 0.25, 9), [2, 2]))
  const bowl = ops.mul(ops.reduceSum(ops.mul(stretch, ops.mul(b!, b!)), { keepdims: 0 }), 0.5)
  const loss = ops.add(ops.reduceSum(valley, { keepdims: 0 }), bowl)
  return batch === undefined ? loss : ops.mul(loss, ops.mul(ops.reduceSum(ops.floor(batch), { keepdims: 0 }), 0.5))
}
const startOf = ({ start }: Figures) => ({
  a: tensor(Float32Array.from(start.a!.flat()), [2]),
  b: tensor(Float32Array.from(start.b!.flat()), [2, 2]),
})

const near = (received: readonly number[], wanted: readonly number[], tolerance: number, what: string) => {
  expect(received.length, what).toBe(wanted.length)
  for (const [i, x] of received.entries())
    if (!(Math.abs(x - wanted[i]!) <= tolerance * Math.max(1, Math.abs(wanted[i]!))))
      expect.fail(`${what}: ${received.join(', ')} instead of ${wanted.join(', ')}`)
}
const numbers = (progress: Progress, name: (path: string) => string = path => path): number[] =>
  ['a', 'b'].flatMap(path => {
    const found = progress.parameters[name(path)] ?? progress.slots[name(path)]
    return Array.from(found!.data as Float32Array)
  })

describe.each([
  ['Keras', keras],
  ['PyTorch', torch],
] as const)('optimizers walk as in %s, 100 steps', (_framework, figures) => {
  test.each(figures.cases.map(row => [row.name, row.options, row] as const))('%s %j', async (name, options, row) => {
    const optimizer = optimizerFromConfig({ name, config: options })
    const several = row.batches > 1
    const batch = (step: number) => ({ batch: tensor(Float32Array.of(1 + ((step - 1) % row.batches)), [1]) })
    const start = { ...startOf(figures), ...(several ? batch(1) : {}) }
    const at = await minimizer(optimizer, start, objective)
    const infos = Object.entries(start).map(([path, { shape }]) => ({ path, shape }))
    let now: Progress = at.begin
    for (let step = 1; step <= 100; step++) {
      if (several) now = { ...now, parameters: { ...now.parameters, ...batch(step) } }
      now = await at.next(now)
      const wanted = row.trajectory[step]
      if (wanted === undefined) continue
      near(numbers(now), wanted, 1e-5, `step ${step}`)
      if (row.average !== undefined)
        near(numbers(now, optimizer.average!), row.average[step]!, 1e-5, `average at step ${step}`)
      if (row.evaluated === undefined) continue
      const evaluated = await evaluate({ ...now.parameters, ...now.slots }, (inputs, graph) => {
        const parameters = infos.map(({ path }) => ({ path, value: inputs[path]! }))
        const declared = slotInputs(graph, [])
        const slot = (slotName: string) => inputs[slotName] ?? declared(slotName)
        const result = optimizer.evaluate!({ parameters, slot })
        return Object.fromEntries(['a', 'b'].map(path => [`evaluated ${path}`, result.get(path)!]))
      })
      const found = ['a', 'b'].flatMap(path => Array.from(evaluated[`evaluated ${path}`]!.data as Float32Array))
      near(found, row.evaluated[step]!, 1e-5, `what is evaluated at step ${step}`)
    }
  })
})

describe("optimizers pass Keras's own tests", () => {
  test.each(keras.golden.map(row => [row.name, row.options, row] as const))('%s %j', async (name, options, row) => {
    const { start, gradients, points, tolerance } = row
    const slope: Objective = ({ x, slope: given }) => ops.reduceSum(ops.mul(x!, ops.floor(given!)), { keepdims: 0 })
    const vector = (values: readonly number[]) => tensor(Float32Array.from(values), [values.length])
    // Slopes are fed as whole numbers of hundredths, so that `floor` hides them from the gradient.
    const scaled: Objective = parameters => ops.mul(slope(parameters), 0.01)
    const at = await minimizer(
      optimizerFromConfig({ name, config: options }),
      { x: vector(start), slope: vector(gradients[0]!) },
      scaled,
    )
    let now: Progress = at.begin
    for (const [i, wanted] of points.entries()) {
      const hundredths = vector(gradients[i]!.map(g => Math.round(g * 100)))
      now = await at.next({ ...now, parameters: { ...now.parameters, slope: hundredths } })
      near(Array.from(now.parameters.x!.data as Float32Array), wanted, tolerance, `step ${i + 1}`)
    }
  })
})

/** Optimizers without figures of their own in ../figures, and why. */
const without: Readonly<Record<string, string>> = {
  gradientDescent: 'it is sgd without momentum, which has some',
  lbfgs: 'driven by the host: checked beside the other methods of second order',
  shampoo: 'no framework here has it: checked beside the other methods of second order',
}

test('every optimizer has figures of another framework, or a reason why not', () => {
  const files = readdirSync(folder).filter(file => file.endsWith('.json'))
  const rows = files.flatMap(file => readFigures<Partial<Figures>>(new URL(file, folder)).cases ?? [])
  const known = new Set(rows.map(row => row.name))
  expect(optimizerNames.filter(name => !known.has(name) && !(name in without))).toEqual([])
  expect(Object.keys(without).filter(name => !optimizerNames.includes(name))).toEqual([])
})
