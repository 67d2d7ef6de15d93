import { ConfigError, counterRandom, DataError } from '../ir/index.js'

export interface FoldOptions {
  /** How many parts; default 5. Each is for validation once, the others for training. */
  folds?: number
  /** Mixes the examples first; default true. Without, parts are runs of the data as it lies (scikit-learn's default). */
  shuffle?: boolean
  /** Default 0. */
  seed?: number
}

/** Rows to train on and rows to validate on, in rising order. */
export interface Fold {
  readonly train: Uint32Array
  readonly validation: Uint32Array
}

/**
 * K-fold cross-validation of `examples` examples: parts whose sizes differ by at most one.
 * @throws ConfigError for fewer than 2 folds; DataError for more folds than examples
 */
export function kFold(examples: number, options: FoldOptions = {}): Fold[] {
  const { folds, shuffle, seed } = checked(options, 'kFold', examples)
  const order = shuffle ? counterRandom(seed, 'folds').permutation(examples) : Uint32Array.from(range(examples))
  const parts = new Uint32Array(examples)
  let at = 0
  for (const fold of range(folds)) {
    const size = Math.floor(examples / folds) + (fold < examples % folds ? 1 : 0)
    for (const row of order.subarray(at, at + size)) parts[row] = fold
    at += size
  }
  return fromParts(parts, folds)
}

/**
 * K-fold cross-validation in which each part has of each class its share, to one example. Without `shuffle` the same
 * parts as scikit-learn's StratifiedKFold.
 * @param labels the class of each example: any numbers or strings
 * @throws as kFold; DataError where no class has an example for each fold
 */
export function stratifiedKFold(labels: ArrayLike<number | bigint | string>, options: FoldOptions = {}): Fold[] {
  const { folds, shuffle, seed } = checked(options, 'stratifiedKFold', labels.length)
  const classes = new Map<number | bigint | string, number[]>()
  for (const row of range(labels.length)) {
    const rows = classes.get(labels[row]!) ?? []
    classes.set(labels[row]!, rows)
    rows.push(row)
  }
  const largest = Math.max(...[...classes.values()].map(rows => rows.length))
  if (largest < folds)
    throw new DataError({
      code: 'few-of-class',
      where: 'stratifiedKFold',
      expected: `${folds} examples of a class, one for each fold`,
      received: `${largest} of the largest`,
      hint: 'use fewer folds, or kFold',
    })
  const parts = new Uint32Array(labels.length)
  // Dealing out the examples sorted by class, one to each fold in turn, says how many of a class a fold has.
  let dealt = 0
  for (const [k, rows] of [...classes.values()].entries()) {
    const counts = new Array<number>(folds).fill(0)
    for (const i of range(rows.length)) counts[(dealt + i) % folds]!++
    dealt += rows.length
    const order = shuffle ? counterRandom(seed, 'folds', k).permutation(rows.length) : range(rows.length)
    const owners = counts.flatMap((count, fold) => new Array<number>(count).fill(fold))
    for (const [i, at] of [...order].entries()) parts[rows[at]!] = owners[i]!
  }
  return fromParts(parts, folds)
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

function fromParts(parts: Uint32Array, folds: number): Fold[] {
  const rows = range(parts.length)
  return range(folds).map(fold => ({
    train: Uint32Array.from(rows.filter(row => parts[row] !== fold)),
    validation: Uint32Array.from(rows.filter(row => parts[row] === fold)),
  }))
}

function checked(options: FoldOptions, where: string, examples: number): Required<FoldOptions> {
  const { folds = 5, shuffle = true, seed = 0 } = options
  if (!Number.isInteger(folds) || folds < 2)
    throw new ConfigError({
      code: 'bad-option',
      where: `${where}.folds`,
      expected: 'a whole number ≥ 2',
      received: folds,
    })
  if (!(examples >= folds))
    throw new DataError({
      code: 'few-examples',
      where,
      expected: `${folds} examples or more, one for each fold`,
      received: examples,
    })
  return { folds, shuffle, seed }
}
