import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  cardinality,
  categoricalDistribution,
  checkCompatible,
  contains,
  type Distribution,
  distributionFromJson,
  distributionToJson,
  floatDistribution,
  intDistribution,
  isSingle,
  snap,
  toExternal,
  toInternal,
} from './distribution.js'

const bounds = fc
  .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: -1e6, max: 1e6, noNaN: true }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
const floats = fc.oneof(
  bounds.map(([low, high]) => floatDistribution(low, high)),
  bounds.map(([low, high]) =>
    floatDistribution(Math.abs(low) + 1e-9, Math.abs(low) + Math.abs(high) + 1e-9, { log: true }),
  ),
  fc
    .tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 50 }))
    .map(([low, width, step]) => floatDistribution(low / 10, (low + width) / 10, { step: step / 10 })),
)
const ints = fc
  .tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(1000), fc.integer({ min: 1, max: 20 }))
  .map(([low, width, step]) => intDistribution(low, low + width, { step }))
const choices = fc
  .uniqueArray(fc.oneof(fc.constantFrom(null, true, false, Number.NaN, 'a', 1, 2.5), fc.string(), fc.double()), {
    minLength: 1,
    maxLength: 8,
    comparator: (a, b) => Object.is(a, b) || a === b,
  })
  .map(list => categoricalDistribution(list))
const distributions: fc.Arbitrary<Distribution> = fc.oneof(floats, ints, choices)

describe('a distribution', () => {
  test('goes into Optuna’s JSON and back', () => {
    fc.assert(
      fc.property(distributions, d => {
        expect(distributionFromJson(distributionToJson(d))).toEqual(d)
      }),
    )
  })

  test('gives back every value it is given, through the number that storages keep', () => {
    fc.assert(
      fc.property(floats, fc.double({ min: 0, max: 1, noNaN: true }), (d, u) => {
        const x = snap(d, d.low + u * (d.high - d.low))
        expect(contains(d, toInternal(d, x))).toBe(true)
        expect(toExternal(d, toInternal(d, x))).toBe(x)
        expect(snap(d, x)).toBe(x)
      }),
    )
    fc.assert(
      fc.property(ints, d => {
        for (let x = d.low; x <= d.high; x += d.step) {
          expect(contains(d, toInternal(d, x))).toBe(true)
          expect(toExternal(d, toInternal(d, x))).toBe(x)
        }
        expect(cardinality(d)).toBe((d.high - d.low) / d.step + 1)
      }),
    )
    fc.assert(
      fc.property(choices, d => {
        for (const [i, choice] of d.choices.entries()) {
          expect(toInternal(d, choice)).toBe(i)
          expect(toExternal(d, i)).toBe(choice)
        }
        expect(isSingle(d)).toBe(d.choices.length === 1)
      }),
    )
  })

  // Optuna's figures.
  test.each([
    [0, 7, 3, 6],
    [0, 1, 0.1, 1],
    [0.1, 0.95, 0.2, 0.9],
    [-1, 1, 0.3, 0.8],
    [0, 0.001, 0.0003, 0.0009],
    [1, 1, 0.5, 1],
    [0, 0.3, 0.1, 0.3],
    [1e-9, 1e-8, 1e-9, 1e-8],
  ])('from %d to %d in steps of %d ends at %d', (low, high, step, last) => {
    expect(floatDistribution(low, high, { step }).high).toBe(last)
  })

  test('of old Optuna is read as what it became', () => {
    const read = (name: string, attributes: object) => distributionFromJson(JSON.stringify({ name, attributes }))
    expect(read('UniformDistribution', { low: 0, high: 1 })).toEqual(floatDistribution(0, 1))
    expect(read('LogUniformDistribution', { low: 1, high: 2 })).toEqual(floatDistribution(1, 2, { log: true }))
    expect(read('DiscreteUniformDistribution', { low: 0, high: 1, q: 0.25 })).toEqual(
      floatDistribution(0, 1, { step: 0.25 }),
    )
    expect(read('IntUniformDistribution', { low: 0, high: 9, step: 3 })).toEqual(intDistribution(0, 9, { step: 3 }))
    expect(read('IntLogUniformDistribution', { low: 1, high: 9, step: 1 })).toEqual(
      intDistribution(1, 9, { log: true }),
    )
    for (const text of [
      '{}',
      '[]',
      '{"name": "Beta", "attributes": {}}',
      '{"name": "FloatDistribution", "attributes": {"low": "a"}}',
      'x',
    ])
      expect(() => distributionFromJson(text)).toThrow(expect.objectContaining({ name: 'FormatError' }))
  })

  test('that makes no sense is refused', () => {
    const refused = (make: () => unknown) =>
      expect(make).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'bad-range' }))
    refused(() => floatDistribution(1, 0))
    refused(() => floatDistribution(Number.NaN, 1))
    refused(() => floatDistribution(0, Infinity))
    refused(() => floatDistribution(0, 1, { log: true }))
    refused(() => floatDistribution(-1, 1, { log: true }))
    refused(() => floatDistribution(1, 2, { log: true, step: 0.1 }))
    refused(() => floatDistribution(1, 2, { step: 0 }))
    refused(() => floatDistribution(1, 2, { step: -1 }))
    refused(() => intDistribution(2, 1))
    refused(() => intDistribution(0.5, 1))
    refused(() => intDistribution(0, 9, { step: 0 }))
    refused(() => intDistribution(0, 9, { log: true }))
    refused(() => intDistribution(1, 9, { log: true, step: 2 }))
    refused(() => categoricalDistribution([]))
    refused(() => categoricalDistribution([[] as unknown as string]))
  })

  test('may change its range under a name, and nothing else', () => {
    const refused = (a: Distribution, b: Distribution) =>
      expect(() => checkCompatible(a, b, 'x')).toThrow(
        expect.objectContaining({ name: 'ConfigError', code: 'incompatible-distribution' }),
      )
    checkCompatible(floatDistribution(0, 1), floatDistribution(-5, 9, { step: 0.5 }), 'x')
    checkCompatible(intDistribution(0, 1), intDistribution(3, 9, { step: 2 }), 'x')
    checkCompatible(categoricalDistribution(['a', Number.NaN]), categoricalDistribution(['a', Number.NaN]), 'x')
    refused(floatDistribution(1, 2), floatDistribution(1, 2, { log: true }))
    refused(floatDistribution(1, 2), intDistribution(1, 2))
    refused(categoricalDistribution(['a', 'b']), categoricalDistribution(['b', 'a']))
    refused(categoricalDistribution(['a']), categoricalDistribution(['a', 'b']))
  })
})
