import { distributionToJson } from '../../distribution.js'
import { stringifyJson } from '../../json.js'
import type { TrialTemplate, TrialWrite } from '../storage.js'
import type { Statement } from './database.js'
import { type End, gatheredWrites } from './gathered.js'
import { stored, toStamp } from './parts.js'
import { type Statements, statementsFor } from './statements.js'

/** What is written to trials, as statements. */
export interface Writers {
  /**
   * Writes to a trial that is open, and its end where there is one. The first statement has a row where it is; where it is
   * not, none of them does anything.
   */
  toTrial(trialId: number, writes: readonly TrialWrite[], end: End | null): readonly Statement[]
  /** A trial as a template says, in a study whose lock is held. The first statement has its id and number. */
  fromTemplate(studyId: number, template: TrialTemplate): readonly Statement[]
}

export function writersFor(kind: 'sqlite' | 'postgresql'): Writers {
  const statements = statementsFor(kind)
  const { lockOpen, setState, insertTrial, toOpen, toNewest } = statements
  const gathered = gatheredWrites()
  return {
    toTrial: (trial, writes, end) =>
      kind === 'postgresql'
        ? [gathered(trial, writes, end)]
        : [
            lockOpen({ trial }),
            ...writes.map(write => writeStatement(toOpen, { trial }, write)),
            ...valueStatements(toOpen, { trial }, end?.values ?? null),
            ...(end === null ? [] : [setState({ trial, state: end.state, date: end.date })]),
          ],
    fromTemplate: (study, template) => [
      insertTrial({
        study,
        state: template.state,
        start: stampOf(template.start),
        complete: stampOf(template.complete),
      }),
      ...valueStatements(toNewest, { study }, template.values),
      ...writesOf(template).map(write => writeStatement(toNewest, { study }, write)),
    ],
  }
}

const stampOf = (date: Date | null): string | null => (date === null ? null : toStamp(date))

/** Statements that write to a trial, and which one it is. */
type To = Statements['toOpen']
type Of = { readonly trial: number } | { readonly study: number }

function writeStatement(to: To, of: Of, write: TrialWrite): Statement {
  switch (write.kind) {
    case 'param':
      return to.param({
        ...of,
        name: write.name,
        number: write.internal,
        text: distributionToJson(write.distribution),
      })
    case 'intermediate':
      return to.intermediate({ ...of, place: write.step, ...stored(write.value) })
    default:
      return to[write.kind]({ ...of, name: write.key, text: stringifyJson(write.value) })
  }
}

const valueStatements = (to: To, of: Of, values: readonly number[] | null): readonly Statement[] =>
  (values ?? []).map((value, place) => to.value({ ...of, place, ...stored(value) }))

/** What a template holds, as writes. */
export const writesOf = (template: TrialTemplate): readonly TrialWrite[] => [
  ...Object.entries(template.internalParams).map(([name, internal]) => ({
    kind: 'param' as const,
    name,
    internal,
    distribution: template.distributions[name]!,
  })),
  ...Object.entries(template.userAttrs).map(([key, value]) => ({ kind: 'userAttr' as const, key, value })),
  ...Object.entries(template.systemAttrs).map(([key, value]) => ({ kind: 'systemAttr' as const, key, value })),
  ...[...template.intermediateValues].map(([step, value]) => ({ kind: 'intermediate' as const, step, value })),
]
