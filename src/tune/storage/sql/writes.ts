import { distributionToJson } from '../../distribution.js'
import { stringifyJson } from '../../json.js'
import type { TrialTemplate, TrialWrite } from '../storage.js'
import type { Statement } from './database.js'
import { stored } from './parts.js'
import type { Statements } from './statements.js'

/** The trial written to: one that is open, by its id; or the newest of a study. */
export type Target =
  | { readonly to: Statements['toOpen']; readonly of: { readonly trial: number } }
  | { readonly to: Statements['toNewest']; readonly of: { readonly study: number } }

export function writeStatement({ to, of }: Target, write: TrialWrite): Statement {
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

export const valueStatements = ({ to, of }: Target, values: readonly number[] | null): readonly Statement[] =>
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
