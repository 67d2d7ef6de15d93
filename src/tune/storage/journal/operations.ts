import { FormatError } from '../../../ir/index.js'
import {
  type Distribution,
  distributionFromJson,
  distributionToJson,
  type ParamValue,
  toExternal,
} from '../../distribution.js'
import type { Direction, FrozenTrial, TrialState } from '../../frozen-trial.js'
import type { Json } from '../../json.js'
import type { TrialTemplate, TrialWrite } from '../storage.js'

/** One line of the journal. */
export type Operation = { readonly op_code: number; readonly [key: string]: Json }

export const OP = {
  createStudy: 0,
  deleteStudy: 1,
  studyUserAttr: 2,
  studySystemAttr: 3,
  createTrial: 4,
  param: 5,
  state: 6,
  intermediate: 7,
  userAttr: 8,
  systemAttr: 9,
} as const

/** Optuna's numbers of states and directions. */
export const STATES: readonly TrialState[] = ['RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING']
export const DIRECTIONS: readonly Direction[] = ['minimize', 'minimize', 'maximize']
export const directionCode = (direction: Direction): number => DIRECTIONS.lastIndexOf(direction)

type Attrs = Readonly<Record<string, Json>>
export const isRecord = (x: Json | undefined): x is Attrs => typeof x === 'object' && x !== null && !Array.isArray(x)

/** Dates with microseconds and their zone; those of before Optuna 5 have none and are local. */
export const toIso = (date: Date): string => date.toISOString().replace('Z', '000+00:00')

/** Reads what a line should hold. @throws FormatError `bad-journal` */
export const field = {
  bad: (op: Operation, key: string, expected: string): never => {
    throw new FormatError({
      code: 'bad-journal',
      where: `operation ${op.op_code}, ${key}`,
      expected,
      received: op[key] === undefined ? 'nothing' : op[key],
    })
  },
  number(op: Operation, key: string): number {
    const x = op[key]
    return typeof x === 'number' ? x : this.bad(op, key, 'a number')
  },
  text(op: Operation, key: string): string {
    const x = op[key]
    return typeof x === 'string' ? x : this.bad(op, key, 'a text')
  },
  record(op: Operation, key: string): Attrs {
    const x = op[key]
    return x === undefined || x === null ? {} : isRecord(x) ? x : this.bad(op, key, 'a record')
  },
  numbers(op: Operation, key: string): readonly number[] | null {
    const x = op[key]
    if (x === undefined || x === null) return null
    return Array.isArray(x) && x.every(v => typeof v === 'number') ? x : this.bad(op, key, 'numbers')
  },
  date(op: Operation, key: string): Date | null {
    const x = op[key]
    if (x === undefined || x === null) return null
    const date = new Date(typeof x === 'string' ? x.replace(/(\.\d{3})\d+/, '$1') : Number.NaN)
    return Number.isNaN(date.getTime()) ? this.bad(op, key, 'a date') : date
  },
  state(op: Operation, key: string): TrialState {
    return STATES[this.number(op, key)] ?? this.bad(op, key, 'a state from 0 to 4')
  },
}

/** A new trial as a line. */
export const createOperation = (studyId: number, template: TrialTemplate): Operation => {
  const bare = { op_code: OP.createTrial, study_id: studyId, datetime_start: dateOrNull(template.start) }
  const { values, internalParams, distributions } = template
  return {
    ...bare,
    state: STATES.indexOf(template.state),
    value: values?.length === 1 ? values[0]! : null,
    values: values !== null && values.length !== 1 ? values : null,
    ...(template.complete === null ? {} : { datetime_complete: toIso(template.complete) }),
    distributions: mapped(distributions, distributionToJson),
    params: { ...internalParams },
    user_attrs: template.userAttrs,
    system_attrs: template.systemAttrs,
    intermediate_values: Object.fromEntries(template.intermediateValues),
  }
}
const dateOrNull = (date: Date | null): string | null => (date === null ? null : toIso(date))

/** A trial from the line that made it. */
export function createdTrial(op: Operation, id: number, number: number): FrozenTrial {
  const distributions: Record<string, Distribution> = mapped(field.record(op, 'distributions'), text =>
    typeof text === 'string' ? distributionFromJson(text) : field.bad(op, 'distributions', 'texts'),
  )
  const internalParams = mapped(field.record(op, 'params'), (value, name) =>
    typeof value === 'number' && Object.hasOwn(distributions, name) ? value : field.bad(op, 'params', 'numbers'),
  )
  const single = op.value === undefined || op.value === null ? null : [field.number(op, 'value')]
  const steps = Object.entries(field.record(op, 'intermediate_values'))
  return {
    id,
    number,
    state: op.state === undefined ? 'RUNNING' : field.state(op, 'state'),
    values: field.numbers(op, 'values') ?? single,
    params: mapped(internalParams, (internal, name): ParamValue => toExternal(distributions[name]!, internal)),
    internalParams,
    distributions,
    intermediateValues: new Map(steps.map(([step, value]) => [Number(step), Number(value)])),
    userAttrs: field.record(op, 'user_attrs'),
    systemAttrs: field.record(op, 'system_attrs'),
    start: field.date(op, 'datetime_start'),
    complete: field.date(op, 'datetime_complete'),
  }
}

export const stateOperation = (trialId: number, state: TrialState, values: readonly number[] | null): Operation => ({
  op_code: OP.state,
  trial_id: trialId,
  state: STATES.indexOf(state),
  values,
  ...(state === 'RUNNING' ? { datetime_start: toIso(new Date()) } : {}),
  ...(state === 'RUNNING' || state === 'WAITING' ? {} : { datetime_complete: toIso(new Date()) }),
})

/** Something written to a trial, as a line. */
export function writeOperation(trialId: number, write: TrialWrite): Operation {
  const trial = { trial_id: trialId }
  switch (write.kind) {
    case 'param':
      return {
        op_code: OP.param,
        ...trial,
        param_name: write.name,
        param_value_internal: write.internal,
        distribution: distributionToJson(write.distribution),
      }
    case 'intermediate':
      return { op_code: OP.intermediate, ...trial, step: write.step, intermediate_value: write.value }
    case 'userAttr':
      return { op_code: OP.userAttr, ...trial, user_attr: { [write.key]: write.value } }
    case 'systemAttr':
      return { op_code: OP.systemAttr, ...trial, system_attr: { [write.key]: write.value } }
  }
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, f: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value, key)]))
