import { ConfigError, type Tensor } from '../../ir/index.js'
import { rateAt } from '../../optim/schedules/schedule.js'
import type { Digits } from './digits.js'
import type { Settings } from './options.js'
import { planOf, type Recipe } from './recipe.js'
import type { Comparison, ComparisonKind, Run, Variant } from './record.js'
import { trainOnce } from './train.js'
import { judge } from './verdict.js'
import { reachOf, weightHistogram } from './weights.js'

/** Factors on a variant's own rate that `tune` tries. */
const TRIED = [0.1, 0.3, 1, 3, 10]
/** Points kept of a learning-rate curve. */
const RATE_POINTS = 160

/** Weights of a training with the first seed, from its beginning to its end. */
export type Trail = readonly Readonly<Record<string, Tensor>>[]

export interface Trained {
  readonly variants: readonly Variant[]
  readonly trails: ReadonlyMap<string, Trail>
}

/** The chosen recipes, the baseline first. */
export function chosenRecipes(
  recipes: readonly Recipe[],
  baseline: string,
  only: readonly string[] | null,
): readonly Recipe[] {
  const chosen = recipes.filter(({ name }) => only === null || only.includes(name) || name === baseline)
  return [...chosen.filter(r => r.name === baseline), ...chosen.filter(r => r.name !== baseline)]
}

/** Trains every recipe with every seed, one after another, and judges each against the baseline. */
export async function trainAll(
  kind: ComparisonKind,
  recipes: readonly Recipe[],
  digits: Digits,
  settings: Settings,
  trailsOf: readonly string[] = [],
): Promise<Trained> {
  const { seeds, onProgress, signal } = settings
  const variants: Variant[] = []
  const trails = new Map<string, Trail>()
  let reach = 0
  let baseline: { name: string; runs: readonly Run[] } | null = null
  for (const [i, recipe] of recipes.entries()) {
    const place = `${String(i + 1).padStart(String(recipes.length).length)}/${recipes.length} ${recipe.name}`
    const tuned = settings.tune ? await tune(recipe, digits, settings) : undefined
    const learningRate = tuned?.best ?? recipe.learningRate
    const runs: Run[] = []
    let weights: Readonly<Record<string, Tensor>> | undefined
    for (const seed of seeds) {
      stopIfAsked(signal)
      const trail: Readonly<Record<string, Tensor>>[] = []
      const followed = seed === seeds[0] && trailsOf.includes(recipe.name)
      const { run, model } = await trainOnce(recipe, learningRate, digits, seed, {
        ...settings,
        onWeights: followed ? snapshot => trail.push(snapshot) : undefined,
      })
      stopIfAsked(signal)
      runs.push(run)
      weights ??= await model.weights()
      if (followed) trails.set(recipe.name, trail)
    }
    if (reach === 0) reach = reachOf(weights!)
    const verdict = judge(kind, recipe.name, runs, baseline)
    baseline ??= { name: recipe.name, runs }
    variants.push({
      name: recipe.name,
      family: recipe.family,
      what: recipe.what,
      learningRate,
      ...(tuned === undefined ? {} : { tuned: tuned.tried }),
      runs,
      weights: weightHistogram(weights!, reach),
      rates: ratesOf(recipe, learningRate, digits, settings),
      verdict,
    })
    onProgress(`${place}: ${verdict.text}`)
  }
  return { variants, trails }
}

/** The rate with the lowest validation loss, with the first seed alone. */
async function tune(recipe: Recipe, digits: Digits, settings: Settings) {
  const tried: { learningRate: number; validationLoss: number }[] = []
  for (const factor of TRIED) {
    stopIfAsked(settings.signal)
    const learningRate = Number((recipe.learningRate * factor).toPrecision(3))
    const { run } = await trainOnce(recipe, learningRate, digits, settings.seed, { ...settings, onWeights: undefined })
    const loss = run.reason === 'diverged' ? Number.POSITIVE_INFINITY : Math.min(...run.curves.validationLoss.slice(1))
    tried.push({ learningRate, validationLoss: loss })
  }
  const best = tried.reduce((a, b) => (b.validationLoss < a.validationLoss ? b : a))
  return { tried, best: best.learningRate }
}

function ratesOf(recipe: Recipe, learningRate: number, digits: Digits, settings: Settings): Variant['rates'] {
  const plan = planOf(recipe, digits.training(settings.seed), settings, settings.seed)
  const schedule = recipe.schedule?.(learningRate, plan) ?? learningRate
  const count = Math.min(plan.updates, RATE_POINTS)
  return Array.from({ length: count }, (_, i) => {
    const update = count === 1 ? 0 : Math.round((i * (plan.updates - 1)) / (count - 1))
    return [update, rateAt(schedule, update)] as const
  })
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new ConfigError({
      code: 'aborted',
      where: 'compare',
      expected: 'to run to its end',
      received: 'an abort signal',
    })
}

export const frame = (
  kind: ComparisonKind,
  baseline: string,
  digits: Digits,
  { hidden, epochs, batchSize, seeds }: Settings,
): Omit<Comparison, 'variants' | 'seconds'> => ({
  kind,
  baseline,
  data: digits.about,
  network: [784, ...hidden, 10].join('-'),
  epochs,
  batchSize,
  seeds,
})
