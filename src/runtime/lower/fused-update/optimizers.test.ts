import { describe, expect, test } from 'vitest'
import { counterRandom, isFloat, type Tensor, tensor } from '../../../ir/index.js'
import { layers, type Network } from '../../../nn/index.js'
import { initialValue, type Optimizer, stepInfo } from '../../../optim/optimizer.js'
import * as recipes from '../../../optim/recipes/index.js'
import * as wrappers from '../../../optim/wrappers/index.js'
import { resolveCompile } from '../../../train/config.js'
import { sequential } from '../../../train/index.js'
import { type StepTrace, traceStep } from '../../../train/step.js'
import { compile, createState } from '../../index.js'

const BATCH = 6
const random = (shape: readonly number[], seed: number): Tensor => {
  const draw = counterRandom(seed)
  return tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.5 * draw.normal(i)),
    shape,
  )
}

/** Penalties, constraints elementwise and by unit, running statistics, a bias of one element, lengths that leave a rest. */
const network = (): Network =>
  sequential([
    layers.dense({
      units: 7,
      inputShape: [5],
      activation: 'tanh',
      kernelRegularizer: { type: 'l1l2', l1: 0.01, l2: 0.02 },
    }),
    layers.batchNormalization(),
    layers.dense({ units: 3, activation: 'tanh', kernelConstraint: 'nonNeg', biasRegularizer: 'l2' }),
    layers.dense({ units: 1, kernelConstraint: { type: 'maxNorm', maxValue: 0.7 } }),
  ]).network
const signature = {
  x: { input: { dtype: 'float32' as const, shape: [BATCH, 5] } },
  y: { output: { dtype: 'float32' as const, shape: [BATCH, 1] } },
  weights: {},
}

/** Twenty steps with or without the kernel: what is left in the state, and what share of the updates was fused. */
async function train(net: Network, optimizer: Optimizer, lowering: boolean) {
  const compiled = resolveCompile(net, { optimizer, loss: 'meanSquaredError' })
  const types = {
    ...signature,
    x: { [net.inputs[0]!.name]: signature.x.input },
    y: { [net.outputs[0]!.name]: signature.y.output },
  }
  const trainable = net.weights.filter(w => w.trainable)
  const state = await createState()
  const values = new Map(net.weights.map((w, i) => [w.path, random(w.shape, i + 1)]))
  for (const w of net.weights)
    if (/variance/i.test(w.path)) values.set(w.path, tensor(new Float32Array(w.shape[0]!).fill(1)))
  for (const [path, value] of values) state.write(path, value)
  for (const slot of optimizer.slots(trainable)) state.write(slot.name, initialValue(slot, values.get(slot.parameter)!))
  const steps = new Map<string, Promise<{ trace: StepTrace; program: Awaited<ReturnType<typeof compile>> }>>()
  const build = async (phase: string) => {
    const trace = traceStep(net, compiled, types, { phase })
    return { trace, program: await compile(trace.graph, { ...trace, lowering }) }
  }
  const fused = new Map<string, readonly [number, number]>()
  for (let i = 0; i < 20; i++) {
    const phase = optimizer.phase(i)
    const step = steps.get(phase) ?? build(phase)
    steps.set(phase, step)
    const { trace, program } = await step
    fused.set(phase, [program.fused.length, program.updates.length])
    const feeds: Record<string, Tensor> = {
      [net.inputs[0]!.name]: random([BATCH, 5], 100 + i),
      [`target/${net.outputs[0]!.name}`]: random([BATCH, 1], 200 + i),
      'random/key': tensor(Uint32Array.of(i), []),
    }
    for (const [name, at] of Object.entries(trace.feeds))
      feeds[name] = tensor(Float32Array.of(at(stepInfo(optimizer, i))), [])
    await program.run(feeds, state, { ignoreUnknown: true })
  }
  const left: Record<string, Tensor> = {}
  for (const name of state.names) left[name] = await state.read(name)
  return { left, fused: [...fused.values()] }
}

async function compared(make: () => Optimizer): Promise<(readonly [number, number])[]> {
  const net = network()
  const { left, fused } = await train(net, make(), true)
  const plain = await train(net, make(), false)
  expect(plain.fused.every(([count]) => count === 0)).toBe(true)
  for (const [name, { dtype, data }] of Object.entries(plain.left)) {
    if (!isFloat(dtype)) continue
    const scale = Array.from(data as Float32Array, Math.abs).reduce((a, b) => Math.max(a, b), 1e-3)
    Array.from(data as Float32Array).forEach((x, i) => {
      const error = Math.abs(x - Number(left[name]!.data[i])) / scale
      if (!(error < 1e-4)) expect(left[name]!.data[i], `${name}[${i}]`).toBe(x)
    })
  }
  return fused
}

const shared: readonly Record<string, unknown>[] = [
  {
    weightDecay: 0.01,
    globalClipnorm: 0.5,
    gradientCentralization: true,
    useEma: true,
    emaOverwriteFrequency: 3,
    excludeFromWeightDecay: '**/bias',
  },
  { weightDecay: 0.01, weightDecayMode: 'coupled', clipnorm: 0.3, adaptiveClip: 0.05, gradientAccumulationSteps: 2 },
  {
    clipvalue: 0.1,
    gradientNoise: 0.01,
    groups: [{ match: '**/bias', learningRateMultiplier: 0.5, weightDecay: 0.1 }],
  },
]
type Make = (options?: Record<string, unknown>) => Optimizer

/** The sets of options an optimizer is tested with: its switches, its zeros above zero, and what all have, in turn. */
function variants(make: Make): Record<string, unknown>[] {
  const works = (options: Record<string, unknown>): boolean => {
    try {
      make(options)
      return true
    } catch {
      return false // what does not go together, or does not apply
    }
  }
  const own: Record<string, unknown>[] = []
  for (const [key, value] of Object.entries(make().config)) {
    if (key === 'useEma' || key === 'gradientCentralization') continue
    if (value === false) own.push({ [key]: true })
    if (value === 0) own.push({ [key]: 0.1 })
  }
  const count = Math.max(own.length, shared.length)
  const mixed = Array.from({ length: count }, (_, i) => ({ ...shared[i % shared.length], ...own[i] }))
  return [{}, ...mixed.map((options, i) => (works(options) ? options : (own[i] ?? {}))).filter(works)]
}

describe('every optimizer, fused, takes the steps of the plain graph', () => {
  for (const [name, make] of Object.entries(recipes) as unknown as [string, Make][]) {
    const inGraph = make().host === undefined
    test.skipIf(!inGraph)(
      `${name}`,
      async () => {
        for (const options of variants(make)) await compared(() => make(options))
      },
      60_000,
    )
  }

  const options: Readonly<Record<string, object>> = {
    accumulate: { steps: 3 },
    lookahead: { syncPeriod: 3 },
    swa: { start: 2, frequency: 3 },
  }
  for (const [name, wrap] of Object.entries(wrappers) as unknown as [
    string,
    (inner: Optimizer, o: object) => Optimizer,
  ][])
    test(`${name} around adam`, async () => {
      await compared(() => wrap(recipes.adam({ learningRate: 0.01 }), options[name] ?? {}))
    }, 60_000)

  test('in place altogether, where nothing but elements and norms of whole tensors is in it', async () => {
    for (const make of [
      () => recipes.adam(),
      () => recipes.adam({ amsgrad: true, globalClipnorm: 0.5, weightDecay: 0.01 }),
      () => recipes.sgd({ momentum: 0.9, nesterov: true, clipnorm: 0.1 }),
      () => recipes.rmsprop({ centered: true, momentum: 0.9, clipvalue: 0.2, useEma: true }),
    ])
      for (const [fused, all] of await compared(make)) {
        // All but what a constraint by unit needs the new weights for: the last kernel's own update.
        expect(fused).toBeGreaterThan(0.7 * all)
        expect(all - fused).toBeLessThanOrEqual(5)
      }
  })
})
