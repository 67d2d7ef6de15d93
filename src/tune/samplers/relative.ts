import { toInternal } from '../distribution.js'
import type { FrozenTrial } from '../frozen-trial.js'
import { parseJson, stringifyJson } from '../json.js'
import type { SamplerContext, SearchSpace } from './sampler.js'

/** Optuna's keys, of its two samplers that do this. */
const KEYS = { tpe: 'tpe:relative_params', gp: 'gp:relative_params' } as const
/** What Optuna's storages take in one attribute. */
const CHUNK = 2045

/** Writes down what a trial is about to try, before it asks, for the samplers of other workers; Optuna's form. */
export async function shareRelative(
  context: SamplerContext,
  sampler: keyof typeof KEYS,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (Object.keys(values).length === 0) return
  const text = stringifyJson(values)
  for (let i = 0; i * CHUNK < text.length; i++)
    await context.setTrialSystemAttr(`${KEYS[sampler]}:${i}`, text.slice(i * CHUNK, (i + 1) * CHUNK))
}

/** A trial's internal values, for a running one with those it is about to try. */
export function internalParams(trial: FrozenTrial, space: SearchSpace): Readonly<Record<string, number>> {
  if (trial.state !== 'RUNNING') return trial.internalParams
  let text = ''
  for (const key of Object.values(KEYS))
    for (let i = 0; text === '' || i > 0; i++) {
      const part = trial.systemAttrs[`${key}:${i}`]
      if (typeof part !== 'string') break
      text += part
    }
  if (text === '') return trial.internalParams
  try {
    const about = parseJson(text)
    if (typeof about !== 'object' || about === null || Array.isArray(about)) return trial.internalParams
    const given = Object.entries(about).flatMap(([name, value]) => {
      const d = space[name]
      const internal = d === undefined ? Number.NaN : toInternal(d, value as number)
      return Number.isNaN(internal) ? [] : [[name, internal] as const]
    })
    return { ...Object.fromEntries(given), ...trial.internalParams }
  } catch {
    // Another worker is writing it just now.
    return trial.internalParams
  }
}
