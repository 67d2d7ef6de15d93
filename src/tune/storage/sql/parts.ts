import { FormatError } from '../../../ir/index.js'
import { type Distribution, distributionFromJson, type ParamValue, toExternal } from '../../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../../frozen-trial.js'
import { type Json, parseJson } from '../../json.js'
import type { StudyRecord } from '../storage.js'
import type { Row } from './database.js'
import { PART, type Part } from './statements.js'

const NOTHING: Readonly<Record<string, never>> = Object.freeze({})
const NO_STEPS: ReadonlyMap<number, number> = new Map()

/** Reads distributions; equal texts give the same record, so that thousands of trials share a few. */
export type ReadDistribution = (text: string) => Distribution
export function distributionReader(most = 1000): ReadDistribution {
  const known = new Map<string, Distribution>()
  return text => {
    const before = known.get(text)
    if (before !== undefined) return before
    const distribution = distributionFromJson(text)
    if (known.size >= most) known.clear()
    known.set(text, distribution)
    return distribution
  }
}

/** A number and its type as the tables hold them: what is not finite has a name and no number. */
export const stored = (x: number): { number: number | null; type: string } =>
  Number.isNaN(x)
    ? { number: null, type: 'NAN' }
    : x === Infinity
      ? { number: null, type: 'INF_POS' }
      : x === -Infinity
        ? { number: null, type: 'INF_NEG' }
        : { number: x, type: 'FINITE' }

function fromStored(number: number | null, type: string | null, where: string): number {
  switch (type) {
    case 'FINITE':
      if (number === null) throw bad(where, 'a number with FINITE', null)
      return number
    case 'INF_POS':
      return Infinity
    case 'INF_NEG':
      return -Infinity
    case 'NAN':
      return Number.NaN
    default:
      throw bad(where, 'FINITE, INF_POS, INF_NEG or NAN', type)
  }
}

/** A date as the tables hold it, in UTC; from performance's clock, with microseconds. */
export function toStamp(date: Date, micros = 0): string {
  const iso = date.toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(micros).padStart(3, '0')}`
}
export function stampNow(): string {
  const now = performance.timeOrigin + performance.now()
  const ms = Math.floor(now)
  return toStamp(new Date(ms), Math.floor((now - ms) * 1000))
}
export function fromStamp(text: string | null, where: string): Date | null {
  if (text === null) return null
  const match = /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?$/.exec(text)
  const date =
    match === null ? null : new Date(`${match[1]}T${match[2]}.${(match[3] ?? '0').slice(0, 3).padEnd(3, '0')}Z`)
  if (date === null || Number.isNaN(date.getTime())) throw bad(where, 'YYYY-MM-DD HH:MM:SS.ffffff', text)
  return date
}

const bad = (where: string, expected: string, received: unknown) =>
  new FormatError({ code: 'bad-row', where, expected, received })

const STATES: ReadonlySet<string> = new Set(['RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING'])

const byPlace = (a: Part, b: Part): number => a[2] - b[2]
function grouped(rows: readonly Row[]): Map<number, Part[][]> {
  const groups = new Map<number, Part[][]>()
  for (const row of rows as readonly Part[]) {
    let group = groups.get(row[1])
    if (group === undefined) groups.set(row[1], (group = [[], [], [], [], [], [], [], []]))
    group[row[0]]!.push(row)
  }
  for (const group of groups.values()) for (const parts of group) if (parts.length > 1) parts.sort(byPlace)
  return groups
}

const attributes = (parts: readonly Part[], where: string): Readonly<Record<string, Json>> =>
  parts.length === 0
    ? NOTHING
    : Object.fromEntries(parts.map(part => [part[3]!, parseJson(part[5] ?? 'null', `${where}, attribute ${part[3]}`)]))

/** Trials from their parts. */
export function trialsFrom(rows: readonly Row[], read: ReadDistribution): FrozenTrial[] {
  const trials: FrozenTrial[] = []
  for (const [id, group] of grouped(rows)) {
    const head = group[PART.trial]![0]
    if (head === undefined) continue // its row was not among those chosen
    const [, , number, state, , start, complete] = head
    const where = `trial ${number}`
    if (state === null || !STATES.has(state)) throw bad(where, 'a state', state)
    const params: Record<string, ParamValue> = {}
    const internalParams: Record<string, number> = {}
    const distributions: Record<string, Distribution> = {}
    for (const [, , , name, internal, text] of group[PART.param]!) {
      const distribution = read(text!)
      define(internalParams, name!, internal!)
      define(distributions, name!, distribution)
      define(params, name!, toExternal(distribution, internal!))
    }
    const values = group[PART.value]!
    const steps = group[PART.intermediate]!
    trials.push({
      id,
      number,
      state: state as TrialState, // among STATES
      values: values.length === 0 ? null : values.map(part => fromStored(part[4], part[3], where)),
      params,
      internalParams,
      distributions,
      intermediateValues:
        steps.length === 0 ? NO_STEPS : new Map(steps.map(part => [part[2], fromStored(part[4], part[3], where)])),
      userAttrs: attributes(group[PART.userAttr]!, where),
      systemAttrs: attributes(group[PART.systemAttr]!, where),
      start: fromStamp(start, where),
      complete: fromStamp(complete, where),
    })
  }
  return trials
}

/** As an own property, whatever the name. */
const define = <T>(record: Record<string, T>, name: string, value: T): void => {
  if (name === '__proto__')
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
  else record[name] = value
}

/** NOT_SET is of times when a study had to say nothing, and meant minimize. */
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  MINIMIZE: 'minimize',
  MAXIMIZE: 'maximize',
  NOT_SET: 'minimize',
}

/** Studies from their parts, by id. */
export function studiesFrom(rows: readonly Row[]): StudyRecord[] {
  const studies: StudyRecord[] = []
  for (const [id, group] of grouped(rows)) {
    const name = group[PART.study]![0]?.[3]
    if (name === undefined || name === null) continue
    const where = `study ${name}`
    const directions = group[PART.direction]!.map(part => {
      const direction = DIRECTIONS[part[3] ?? '']
      if (direction === undefined) throw bad(where, 'MINIMIZE or MAXIMIZE', part[3])
      return direction
    })
    studies.push({
      id,
      name,
      directions,
      userAttrs: attributes(group[PART.userAttr]!, where),
      systemAttrs: attributes(group[PART.systemAttr]!, where),
    })
  }
  return studies.sort((a, b) => a.id - b.id)
}
