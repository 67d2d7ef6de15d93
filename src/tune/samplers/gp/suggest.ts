import type { CounterRandom } from '../../../ir/index.js'
import { nonDominatedRanks } from '../../pareto.js'
import { acquisition, feasibilityTerm, hypervolumeTerm, improvementTerm, type Term } from './acquisition.js'
import { type Boxes, nonDominatedBoxes } from './boxes.js'
import { absent, branched, presence } from './branches.js'
import { drawnPasts, observedPast, pendingMeans, withPendingDraws } from './draws.js'
import { evenNormals } from './even.js'
import { fitProcess, type Kernel, type Points, type Process, pointsFrom, withPending } from './process.js'
import { search } from './search.js'
import { type Axis, axesOf } from './space.js'
import { standardize, type Trials } from './targets.js'

export interface SuggestOptions {
  readonly deterministic: boolean
  readonly noisy: boolean
  random(purpose: string): CounterRandom
}

/** Pasts drawn for trials that run or are noisy. */
const DRAWS = 64
/** Draws of what a place may give, for several objectives. */
const HYPERVOLUME_DRAWS = 128

/** A constraint's model: kept where it is at least `least`. */
interface Feasibility {
  readonly process: Process
  readonly least: number
}

/**
 * The next place to try, in internal values; NaN for what it does not have.
 * @param starts kernels by name ("0", "1", … for objectives, "c:name" for constraints) from which fits begin
 */
export function suggest(
  trials: Trials,
  starts: ReadonlyMap<string, Kernel>,
  { deterministic, noisy, random }: SuggestOptions,
): { readonly place: number[]; readonly kernels: ReadonlyMap<string, Kernel> } {
  const axes = axesOf(trials.space)
  const categorical = Uint8Array.from(axes, axis => (axis.categorical ? 1 : 0))
  const rows = unitRows(trials.places, axes)
  const points = pointsFrom(rows, categorical)
  const pending = Float64Array.from(unitRows(trials.pending, axes).flatMap(row => [...row]))
  const kernels = new Map<string, Kernel>()
  const fitted = (name: string, at: Points, values: Float64Array): Process => {
    const process = fitProcess(at, values, { start: starts.get(name) ?? null, deterministic })
    kernels.set(name, process.kernel)
    return process
  }
  const objectives = trials.scores[0]!.length
  const values = Array.from({ length: objectives }, (_, m) => standardize(trials.scores.map(s => s[m]!)).values)
  const processes = values.map((y, m) => fitted(`${m}`, points, y))
  const constraints = constraintNames(trials).map((name): Feasibility => {
    const having = trials.constraints.flatMap((c, i) => (c.has(name) ? [i] : []))
    // Kept where it is large, as everything else here.
    const { values: y, mean, deviation } = standardize(having.map(i => -trials.constraints[i]!.get(name)!))
    const at = pointsFrom(
      having.map(i => rows[i]!),
      categorical,
    )
    return { process: withPending(fitted(`c:${name}`, at, y), pending), least: -mean / deviation }
  })
  const means = constraints.map(c => pendingMeans(c.process))
  const counts = (j: number): boolean => constraints.every((c, i) => means[i]![j]! >= c.least)
  const feasible = trials.feasible.flatMap((ok, i) => (ok ? [i] : []))
  const terms: Term[] = constraints.map(c => feasibilityTerm(c.process, c.least))
  let given: Float64Array[] = []
  if (feasible.length > 0 && objectives === 1) {
    const y = values[0]!
    const leader = feasible.reduce((a, b) => (y[b]! > y[a]! ? b : a))
    const seen = observedPast(processes[0]!, y[leader]!)
    const past = (noisy ? drawnPasts(processes[0]!, y, feasible, DRAWS, random('noise')) : null) ?? seen
    const all = pending.length === 0 ? past : withPendingDraws(past, pending, DRAWS, counts, random('pending'))
    terms.push(improvementTerm(all.process, all.rows, all.best))
    given = [rows[leader]!]
  } else if (feasible.length > 0) {
    const lost = feasible.map(i => values.map(y => -y[i]!))
    terms.push(hypervolumeOf(processes, lost, pending, counts, random))
    const ranks = nonDominatedRanks(lost)
    const front = feasible.filter((_, k) => ranks[k] === 0)
    const order = random('front').permutation(front.length)
    given = [...order.subarray(0, Math.min(5, front.length))].map(k => rows[front[k]!]!)
  }
  const has = presence(Object.keys(trials.space), axes, trials.parents)
  const target = trials.parents.size === 0 ? acquisition(terms) : branched(acquisition(terms), axes, has)
  const place = search(target, axes, lengthsOf(processes), given, points.count, random('search'))
  const there = has(place, 0)
  return { place: axes.map((axis, d) => (there[d] ? axis.toInternal(place[d]!) : Number.NaN)), kernels }
}

const unitRows = (places: readonly (readonly number[])[], axes: readonly Axis[]): Float64Array[] =>
  places.map(place =>
    Float64Array.from(axes, (axis, d) => (Number.isNaN(place[d]!) ? absent(axis) : axis.toUnit(place[d]!))),
  )

const constraintNames = (trials: Trials): string[] =>
  [...new Set(trials.constraints.flatMap(c => [...c.keys()]))].sort()

function hypervolumeOf(
  processes: readonly Process[],
  lost: readonly (readonly number[])[],
  pending: Float64Array,
  counts: (j: number) => boolean,
  random: SuggestOptions['random'],
): Term {
  const objectives = processes.length
  const reference = lost[0]!.map((_, m) => {
    const worst = Math.max(...lost.map(p => p[m]!))
    return Math.max(1.1 * worst, 0.9 * worst) + 1e-12
  })
  const normals = evenNormals(HYPERVOLUME_DRAWS, objectives, random('hypervolume'))
  if (pending.length === 0)
    return hypervolumeTerm(
      processes,
      processes.map(p => p.u),
      [nonDominatedBoxes(lost, reference)],
      normals,
    )
  const pasts = processes.map((process, m) =>
    withPendingDraws(observedPast(process, 0), pending, HYPERVOLUME_DRAWS, counts, random(`pending ${m}`)),
  )
  const added = pasts[0]!.pending.length / HYPERVOLUME_DRAWS
  const boxes = Array.from({ length: HYPERVOLUME_DRAWS }, (_, s): Boxes => {
    const drawn = Array.from({ length: added }, (_, j) => j)
      .filter(counts)
      .map(j => pasts.map(past => -past.pending[s * added + j]!))
    return nonDominatedBoxes([...lost, ...drawn], reference)
  })
  return hypervolumeTerm(
    pasts.map(past => past.process),
    pasts.map(past => past.rows),
    boxes,
    normals,
  )
}

/** The length of each axis; for several objectives their mean. */
const lengthsOf = (processes: readonly Process[]): Float64Array =>
  processes[0]!.kernel.inverseSquares.map(
    (_, d) => processes.reduce((sum, p) => sum + 1 / Math.sqrt(p.kernel.inverseSquares[d]!), 0) / processes.length,
  )
