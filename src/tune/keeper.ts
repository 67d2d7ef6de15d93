import type { Model } from '../train/index.js'
import { writeFileAtomic } from '../train/write.js'
import { isFeasible } from './constraints.js'
import type { FrozenTrial } from './frozen-trial.js'
import { stringifyJson } from './json.js'
import { dominates, losses } from './pareto.js'
import type { Study } from './study.js'

/** Keeps the models of the best trials of this process, and lets the others go. */
export interface Keeper {
  /** Hands over the model of a trial that is about to end. */
  offer(trial: number, model: Model): void
  /** A trial has ended: its model is kept where no other is better. */
  settle(trial: FrozenTrial): Promise<void>
  modelOf(trial: number): Model | undefined
  /** Writes a model and what it is, where there is a folder. */
  save(trial: FrozenTrial, model: Model): Promise<void>
}

/** @param out folder for `model.onnx` and `best.json`; with several objectives `model-7.onnx` and `best-7.json` for trial 7 */
export function keeper(study: Study, out: string | undefined): Keeper {
  const offered = new Map<number, Model>()
  const kept = new Map<number, { readonly model: Model; readonly loss: readonly number[] }>()
  let saved: number | null = null
  const suffix = (trial: FrozenTrial) => (study.directions.length === 1 ? '' : `-${trial.number}`)
  const save = async (trial: FrozenTrial, model: Model) => {
    if (out === undefined || (study.directions.length === 1 && saved === trial.number)) return
    saved = trial.number
    await model.save(`${out}/model${suffix(trial)}.onnx`)
    const { number, params, values, userAttrs } = trial
    const names = (await study.systemAttrs())['study:metric_names'] ?? null
    const best = { study: study.name, number, params, values, names, userAttrs }
    await writeFileAtomic(`${out}/best${suffix(trial)}.json`, `${stringifyJson(best)}\n`)
  }
  return {
    offer: (trial, model) => void offered.set(trial, model),
    settle: async trial => {
      const model = offered.get(trial.number)
      if (model === undefined) return
      offered.delete(trial.number)
      const loss = trial.values === null ? null : losses(trial.values, study.directions)
      const beaten = [...kept.values()].some(other => loss !== null && dominates(other.loss, loss))
      // With one objective the first of equals is the best trial, as the study says.
      const late = loss !== null && loss.length === 1 && [...kept.values()].some(other => other.loss[0] === loss[0])
      if (loss === null || trial.state !== 'COMPLETE' || !isFeasible(trial) || beaten || late) return model.release()
      for (const [number, other] of kept)
        if (dominates(loss, other.loss)) {
          kept.delete(number)
          await other.model.release()
        }
      kept.set(trial.number, { model, loss })
      if (study.directions.length === 1) await save(trial, model)
    },
    modelOf: trial => kept.get(trial)?.model,
    save,
  }
}
