import { type Dim, GraphError, liveNodes, type Value } from '../ir/index.js'
import type { Rule } from '../ops/define.js'
import * as ops from '../ops/index.js'
import { type Arrival, applyRule, sweep } from './gradients.js'
import { inputName, parameterNorms, unfit } from './parameter-norms.js'

/**
 * Gradients of single examples: their norms, and their sum after each was clipped, without the gradients themselves.
 * One backward sweep, as for the batch; a dense layer costs two extra reductions.
 * Sources: Goodfellow 2015 (arXiv 1510.01799), Lee & Kifer 2021 (arXiv 2009.03106), Li et al. 2022 (arXiv 2110.05679).
 */

/** Which parameters share a norm: all of them, each for itself, or lists of them. */
export type NormGroups = 'all' | 'parameter' | readonly (readonly Value[])[]

export interface ClippedSumOptions {
  /** Which parameters are clipped together. Default: all. */
  groups?: NormGroups
  /** The norm to which longer gradients are shortened: a number, or a scalar value that is fed. */
  maxNorm: number | Value
}

/** Clipped sums in the order of the parameters, and the norms before clipping in the order of the groups. */
export interface ClippedSums {
  readonly sums: readonly Value[]
  readonly norms: readonly Value[]
}

/**
 * The Euclidean norm of each example's gradient, [batch]: over all parameters, or one for each group.
 *
 * @param losses one loss per example, [batch]; axis 0 of every activation must be the example, and examples must not
 *   influence each other
 * @param wrt parameters of dense, convolution, embedding and normalization layers, biases and scales
 * @throws GraphError `per-example` where a parameter is used in a way that has no such rule, `per-example-mixed` for
 *   batch normalization in training mode, `unconnected-gradient` if a parameter has no influence on the losses
 */
export function perExampleGradientNorms(losses: Value, wrt: readonly Value[]): Value
export function perExampleGradientNorms(losses: Value, wrt: readonly Value[], options: { groups: NormGroups }): Value[]
export function perExampleGradientNorms(
  losses: Value,
  wrt: readonly Value[],
  options?: { groups: NormGroups },
): Value | Value[] {
  const uses = collectUses(losses, wrt)
  const { norms } = losses.graph.scope('per_example', () => groupNorms(uses, wrt, options?.groups ?? 'all'))
  return options === undefined ? norms[0]! : norms
}

/**
 * For every parameter the sum over the examples of its gradient times min(1, maxNorm / norm of that example's gradient):
 * what differentially private training adds noise to. Shapes and errors as `perExampleGradientNorms`.
 */
export function clippedGradientSums(losses: Value, wrt: readonly Value[], options: ClippedSumOptions): ClippedSums {
  const { maxNorm, groups = 'all' } = options
  if (typeof maxNorm === 'number' && !(maxNorm > 0))
    throw new GraphError({ code: 'max-norm', where: 'maxNorm', expected: 'a number above 0', received: maxNorm })
  const uses = collectUses(losses, wrt)
  return losses.graph.scope('per_example', () => {
    const { norms, groupOf } = groupNorms(uses, wrt, groups)
    const scales = norms.map(norm => ops.div(maxNorm, ops.max([norm, maxNorm])))
    const scaled = norms.map(() => new Map<Value, Value>())
    const sums = wrt.map(parameter => {
      const group = groupOf(parameter)
      return uses
        .get(parameter)!
        .map(use => clippedSum(use, g => scaleRows(g, scales[group]!, scaled[group]!)))
        .reduce((a, b) => ops.add(a, b))
    })
    return { sums, norms }
  })
}

type Uses = ReadonlyMap<Value, readonly Arrival[]>

/** One backward sweep that notes every use of a parameter instead of computing its gradient. */
function collectUses(losses: Value, wrt: readonly Value[]): Uses {
  if (losses.shape.length !== 1)
    throw new GraphError({
      code: 'per-example-losses',
      where: losses.name,
      expected: 'one loss for each example, [batch]',
      received: `[${losses.shape}]`,
      hint: 'leave out the mean or sum over the batch',
    })
  const mixing = liveNodes([losses]).find(node => node.op === 'BatchNormalization' && node.attrs.training_mode === 1)
  if (mixing !== undefined)
    throw new GraphError({
      code: 'per-example-mixed',
      where: mixing.name,
      expected: 'examples that do not influence each other',
      received: 'BatchNormalization in training mode, which normalizes each example by the whole batch',
      hint: 'use layer or group normalization, or batch normalization with its stored statistics',
    })
  const uses = new Map<Value, Arrival[]>(wrt.map(parameter => [parameter, []]))
  const { graph } = losses
  sweep([losses], [graph.scope('per_example', () => ops.add(ops.mul(losses, 0), 1))], wrt, [], {
    values: new Set(wrt),
    onArrival: arrival => uses.get(arrival.root)!.push(arrival),
  })
  for (const [parameter, arrivals] of uses)
    if (arrivals.length === 0)
      throw new GraphError({
        code: 'unconnected-gradient',
        where: parameter.name,
        expected: `a path from ${parameter.name} to ${losses.name}`,
        received: 'none',
      })
  checkAxis(losses, wrt, [...uses.values()].flat())
  return uses
}

/** Axis 0 of every use must be the example: of the batch's extent, and computed from data rather than parameters alone. */
function checkAxis(losses: Value, wrt: readonly Value[], arrivals: readonly Arrival[]): void {
  const batch = losses.shape[0]!
  const { graph } = losses
  const parameters = new Set(wrt)
  const fromData = new Set(
    [...graph.inputs, ...graph.constants].filter(v => !parameters.has(v) && v.shape[0] === batch),
  )
  for (const node of graph.nodes)
    if (node.inputs.some(input => input !== null && fromData.has(input)))
      for (const output of node.outputs) fromData.add(output)
  for (const { node, root, outputGradient } of arrivals)
    if (
      !sameExtent(outputGradient.shape[0], batch) ||
      !node.inputs.some(input => input !== null && fromData.has(input))
    )
      throw unfit(root, node, `a use whose axis 0 is the example (${batch})`, `[${outputGradient.shape}]`)
}
const sameExtent = (dim: Dim | undefined, batch: Dim): boolean =>
  dim === batch || (dim !== undefined && dim !== 1 && typeof dim !== typeof batch)

function groupNorms(
  uses: Uses,
  wrt: readonly Value[],
  groups: NormGroups,
): { norms: Value[]; groupOf: (p: Value) => number } {
  const lists = groups === 'all' ? [wrt] : groups === 'parameter' ? wrt.map(parameter => [parameter]) : groups
  const groupOf = (parameter: Value): number => lists.findIndex(list => list.includes(parameter))
  const stray = wrt.find(parameter => lists.filter(list => list.includes(parameter)).length !== 1)
  const foreign = lists.flat().find(parameter => !wrt.includes(parameter))
  if (stray !== undefined || foreign !== undefined)
    throw new GraphError({
      code: 'norm-groups',
      where: (stray ?? foreign)!.name,
      expected: 'every parameter in exactly one group',
      received: lists.map(list => list.map(parameter => parameter.name)),
    })
  const norms = lists.map(list =>
    ops.sqrt(list.map(parameter => parameterNorms(parameter, uses.get(parameter)!)).reduce((a, b) => ops.add(a, b))),
  )
  return { norms, groupOf }
}

/** The rows of a gradient (axis 0) times their examples' factors; once for each gradient. */
function scaleRows(g: Value, scale: Value, done: Map<Value, Value>): Value {
  const known = done.get(g)
  if (known !== undefined) return known
  const column = g.shape.length === 1 ? scale : ops.reshape(scale, [-1, ...g.shape.slice(1).map(() => 1)])
  const scaled = ops.mul(g, column)
  done.set(g, scaled)
  return scaled
}

/** The ordinary rule, from the scaled gradient; then back through the views to the parameter. */
function clippedSum(arrival: Arrival, scale: (g: Value) => Value): Value {
  const { record, context, outputGradient, root, value } = arrival
  // True because a body has no uses of its own: they are reported from inside it.
  const rule = (record.vjp as Readonly<Record<string, Rule | null>>)[inputName(arrival)]!
  const grads = context.grads.map(gradient => (gradient === null ? null : scale(gradient)))
  const sum = applyRule(record, rule, scale(outputGradient), { ...context, grads }, value)
  return value === root ? sum : sweep([value], [sum], [root], []).get(root)!
}
