import { z } from 'zod'
import { type CounterRandom, DataError, ShapeError, type Tensor } from '../../ir/index.js'
import type { Example } from '../example.js'
import type { ElementContext } from '../source.js'
import { betaCounters, symmetricBeta } from './beta.js'
import { type Box, boxAround } from './box.js'
import { type AugmentOptions, checkPixels, chooseInput, inputsOf, streamFor, withInputs } from './element.js'
import { classes, probability, seed } from './options.js'
import { type Classes, mapTargets, softTargets } from './targets.js'

export interface MixOptions extends AugmentOptions {
  /**
   * How many classes there are, for targets that are class numbers: [batch] becomes [batch, classes]. For several
   * targets a record by name. Without it targets must be floats (one-hot, or numbers to predict) and keep their shape.
   */
  classes?: Classes
  /** Whether each example draws a share (and rectangle) of its own, or all of a batch have one. Default 'example'. */
  per?: 'example' | 'batch' | undefined
  /** Probability that an example (or, with `per: 'batch'`, a batch) is mixed at all. Default 1. */
  p?: number | undefined
  /** Which inputs are mixed, where `x` is a record. Default all. */
  input?: string | readonly string[] | undefined
}

export const mixSchema = {
  seed,
  classes,
  per: z.enum(['example', 'batch']).default('example'),
  p: probability.default(1),
  input: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
}

/** How an example is mixed: blended with its partner, or with a rectangle of it. */
export interface Blend {
  readonly kind: 'mixup' | 'cutmix'
  /** Of the Beta distribution that the share is drawn from. */
  readonly alpha: number
}

interface Plan {
  /** The share of the example itself; the partner has the rest. */
  readonly share: number
  readonly box: Box | null
}

/** Counters of one plan: a few for decisions, then those of the Beta number. */
const decisions = 8
const planCounters = decisions + betaCounters

/**
 * Mixes each example of a batch with a partner, the examples in a random order. Inputs, targets and sample weights are
 * mixed by the same share. `choose` says how, from a uniform number.
 */
export function mixBatch<T extends Example>(
  where: string,
  batch: T,
  context: ElementContext,
  options: z.output<z.ZodObject<typeof mixSchema>>,
  choose: (u: number) => Blend,
): T {
  const { per, p } = options
  const all = inputsOf(batch, where)
  const chosen = typeof options.input === 'string' ? [options.input] : (options.input ?? Object.keys(all))
  const inputs = chosen.map(name => all[chooseInput(all, name, where)]!)
  const count = batchSize(inputs[0]!, where)
  const random = streamFor(where, options.seed, context)
  const partners = random.permutation(count)
  const plane = () => planeOf(inputs, where)
  const plans: Plan[] = []
  for (let i = 0; i < count; i++)
    plans.push(per === 'batch' && i > 0 ? plans[0]! : draw(random, i * planCounters, p, choose, plane))

  const changed = chosen.map((name, i) => [name, mixPixels(inputs[i]!, partners, plans, `${where}: ${name}`)] as const)
  const y = mapTargets(batch, options.classes, where, (t, n, at) => {
    if (t.shape[0] !== count) throw exampleCount(t, count, at)
    return mixRows(softTargets(t, n, at), partners, plans)
  })
  const { sampleWeight } = batch
  if (sampleWeight !== undefined && sampleWeight.shape[0] !== count)
    throw exampleCount(sampleWeight, count, `${where}: sampleWeight`)
  return {
    ...withInputs(batch, Object.fromEntries(changed)),
    y,
    ...(sampleWeight === undefined
      ? {}
      : { sampleWeight: mixRows(softTargets(sampleWeight, undefined, `${where}: sampleWeight`), partners, plans) }),
  }
}

function draw(
  random: CounterRandom,
  at: number,
  p: number,
  choose: (u: number) => Blend,
  plane: () => readonly [number, number],
): Plan {
  if (random.uniform(at) >= p) return { share: 1, box: null }
  const { kind, alpha } = choose(random.uniform(at + 1))
  const share = symmetricBeta(random, alpha, at + decisions)
  if (kind === 'mixup') return { share, box: null }
  const [height, width] = plane()
  const side = Math.sqrt(1 - share)
  const [h, w] = [Math.floor(height * side), Math.floor(width * side)]
  const box = boxAround(random.below(at + 2, height), random.below(at + 3, width), h, w, height, width)
  return { share: 1 - ((box.bottom - box.top) * (box.right - box.left)) / (height * width), box }
}

function batchSize(t: Tensor, where: string): number {
  if (t.shape.length >= 2) return t.shape[0]!
  throw new ShapeError({
    code: 'not-a-batch',
    where,
    expected: 'a batch: [batch, …]',
    received: `[${t.shape.join(', ')}]`,
    hint: 'call batch before this map',
  })
}

const exampleCount = (t: Tensor, count: number, where: string) =>
  new ShapeError({
    code: 'example-count',
    where,
    expected: `${count} examples, as in x`,
    received: t.shape[0] ?? 'a scalar',
    hint: 'call batch before this map',
  })

/** Height and width of the images that a rectangle is cut from: the same in all inputs. */
function planeOf(inputs: readonly Tensor[], where: string): readonly [number, number] {
  const [height, width] = inputs[0]!.shape.slice(-2) as [number, number]
  for (const { shape } of inputs)
    if (shape.length !== 4 || shape[2] !== height || shape[3] !== width)
      throw new ShapeError({
        code: 'image-rank',
        where,
        expected:
          inputs.length === 1 ? '[batch, channels, height, width]' : 'images of one height and width in all inputs',
        received: `[${shape.join(', ')}]`,
        hint: 'batch images before, and flatten them in the model; `input` names those that are images',
      })
  return [height, width]
}

function mixPixels(t: Tensor, partners: Uint32Array, plans: readonly Plan[], where: string): Tensor {
  const from = checkPixels(t, where)
  if (t.dtype === 'uint8' && plans.some(({ box, share }) => box === null && share !== 1))
    throw new DataError({
      code: 'image-dtype',
      where,
      expected: 'float32 values, which can be blended',
      received: t.dtype,
      hint: 'scale bytes to 0 … 1 with map before',
    })
  const data = from.slice()
  const width = from.length / plans.length
  for (const [i, { share, box }] of plans.entries()) {
    const [own, other] = [i * width, partners[i]! * width]
    if (box === null) blend(from, data, own, other, width, share)
    else paste(from, data, own, other, t.shape, box)
  }
  return { dtype: t.dtype, shape: t.shape, data }
}

function mixRows(t: Tensor, partners: Uint32Array, plans: readonly Plan[]): Tensor {
  const from = t.data as Float32Array // softTargets made it so
  const data = from.slice()
  const width = from.length / plans.length
  for (const [i, { share }] of plans.entries()) blend(from, data, i * width, partners[i]! * width, width, share)
  return { dtype: 'float32', shape: t.shape, data }
}

type Floats = { [i: number]: number }

function blend(from: Floats, to: Floats, own: number, other: number, width: number, share: number): void {
  if (share === 1) return
  const rest = 1 - share
  for (let k = 0; k < width; k++) to[own + k] = share * from[own + k]! + rest * from[other + k]!
}

function paste(
  from: Float32Array | Float64Array | Uint8Array,
  to: Float32Array | Float64Array | Uint8Array,
  own: number,
  other: number,
  shape: readonly number[],
  { top, bottom, left, right }: Box,
): void {
  const [, channels, height, width] = shape as [number, number, number, number]
  for (let c = 0; c < channels; c++)
    for (let y = top; y < bottom; y++) {
      const row = (c * height + y) * width
      to.set(from.subarray(other + row + left, other + row + right), own + row + left)
    }
}
