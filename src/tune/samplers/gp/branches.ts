import { type Distribution, isSingle } from '../../distribution.js'
import type { FrozenTrial } from '../../frozen-trial.js'
import type { SearchSpace } from '../sampler.js'
import { unionSpace } from '../space.js'
import type { Acquisition } from './acquisition.js'
import type { Axis } from './space.js'

/**
 * Which parameters a trial has, as trials tell: those that all have, and those that the value of another one decides on
 * (a model's own parameters by the kind of model, a layer's units by the number of layers).
 */
export interface Branches {
  /** A parent comes before those it decides on. */
  readonly space: SearchSpace
  /** Of those that not every trial has. */
  readonly parents: ReadonlyMap<string, Parent>
}

export interface Parent {
  readonly name: string
  /** Whether a trial with this internal value of the parent, if it has one, has the parameter too. */
  has(value: number): boolean
}

/** A parameter that not every trial has, and that nothing seen explains, is left out. */
export function branchesOf(trials: readonly FrozenTrial[]): Branches {
  const complete = trials.filter(t => t.state === 'COMPLETE')
  const union: Union = Object.entries(unionSpace(complete)).filter(([, d]) => !isSingle(d))
  const everywhere = union.filter(([name]) => complete.every(t => name in t.internalParams))
  const parents = new Map<string, Parent>()
  const known = everywhere.map(([name]) => name)
  let rest = union.map(([name]) => name).filter(name => !known.includes(name))
  for (let before = -1; rest.length > 0 && known.length !== before; ) {
    before = known.length
    // Few different values seen often say more than many seen once.
    const deciding = known
      .filter(name => isDiscrete(name, union))
      .map(name => [name, valuesOf(complete, name)] as const)
    deciding.sort(([, a], [, b]) => a.size - b.size)
    rest = rest.filter(name => {
      for (const [parent] of deciding) {
        const found = explain(complete, name, parent, union)
        if (found === null) continue
        parents.set(name, found)
        known.push(name)
        return false
      }
      return true
    })
  }
  const distributions = new Map(union)
  return { space: Object.fromEntries(known.map(name => [name, distributions.get(name)!])), parents }
}

/** What is left where only some parameters are asked for: a parameter goes with its parent. */
export function within({ space, parents }: Branches, wanted: SearchSpace): Branches {
  const left: Record<string, Distribution> = {}
  for (const [name, distribution] of Object.entries(space)) {
    const parent = parents.get(name)
    if (name in wanted && (parent === undefined || parent.name in left)) left[name] = distribution
  }
  return { space: left, parents: new Map([...parents].filter(([name]) => name in left)) }
}

type Union = readonly (readonly [string, Distribution])[]

const isDiscrete = (name: string, union: Union): boolean => {
  const d = union.find(([n]) => n === name)![1]
  return d.type === 'categorical' || d.step !== null
}

const valuesOf = (trials: readonly FrozenTrial[], name: string): Set<number> =>
  new Set(trials.flatMap(t => t.internalParams[name] ?? []))

/** A parent of which each value says whether trials have the parameter; null where it does not. */
function explain(trials: readonly FrozenTrial[], name: string, parent: string, union: Union): Parent | null {
  const seen = new Map<number, boolean>()
  for (const { internalParams } of trials) {
    const value = internalParams[parent]
    const has = name in internalParams
    if (value === undefined) {
      if (has) return null
      continue
    }
    if ((seen.get(value) ?? has) !== has) return null
    seen.set(value, has)
  }
  const categorical = union.find(([n]) => n === parent)![1].type === 'categorical'
  const values = [...seen.keys()]
  return {
    name: parent,
    has: value => {
      const known = seen.get(value)
      if (known !== undefined || categorical) return known ?? false
      return seen.get(values.reduce((a, b) => (Math.abs(b - value) < Math.abs(a - value) ? b : a)))!
    },
  }
}

/** Where a parameter that is not there lies: in the middle, or as a choice of its own. */
export const absent = (axis: Axis): number => (axis.categorical ? axis.count : 0.5)

/** Says for each axis whether a point has it. */
export function presence(names: readonly string[], axes: readonly Axis[], parents: Branches['parents']) {
  const parentOf = names.map(name => {
    const parent = parents.get(name)
    return parent === undefined ? null : { at: names.indexOf(parent.name), has: parent.has }
  })
  return (points: Float64Array, offset: number): boolean[] => {
    const there: boolean[] = []
    for (const [d, parent] of parentOf.entries())
      there[d] =
        parent === null || (there[parent.at]! && parent.has(axes[parent.at]!.toInternal(points[offset + parent.at]!)))
    return there
  }
}

/** An acquisition of all points, also of those with values for what they do not have: they count for nothing. */
export function branched(target: Acquisition, axes: readonly Axis[], has: ReturnType<typeof presence>): Acquisition {
  const cleaned = (points: Float64Array, count: number): Float64Array => {
    const out = points.slice(0, count * axes.length)
    for (let offset = 0; offset < out.length; offset += axes.length)
      for (const [d, there] of has(out, offset).entries()) {
        const axis = axes[d]!
        const place = out[offset + d]!
        out[offset + d] = !there ? absent(axis) : axis.categorical ? axis.indexOf(place) : place
      }
    return out
  }
  return {
    axes: target.axes,
    values: (points, count) => target.values(cleaned(points, count), count),
    gradient: (point, out) => {
      const value = target.gradient(cleaned(point, 1), out)
      for (const [d, there] of has(point, 0).entries()) if (!there) out[d] = 0
      return value
    },
  }
}
