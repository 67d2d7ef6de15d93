import type { Digits } from './digits.js'
import { loadDigits } from './digits.js'
import { alongPaths, aroundEnd } from './landscape.js'
import { optimizerRecipes } from './optimizers.js'
import { type CompareOptions, resolveSettings, type Settings } from './options.js'
import { build, type Recipe } from './recipe.js'
import type { Comparison, ComparisonKind, Landscape } from './record.js'
import { regularizerRecipes } from './regularizers.js'
import { chosenRecipes, frame, type Trail, trainAll } from './run.js'
import { scheduleRecipes } from './schedules.js'
import { walkSurfaces } from './surfaces.js'

/** The variants of each kind; the first is the baseline. */
export const recipesOf: Readonly<Record<ComparisonKind, readonly Recipe[]>> = {
  regularizers: regularizerRecipes,
  optimizers: optimizerRecipes,
  schedules: scheduleRecipes,
}

/**
 * Trains the same network on few digits with one regularizer after another, over several seeds, and measures what each
 * does to the gap between training and validation and to the accuracy on test digits.
 * @throws ConfigError for options out of range and for names of no variant (the error lists those there are)
 */
export const compareRegularizers = (options: CompareOptions = {}): Promise<Comparison> =>
  compare('regularizers', options)

/**
 * Trains the same network with one optimizer after another, each at a learning rate that suits it, and walks them over
 * surfaces of two variables and over the loss of the network itself.
 * @throws ConfigError for options out of range and for names of no variant (the error lists those there are)
 */
export const compareOptimizers = (options: CompareOptions = {}): Promise<Comparison> => compare('optimizers', options)

/**
 * Trains the same network with one learning-rate schedule after another, all with the same highest rate.
 * @throws ConfigError for options out of range and for names of no variant (the error lists those there are)
 */
export const compareSchedules = (options: CompareOptions = {}): Promise<Comparison> => compare('schedules', options)

async function compare(kind: ComparisonKind, options: CompareOptions): Promise<Comparison> {
  const began = performance.now()
  const recipes = recipesOf[kind]
  const settings = resolveSettings(
    kind,
    options,
    recipes.map(({ name }) => name),
  )
  const baseline = recipes[0]!.name
  const chosen = chosenRecipes(recipes, baseline, settings.only)
  const digits = await loadDigits(settings)
  settings.onProgress(digits.about.description)
  const followed = kind === 'optimizers' ? followedOf(chosen, settings) : []
  const { variants, trails } = await trainAll(kind, chosen, digits, settings, followed)
  const result = { ...frame(kind, baseline, digits, settings), variants }
  if (kind !== 'optimizers') return { ...result, seconds: seconds(began) }
  settings.onProgress('Walking on surfaces of two variables')
  const descents = await walkSurfaces(chosen, settings.quick ? 100 : 400)
  settings.onProgress('Surveying the loss of the network')
  const landscapes = await survey(chosen, trails, digits, settings)
  return { ...result, descents, landscapes, seconds: seconds(began) }
}

const seconds = (since: number): number => (performance.now() - since) / 1000

/** Optimizers whose way is drawn on the loss of the network: more than six would not be told apart. */
function followedOf(chosen: readonly Recipe[], { only }: Settings): readonly string[] {
  const wanted = ['sgd', 'momentum', 'adam', 'adagrad', 'lion', 'muon', 'rmsprop', 'adamw']
  const names = chosen.map(({ name }) => name)
  return (only === null ? wanted.filter(name => names.includes(name)) : names).slice(0, 6)
}

/** The loss over the plane of all ways, and around the end of each. On some of the digits: thousands of points are many. */
async function survey(
  chosen: readonly Recipe[],
  trails: ReadonlyMap<string, Trail>,
  digits: Digits,
  { hidden, seed, quick }: Settings,
): Promise<Landscape[]> {
  const net = build(chosen[0]!, hidden, seed).network
  const examples = digits.training(seed)
  const landscapes = [await alongPaths(net, trails, examples, quick ? 15 : 41)]
  for (const [name, trail] of trails) landscapes.push(await aroundEnd(net, name, trail, examples, quick ? 11 : 25))
  return landscapes
}
