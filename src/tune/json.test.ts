import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, parseJson, stringifyJson } from './json.js'

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    0,
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    5e-324,
    1e21,
    1e-7,
    1.7976931348623157e308,
  ),
  fc.constantFrom(2 ** 53, 45177782419013208, -1e20),
  // Integers beyond that come back as what they are.
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
  fc.bigInt({ min: -(2n ** 200n), max: -(2n ** 53n) }),
)
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', '"\\', '\u2028\0\x7f', '__proto__'),
)
const json = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')),
  ),
})).value
/** Records alike whatever their prototype. */
const plain = (value: Json): Json =>
  Array.isArray(value)
    ? value.map(plain)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
      : value

describe('JSON as Python has it', () => {
  test('comes back as it was written, whatever it is', () => {
    fc.assert(
      fc.property(json, value => {
        expect(parseJson(stringifyJson(value))).toEqual(plain(value))
      }),
      { numRuns: 500 },
    )
  })

  // What Python's json.dumps writes.
  test.each<[string, Json]>([
    ['[NaN, Infinity, -Infinity]', [Number.NaN, Infinity, -Infinity]],
    ['1152921504606846976', 1152921504606846976n],
    ['-9007199254740993', -9007199254740993n],
    ['9007199254740991', 2 ** 53 - 1],
    ['[1e+22, 1e-07, -0.0, 0.30000000000000004]', [1e22, 1e-7, -0, 0.1 + 0.2]],
    ['"\\u00fc \\ud83c\\udf89 \\u0000"', 'ü 🎉 \0'],
    ['"\\ud800"', '\ud800'],
    [' [ 1 , { "a" : null } ] ', [1, { a: null }]],
    ['{"a": 1, "a": 2, "b": NaN}', { a: 2, b: Number.NaN }],
    ['[1e5, 1E2]', [100000, 100]],
    ['["ends in a backslash\\\\", NaN]', ['ends in a backslash\\', Number.NaN]],
  ])('%s is read', (written, value) => {
    expect(parseJson(written)).toEqual(value)
  })

  // What Python's json.loads refuses.
  test.each([
    '[1,]',
    '{"a":1,}',
    '[01]',
    '-NaN',
    '+1',
    '.5',
    '5.',
    '"a\nb"',
    'nul',
    '"\\u00"',
    '[1] 2',
    '{1:2}',
    "'a'",
    '',
    'Infinity1',
    '[NaN',
    '{"a" NaN}',
    '"NaN',
    `${'['.repeat(600)}NaN${']'.repeat(600)}`,
  ])('%j is refused', written => {
    expect(() => parseJson(written)).toThrow(expect.objectContaining({ name: 'FormatError', code: 'bad-json' }))
  })

  test('what is wrong is said where it is', () => {
    expect(() => parseJson('[NaN, x]', 'attribute k')).toThrow(
      expect.objectContaining({ where: 'attribute k, character 6' }),
    )
  })

  test('what JSON cannot hold is refused, not turned into something else', () => {
    const circle: unknown[] = []
    circle.push(circle)
    for (const value of [() => 1, Symbol('a'), new Date(), new Map(), new (class A {})(), circle, { a: [new Set()] }])
      expect(() => stringifyJson(value)).toThrow(expect.objectContaining({ name: 'FormatError', code: 'not-json' }))
    expect(stringifyJson({ a: undefined, b: [undefined], c: Float32Array.of(1, 0.5) })).toBe(
      '{"b": [null], "c": [1, 0.5]}',
    )
  })

  test('long texts are no trouble', () => {
    const long = 'ä"\\'.repeat(300_000)
    expect(parseJson(stringifyJson([long, Number.NaN]))).toEqual([long, Number.NaN])
  })
})
