import { gradients } from '../autodiff/index.js'
import {
  type Attrs,
  counterRandom,
  type DType,
  graph,
  isFloat,
  numbersOf,
  RuntimeError,
  sizeOf,
  type Tensor,
  tensor,
  type Value,
} from '../ir/index.js'
import { applyOp, type OpRecord } from '../ops/define.js'
import * as ops from '../ops/index.js'
import type { InputSample, Sample } from '../ops/sample.js'
import { compile } from '../runtime/index.js'

/** What the checker found for one sample of one operator. */
export interface GradientCheck {
  readonly operator: string
  readonly sample: number
  readonly precision: 'float64' | 'float32'
  /** Relative difference between the gradient and the central difference, first and second order. */
  readonly first: number | null
  readonly second: number | null
  readonly tolerance: number
  readonly passed: boolean
}

/** Draws the tensor an input sample describes; the same `seed` draws the same. */
export function draw(sample: InputSample, dtype: 'float32' | 'float64', seed: number): Tensor {
  if (sample.kind === 'values') {
    const type: DType = sample.dtype === 'float' ? dtype : sample.dtype
    return tensor([...sample.data], sample.shape, type)
  }
  const count = sizeOf(sample.shape)
  const random = counterRandom(seed)
  const data: number[] = []
  if (sample.kind === 'distinct') {
    const order = random.permutation(count)
    for (let i = 0; i < count; i++)
      data.push((order[i]! - count / 2) * sample.gap + 0.1 * sample.gap * random.uniform(i))
  } else {
    for (let i = 0; i < count; i++) {
      let x =
        sample.kind === 'normal'
          ? sample.scale * random.normal(i)
          : sample.low + (sample.high - sample.low) * random.uniform(i)
      // A central difference across a kink means nothing.
      for (const kink of sample.kinks) if (Math.abs(x - kink) < 0.1) x = kink + (x < kink ? -0.1 : 0.1)
      data.push(x)
    }
  }
  return tensor(data, sample.shape, dtype)
}

/**
 * Tries one sample: the gradient along a random direction against the central difference of the operator itself,
 * then the same for the gradient (second order). All float outputs through which gradients flow take part, with random weights.
 */
export async function checkSample(record: OpRecord, index: number, seed = 1): Promise<GradientCheck> {
  if (record.samples[index]?.singlePrecision !== undefined) return await check(record, index, seed, 'float32')
  try {
    return await check(record, index, seed, 'float64')
  } catch (error) {
    // Many operators have no double kernel; only that is a reason to check in single precision.
    if (!(error instanceof RuntimeError) || !/NOT_IMPLEMENTED|implementation|not supported|type/i.test(error.message))
      throw error
    return await check(record, index, seed, 'float32')
  }
}

async function check(
  record: OpRecord,
  index: number,
  seed: number,
  precision: 'float32' | 'float64',
): Promise<GradientCheck> {
  const sample = record.samples[index]!
  const drawn = inputsOf(record, sample, precision, seed)
  const tolerance = sample.tolerance?.value ?? (precision === 'float64' ? 1e-6 : 2e-2)
  const step = precision === 'float64' ? 1e-5 : 1e-2
  const base = { operator: record.op, sample: index, precision, tolerance }

  const g = graph()
  const fixed = (i: number) =>
    sample.constants?.includes(record.inputs[Math.min(i, record.inputs.length - 1)]!.name) ?? false
  const inputs = drawn.map((t, i) =>
    t === null ? null : isFloat(t.dtype) && !fixed(i) ? g.input(`x${i}`, t.dtype, t.shape) : g.constant(t),
  )
  const node = applyOp(record, g, inputs, sample.attrs as Attrs | undefined)
  const feeds = Object.fromEntries(
    drawn.flatMap((t, i) => (t !== null && isFloat(t.dtype) && !fixed(i) ? [[`x${i}`, t]] : [])),
  )
  const outputs = Object.fromEntries(node.outputs.map((value, i) => [`y${i}`, value]))
  if (sample.forwardOnly !== undefined) {
    await (await compile(g, { outputs })).run(feeds)
    return { ...base, first: null, second: null, passed: true }
  }

  const random = counterRandom(seed, 99)
  let drawnNumbers = 0
  const weights = (shape: readonly number[]): number[] =>
    Array.from({ length: sizeOf(shape) }, () => random.normal(drawnNumbers++))
  const shapes = await shapesOf(node.outputs, feeds)
  const project = (values: readonly Value[], dims: readonly (readonly number[])[]): Value =>
    values
      .map((value, i) =>
        ops.reduceSum(ops.mul(ops.cast(value, { to: precision }), tensor(weights(dims[i]!), dims[i], precision)), {
          keepdims: 0,
        }),
      )
      .reduce((a, b) => ops.add(a, b))
  const floats = node.outputs.flatMap((value, i) => {
    const output = record.outputs[Math.min(i, record.outputs.length - 1)]!
    const taken = output.flows && (sample.outputs?.includes(output.name) ?? true)
    return taken && isFloat(value.dtype) && shapes[i] !== undefined ? [i] : []
  })
  const f = project(
    floats.map(i => node.outputs[i]!),
    floats.map(i => shapes[i]!),
  )
  const wrt = inputs.filter(
    (value): value is Value =>
      value !== null && value.node === null && value.constant === null && differentiable(record, inputs, value),
  )
  if (wrt.length === 0) {
    // Steps: zero by definition, so there is nothing to compare; that the operator runs is still worth knowing.
    await (await compile(g, { outputs })).run(feeds)
    return { ...base, first: null, second: null, passed: true }
  }
  const first = gradients(f, wrt, { unconnected: 'zeros' })
  const direction = wrt.map(value => weights(value.shape as readonly number[]))
  const along = wrt.map((value, i) => tensor(direction[i]!, value.shape as readonly number[], precision))
  const dot = (values: readonly Value[]): Value =>
    values.map((value, i) => ops.reduceSum(ops.mul(value, along[i]!), { keepdims: 0 })).reduce((a, b) => ops.add(a, b))
  const slope = dot(first)
  // For second order the gradient is projected on another direction, or a quadratic form would be all that is seen.
  const probe = project(
    first,
    wrt.map(value => value.shape as readonly number[]),
  )
  const outs: Record<string, Value> = { f, slope, probe }
  if (sample.firstOrderOnly === undefined) outs.curve = dot(gradients(probe, wrt, { unconnected: 'zeros' }))
  const program = await compile(g, { outputs: outs })
  const at = async (shift: number): Promise<Record<string, number>> => {
    const moved = { ...feeds }
    wrt.forEach((value, i) => {
      const origin = numbersOf(feeds[value.name]!)
      moved[value.name] = tensor(
        origin.map((x, k) => x + shift * direction[i]![k]!),
        value.shape as readonly number[],
        precision,
      )
    })
    const result = await program.run(moved)
    return Object.fromEntries(Object.entries(result).map(([name, t]) => [name, Number(t.data[0])]))
  }
  const [here, ahead, behind] = [await at(0), await at(step), await at(-step)]
  const relative = (exact: number, low: number, high: number, scale: number) => {
    const numeric = (high - low) / (2 * step)
    return Math.abs(exact - numeric) / Math.max(Math.abs(exact), Math.abs(numeric), scale)
  }
  // Where both are near zero a relative error is noise: the size of the function itself sets the scale.
  const one = relative(here.slope!, behind.f!, ahead.f!, 0.1 + 0.01 * Math.abs(here.f!))
  const two =
    here.curve === undefined
      ? null
      : relative(here.curve, behind.probe!, ahead.probe!, 0.1 + 0.01 * Math.abs(here.probe!))
  return { ...base, first: one, second: two, passed: one <= tolerance && (two === null || two <= tolerance) }
}

function inputsOf(record: OpRecord, sample: Sample, precision: 'float32' | 'float64', seed: number): (Tensor | null)[] {
  let count = 0
  const one = (input: InputSample) => draw(input, precision, seed * 1000 + count++)
  const list = record.inputs.flatMap(spec => {
    const given = sample.inputs[spec.name]
    if (given === undefined) return [null]
    return Array.isArray(given) ? given.map(one) : [one(given as InputSample)]
  })
  while (list.length > 0 && list.at(-1) === null) list.pop()
  return list
}

/** Whether the record states a rule (or a body) for the input; `null` says zero by definition, where a difference may jump. */
function differentiable(record: OpRecord, inputs: readonly (Value | null)[], value: Value): boolean {
  if (record.vjp === 'body') return true
  const position = Math.min(inputs.indexOf(value), record.inputs.length - 1)
  return record.vjp[record.inputs[position]!.name] !== null
}

/** Static shapes of the outputs, from inference, or from a run where inference leaves them open. */
async function shapesOf(
  values: readonly Value[],
  feeds: Record<string, Tensor>,
): Promise<(readonly number[] | undefined)[]> {
  if (values.every(value => value.shape.every(dim => typeof dim === 'number')))
    return values.map(value => value.shape as readonly number[])
  const result = await (
    await compile(values[0]!.graph, { outputs: Object.fromEntries(values.map((v, i) => [`y${i}`, v])) })
  ).run(feeds)
  return values.map((_, i) => result[`y${i}`]!.shape)
}
