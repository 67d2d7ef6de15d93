import { ConfigError, DataError, nearest, type Tensor } from '../ir/index.js'
import type { Column } from './columns.js'
import type { Dataset } from './dataset.js'
import type { Example } from './example.js'
import { fromTensors } from './tensors.js'

export interface ExampleOptions {
  /** The column to predict. */
  label: string
  /** Columns to predict from. Default: all others that are not text. */
  features?: readonly string[]
  /** A category as one number per text, 1 for its own and 0 for the others, or as its place. Default 'oneHot'. */
  categories?: 'oneHot' | 'place'
  /** Whether the label is a class or a quantity. Default: a class for categories, booleans, and integers 0 … k−1 with
   * k at most 20; else a quantity. */
  task?: 'classification' | 'regression'
  /** Rows with missing values in the columns used: an error, or left out. Default 'error'. */
  onMissing?: 'error' | 'drop'
}

export interface TableExamples {
  /** x: float32 [features]; y: int32 class number, or float32 [1]. Not scaled. */
  readonly data: Dataset<Example>
  /** What each number of x is: `age`, or `sex=female`. */
  readonly features: readonly string[]
  /** What each class number stands for; undefined for a quantity. */
  readonly classes: readonly string[] | undefined
}

/** Typed columns of one length. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: number
  /** @throws DataError when there is none of that name. */
  column(name: string): Column
  /** Examples to train on. */
  examples(options: ExampleOptions): TableExamples
}

/** @param lines where each row lies in its file. */
export function table(columns: readonly Column[], where: string, lines: readonly number[]): Table {
  const column = (name: string): Column => {
    const names = columns.map(c => c.name)
    return (
      columns.find(c => c.name === name) ??
      raise(
        new DataError({
          code: 'unknown-column',
          where,
          expected: names.join(', '),
          received: name,
          hint: `did you mean ${nearest(name, names, 1)[0]}?`,
        }),
      )
    )
  }
  return {
    columns,
    rows: lines.length,
    column,
    examples: options => {
      const label = column(options.label)
      const features = options.features?.map(column) ?? columns.filter(c => c !== label && c.type !== 'text')
      for (const c of [label, ...features]) if (c.type === 'text') throw textColumn(where, c, c === label)
      if (features.length === 0 || features.includes(label))
        throw new ConfigError({
          code: 'no-features',
          where: 'examples.features',
          expected: `columns other than ${label.name}`,
          received: features.map(c => c.name),
        })
      const kept = wholeRows([label, ...features], where, lines, options.onMissing ?? 'error')
      const parts = features.flatMap(c => partsOf(c, options.categories ?? 'oneHot'))
      const x = new Float32Array(kept.length * parts.length)
      for (const [i, row] of kept.entries())
        for (const [j, part] of parts.entries()) x[i * parts.length + j] = part.at(row)
      const classes = classesOf(label, kept, where, options.task)
      return {
        data: fromTensors<Example>({
          x: { dtype: 'float32', shape: [kept.length, parts.length], data: x },
          y: targets(label, kept, classes),
        }),
        features: parts.map(part => part.name),
        classes,
      }
    },
  }
}

const raise = (error: Error): never => {
  throw error
}

/** All columns but text hold numbers. */
const numbers = (c: Column): Float64Array => c.values as Float64Array

const textColumn = (where: string, c: Column, isLabel: boolean) =>
  new DataError({
    code: 'text-column',
    where: `${where}, column ${c.name}`,
    expected: isLabel ? 'a label of numbers, categories or booleans' : 'numbers, categories or booleans',
    received: 'text',
    hint: isLabel ? `read it with types: { ${c.name}: 'category' }` : 'leave it out of features, or tokenize it',
  })

function wholeRows(
  columns: readonly Column[],
  where: string,
  lines: readonly number[],
  onMissing: 'error' | 'drop',
): number[] {
  const kept: number[] = []
  for (const [row, line] of lines.entries()) {
    const hole = columns.find(c => Number.isNaN(numbers(c)[row]) || (c.type === 'category' && numbers(c)[row]! < 0))
    if (hole === undefined) kept.push(row)
    else if (onMissing === 'error')
      throw new DataError({
        code: 'missing-value',
        where: `${where}, line ${line}, column ${hole.name}`,
        expected: 'a value',
        received: `a missing value, the first of ${hole.missing}`,
        hint: "onMissing: 'drop' leaves such rows out; or choose other features",
      })
  }
  if (kept.length === 0)
    throw new DataError({
      code: 'empty-dataset',
      where,
      expected: 'at least one row without missing values',
      received: 'none',
    })
  return kept
}

interface Part {
  readonly name: string
  at(row: number): number
}

function partsOf(c: Column, how: 'oneHot' | 'place'): Part[] {
  const values = numbers(c)
  if (c.categories === undefined || how === 'place') return [{ name: c.name, at: row => values[row]! }]
  return c.categories.map((category, place) => ({
    name: `${c.name}=${category}`,
    at: row => (values[row] === place ? 1 : 0),
  }))
}

function classesOf(
  label: Column,
  kept: readonly number[],
  where: string,
  task: ExampleOptions['task'],
): readonly string[] | undefined {
  if (task === 'regression') return undefined
  if (label.categories !== undefined) return label.categories
  if (label.type === 'boolean') return ['false', 'true']
  const seen = new Set(kept.map(row => numbers(label)[row]!))
  const count = Math.max(...seen) + 1
  const counted = [...seen].every(value => Number.isInteger(value) && value >= 0)
  if (counted && (task === 'classification' || (count <= 20 && seen.size === count && count > 1)))
    return Array.from({ length: count }, (_, i) => String(i))
  if (task === 'classification')
    throw new DataError({
      code: 'label-not-a-class',
      where: `${where}, column ${label.name}`,
      expected: 'whole numbers from 0',
      received: [...seen].find(value => !Number.isInteger(value) || value < 0),
      hint: `read it with types: { ${label.name}: 'category' }`,
    })
  return undefined
}

function targets(label: Column, kept: readonly number[], classes: readonly string[] | undefined): Tensor {
  const values = kept.map(row => numbers(label)[row]!)
  return classes === undefined
    ? { dtype: 'float32', shape: [kept.length, 1], data: Float32Array.from(values) }
    : { dtype: 'int32', shape: [kept.length], data: Int32Array.from(values) }
}
