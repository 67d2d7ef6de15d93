import { cardinality, type Distribution, toExternal } from './distribution.js'
import { type FrozenTrial, isFinished } from './frozen-trial.js'

/**
 * Which combinations of parameters have been taken, as a tree in the order in which objectives ask: each node is a
 * question, each branch one of its answers. Only questions with finitely many answers are followed; a real number is
 * never asked twice alike anyway.
 */
export interface Explored {
  /** Takes a trial's combination; the same trial may come again with more parameters. */
  add(trial: Pick<FrozenTrial, 'internalParams' | 'distributions' | 'state'>): void
  /** Where an objective stands that has asked nothing yet. */
  readonly root: Question
}

/** A node: what is asked there, and what the answers lead to. */
export interface Question {
  name: string | null
  size: number
  /** Answers given, by internal value. */
  readonly answers: Map<number, Question>
  /** Whether some trial ended here, or is running and has come this far. */
  ended: boolean
  /** Two trials asked different things here: nothing can be told. */
  unclear: boolean
}

const question = (): Question => ({ name: null, size: Infinity, answers: new Map(), ended: false, unclear: false })

export function explored(): Explored {
  const root = question()
  return {
    root,
    add: ({ internalParams, distributions, state }) => {
      let at: Question | null = root
      for (const [name, internal] of Object.entries(internalParams)) at = take(at, name, distributions[name]!, internal)
      // A running trial may have more to ask; where it stands is taken all the same.
      if (at !== null && at !== root && (isFinished(state) || state === 'RUNNING')) at.ended = true
    },
  }
}

/** Takes an answer, and says where it leads; null where nothing more can be told. */
export function take(at: Question | null, name: string, distribution: Distribution, internal: number): Question | null {
  if (at === null) return null
  const size = cardinality(distribution)
  if (at.name !== null && (at.name !== name || at.size !== size)) at.unclear = true
  at.name = name
  at.size = size
  if (!Number.isFinite(size) || at.unclear) return null
  const next = at.answers.get(internal) ?? question()
  at.answers.set(internal, next)
  next.ended = true
  return next
}

/** Whether everything below a node has been taken. */
export function isExhausted(at: Question): boolean {
  if (at.unclear) return false
  if (at.name === null) return at.ended
  if (at.answers.size < at.size) return false
  for (const next of at.answers.values()) if (!isExhausted(next)) return false
  return true
}

/** How many answers are tried by listing them all. */
const LISTED = 10_000

/**
 * The answer nearest to the one proposed (or, among choices, the next in a cycle) whose combinations are not all taken;
 * the proposed one itself where nothing is left, or too much to list.
 */
export function freeAnswer(at: Question | null, distribution: Distribution, proposed: number): number {
  const taken = (internal: number): boolean => {
    const next = at?.answers.get(internal)
    return next !== undefined && isExhausted(next)
  }
  if (at === null || at.unclear || !taken(proposed)) return proposed
  const size = cardinality(distribution)
  if (size > LISTED || size !== at.size) return proposed
  if (distribution.type === 'categorical') {
    for (let k = 1; k < size; k++) if (!taken((proposed + k) % size)) return (proposed + k) % size
    return proposed
  }
  const step = distribution.step ?? 1
  const at0 = Math.round((proposed - distribution.low) / step)
  for (let k = 1; k < size; k++)
    for (const i of [at0 + k, at0 - k]) {
      if (i < 0 || i >= size) continue
      const value = Number(toExternal(distribution, snapTo(distribution.low, step, i)))
      if (!taken(value)) return value
    }
  return proposed
}

const snapTo = (low: number, step: number, i: number): number => Number((low + i * step).toPrecision(15))
