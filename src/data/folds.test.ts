import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readFigures } from '../testing/figures.js'
import { type Fold, kFold, stratifiedKFold } from './folds.js'

const figures = readFigures<
  readonly {
    labels: readonly number[]
    folds: number
    plain: readonly (readonly number[])[]
    stratified: readonly (readonly number[])[]
  }[]
>(new URL('./figures/folds.json', import.meta.url))
const held = (folds: readonly Fold[]) => folds.map(({ validation }) => [...validation])

test('without mixing, folds are those of scikit-learn', () => {
  for (const { labels, folds, plain, stratified } of figures) {
    expect(held(kFold(labels.length, { folds, shuffle: false }))).toEqual(plain)
    expect(held(stratifiedKFold(labels, { folds, shuffle: false }))).toEqual(stratified)
  }
})

describe.each(['kFold', 'stratifiedKFold'] as const)('%s', kind => {
  const make = (labels: readonly number[], folds: number, seed: number) =>
    kind === 'kFold' ? kFold(labels.length, { folds, seed }) : stratifiedKFold(labels, { folds, seed })
  const labels = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 30, maxLength: 60 })

  test('validates each example once, and trains on all others', () => {
    fc.assert(
      fc.property(labels, fc.integer({ min: 2, max: 7 }), fc.nat(), (list, folds, seed) => {
        const parts = make(list, folds, seed)
        expect(
          held(parts)
            .flat()
            .sort((a, b) => a - b),
        ).toEqual(list.map((_, i) => i))
        for (const { train, validation } of parts)
          expect([...train, ...validation].sort((a, b) => a - b)).toEqual(list.map((_, i) => i))
        const sizes = parts.map(({ validation }) => validation.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('mixes by its seed alone', () => {
    const list = Array.from({ length: 40 }, (_, i) => i % 3)
    expect(make(list, 4, 1)).toEqual(make(list, 4, 1))
    expect(make(list, 4, 1)).not.toEqual(make(list, 4, 2))
  })
})

test('stratified folds have of each class its share, to one example', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 24, maxLength: 60 }),
      fc.nat(),
      (labels, seed) => {
        const counts = stratifiedKFold(labels, { folds: 4, seed }).map(({ validation }) =>
          ['a', 'b', 'c'].map(label => [...validation].filter(row => labels[row] === label).length),
        )
        for (const k of [0, 1, 2]) {
          const of = counts.map(count => count[k]!)
          expect(Math.max(...of) - Math.min(...of)).toBeLessThanOrEqual(1)
        }
      },
    ),
  )
})

test('refuses folds that cannot be', () => {
  expect(() => kFold(10, { folds: 1 })).toThrow(expect.objectContaining({ code: 'bad-option' }))
  expect(() => kFold(3, { folds: 4 })).toThrow(expect.objectContaining({ code: 'few-examples' }))
  expect(() => stratifiedKFold([0, 1, 2, 3], { folds: 2 })).toThrow(expect.objectContaining({ code: 'few-of-class' }))
})
