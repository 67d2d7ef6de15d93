import { counterRandom, Graph, type Tensor, type Value } from '../../ir/index.js'
import { meanLoss, resolveLoss } from '../../nn/losses.js'
import { type Network, trace } from '../../nn/network.js'
import * as ops from '../../ops/index.js'
import { compile } from '../../runtime/index.js'
import type { Examples } from './digits.js'
import { leadingDirections } from './principal.js'
import type { Landscape } from './record.js'
import type { Trail } from './run.js'

type Weights = Readonly<Record<string, Tensor>>

/** A plane in the space of weights: `origin + a · first + b · second`. */
interface Plane {
  readonly origin: Weights
  readonly first: Weights
  readonly second: Weights
}

const zip = (a: Weights, f: (path: string, data: Float32Array) => Float32Array): Weights =>
  Object.fromEntries(
    Object.entries(a).map(([path, t]) => [path, { ...t, data: f(path, t.data as Float32Array) }]), // weights are float32
  )
const minus = (a: Weights, b: Weights): Weights =>
  zip(a, (path, data) => data.map((v, i) => v - Number(b[path]!.data[i])))
const dot = (a: Weights, b: Weights): number => {
  let sum = 0
  for (const [path, t] of Object.entries(a)) {
    const other = b[path]!.data as Float32Array
    const own = t.data as Float32Array
    for (let i = 0; i < own.length; i++) sum += own[i]! * other[i]!
  }
  return sum
}

/**
 * A random direction with filter normalization: the weights into each unit are scaled to the length of that unit's own
 * weights; biases stay where they are, as in the authors' code. Without it a network whose weights are merely larger
 * would look flatter. Source: Li, Xu, Taylor, Studer, Goldstein, "Visualizing the loss landscape of neural nets", 2018.
 */
export function randomDirection(weights: Weights, seed: number, which: string): Weights {
  return zip(weights, (path, data) => {
    const { shape } = weights[path]!
    const direction = new Float32Array(data.length)
    if (shape.length < 2) return direction
    const random = counterRandom(seed, 'landscape', which, path)
    // Dense kernels are [inputs, units]: a unit's weights stand in a column.
    const units = shape.at(-1)!
    for (let i = 0; i < data.length; i++) direction[i] = random.normal(i)
    for (let unit = 0; unit < units; unit++) {
      let [own, drawn] = [0, 0]
      for (let i = unit; i < data.length; i += units) {
        own += data[i]! ** 2
        drawn += direction[i]! ** 2
      }
      const scale = Math.sqrt(own / (drawn || 1))
      for (let i = unit; i < data.length; i += units) direction[i]! *= scale
    }
    return direction
  })
}

/** Coordinates of a point in a plane, as near as it gets (least squares), and how much of its distance lies there. */
function project(plane: Plane, weights: Weights): { at: readonly [number, number]; inside: number; all: number } {
  const away = minus(weights, plane.origin)
  const [aa, ab, bb] = [dot(plane.first, plane.first), dot(plane.first, plane.second), dot(plane.second, plane.second)]
  const [u, v] = [dot(away, plane.first), dot(away, plane.second)]
  const det = aa * bb - ab * ab || 1
  const [a, b] = [(u * bb - v * ab) / det, (v * aa - u * ab) / det]
  return { at: [a, b], inside: a * u + b * v, all: dot(away, away) }
}

/** The training loss of a network over a grid in a plane, computed in one graph fed with two numbers. */
export async function lossOver(
  net: Network,
  plane: Plane,
  { x, y }: Examples,
  as: readonly number[],
  bs: readonly number[],
) {
  const graph = new Graph()
  const a = graph.input('a', 'float32', [])
  const b = graph.input('b', 'float32', [])
  const fixed: Record<string, Tensor> = {}
  const moved = new Map(
    net.weights.map(({ path, shape }) => {
      const [o, p, q] = (['origin', 'first', 'second'] as const).map(part => {
        fixed[`${part}/${path}`] = plane[part][path]!
        return graph.input(`${part}/${path}`, 'float32', shape)
      }) as [Value, Value, Value]
      return [path, ops.add(ops.add(o, ops.mul(p, a)), ops.mul(q, b))]
    }),
  )
  const inputs = [graph.input('x', 'float32', x.shape)]
  const outputs = trace(net, { training: false, inputs, weights: path => moved.get(path)! }).outputs
  const target = graph.input('y', 'float32', y.shape)
  const loss = meanLoss(resolveLoss('categoricalCrossentropy'), target, outputs[0]!, null)
  const program = await compile(graph, { outputs: { loss } })
  const one = (value: number): Tensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(value) })
  const rows: number[][] = []
  for (const second of bs) {
    const row: number[] = []
    for (const first of as) {
      const out = await program.run({ ...fixed, x, y, a: one(first), b: one(second) })
      row.push(Number(out.loss!.data[0]))
    }
    rows.push(row)
  }
  return rows
}

const axisOf = (low: number, high: number, points: number): number[] =>
  Array.from({ length: points }, (_, i) => low + ((high - low) * i) / (points - 1))

/** The loss around the end of one training along two random directions, with the way there as far as it lies in view. */
export async function aroundEnd(
  net: Network,
  name: string,
  trail: Trail,
  examples: Examples,
  points: number,
): Promise<Landscape> {
  const origin = trail.at(-1)!
  const plane: Plane = {
    origin,
    first: randomDirection(origin, 1, 'first'),
    second: randomDirection(origin, 1, 'second'),
  }
  const axis = axisOf(-1, 1, points)
  const seen = trail.map(weights => project(plane, weights))
  return {
    kind: 'random directions',
    of: name,
    share: shareOf(seen),
    x: axis,
    y: axis,
    values: await lossOver(net, plane, examples, axis, axis),
    paths: [{ name, points: seen.map(({ at }) => at), loss: await lossAt(net, origin, examples) }],
  }
}

/** The plane that holds most of all the ways from their common start, and the loss over the part they cross. */
export async function alongPaths(
  net: Network,
  trails: ReadonlyMap<string, Trail>,
  examples: Examples,
  points: number,
): Promise<Landscape> {
  const all = [...trails.values()]
  const origin = all[0]![0]!
  const ways = all.flatMap(trail => trail.slice(1).map(weights => minus(weights, origin)))
  const [first, second] = leadingDirections(ways, dot).map(parts => combine(ways, parts)) as [Weights, Weights]
  const plane: Plane = { origin, first, second }
  const seen = [...trails].map(([name, trail]) => ({
    name,
    trail,
    places: trail.map(weights => project(plane, weights)),
  }))
  const places = seen.flatMap(({ places }) => places.map(({ at }) => at))
  const axis = (i: 0 | 1) => {
    const [low, high] = [Math.min(...places.map(at => at[i])), Math.max(...places.map(at => at[i]))]
    const pad = 0.15 * (high - low || 1)
    return axisOf(low - pad, high + pad, points)
  }
  const [x, y] = [axis(0), axis(1)]
  const paths: Landscape['paths'][number][] = []
  for (const { name, trail, places } of seen)
    paths.push({ name, points: places.map(({ at }) => at), loss: await lossAt(net, trail.at(-1)!, examples) })
  return {
    kind: 'principal directions',
    of: [...trails.keys()].join(', '),
    share: shareOf(seen.flatMap(({ places }) => places)),
    x,
    y,
    values: await lossOver(net, plane, examples, x, y),
    paths,
  }
}

const combine = (ways: readonly Weights[], parts: readonly number[]): Weights =>
  zip(ways[0]!, (path, data) => {
    const sum = new Float32Array(data.length)
    ways.forEach((way, k) => {
      const own = way[path]!.data as Float32Array
      const part = parts[k]!
      for (let i = 0; i < sum.length; i++) sum[i]! += part * own[i]!
    })
    return sum
  })

const shareOf = (seen: readonly { inside: number; all: number }[]): number => {
  const [inside, all] = seen.reduce(([a, b], place) => [a + place.inside, b + place.all], [0, 0])
  return all === 0 ? 0 : inside / all
}

async function lossAt(net: Network, weights: Weights, examples: Examples): Promise<number> {
  const nowhere = zip(weights, (_, data) => new Float32Array(data.length))
  return (await lossOver(net, { origin: weights, first: nowhere, second: nowhere }, examples, [0], [0]))[0]![0]!
}
