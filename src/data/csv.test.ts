import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbersOf } from '../ir/index.js'
import { testDataset } from '../testing/dataset.js'
import { csvRows, parseCsv, readCsv } from './index.js'

const people = `name,age,height,member,city
"Ada, Countess",36,1.65,true,London
"Alan ""T""",41,1.79,false,London
Grace,85,,yes,New York
"Two
lines",7,1.2e0,no,New York
`
const summary = async (text: string, options = {}) =>
  Object.fromEntries((await parseCsv(text, options)).columns.map(c => [c.name, c.type]))

describe('readCsv', () => {
  test('gives typed columns, quotes and line breaks understood', async () => {
    const table = await parseCsv(people)
    expect(table.rows).toBe(4)
    expect(table.column('name')).toEqual({
      name: 'name',
      type: 'text',
      values: ['Ada, Countess', 'Alan "T"', 'Grace', 'Two\nlines'],
      missing: 0,
    })
    expect(table.column('age')).toEqual({
      name: 'age',
      type: 'integer',
      values: Float64Array.of(36, 41, 85, 7),
      missing: 0,
    })
    expect(table.column('height')).toEqual({
      name: 'height',
      type: 'number',
      values: Float64Array.of(1.65, 1.79, Number.NaN, 1.2),
      missing: 1,
    })
    expect(table.column('member').values).toEqual(Float64Array.of(1, 0, 1, 0))
    expect(table.column('city')).toEqual({
      name: 'city',
      type: 'category',
      values: Float64Array.of(0, 0, 1, 1),
      categories: ['London', 'New York'],
      missing: 0,
    })
  })

  test.each([
    ['whole numbers', '1,-2,+3,0', 'integer'],
    ['decimals', '1,.5,2.,1e-3', 'number'],
    ['numbers and holes', '1,NA,,3', 'integer'],
    ['only holes', ',NA,?,nan', 'number'],
    ['codes with a leading zero', '01234,00501,01234,99999', 'category'],
    ['numbers too large to be exact', '9007199254740993,1,2,3', 'number'],
    ['hexadecimal', '0x10,0x11,0x10,0x12', 'category'],
    ['truths', 'TRUE,False,yes,no', 'boolean'],
    ['zeros and ones', '0,1,1,0', 'integer'],
    ['few words', 'a,b,a,b', 'category'],
    ['words that do not repeat', 'a,b,c,d', 'text'],
    ['infinity', 'Infinity,1,2,1', 'category'],
  ])('%s are recognised', async (_, values, type) => {
    expect(
      await summary(
        `v,w\n${values
          .split(',')
          .map(v => `${v},0`)
          .join('\n')}`,
      ),
    ).toEqual({ v: type, w: 'integer' })
  })

  test('whole numbers that turn out to be decimal become numbers; words do not', async () => {
    expect(await summary('v\n1\n2\n3.5', { inferRows: 2 })).toEqual({ v: 'number' })
    await expect(parseCsv('v\n1\n2\nx', { inferRows: 2 })).rejects.toMatchObject({
      name: 'DataError',
      code: 'bad-value',
      where: 'CSV, line 4, column v',
      expected: 'a whole number up to 2^53',
      received: 'x',
    })
  })

  test('given types rule', async () => {
    expect(await summary('a,b,c\n1,0,x\n2,1,y', { types: { a: 'category', b: 'boolean', c: 'text' } })).toEqual({
      a: 'category',
      b: 'boolean',
      c: 'text',
    })
    await expect(parseCsv('a\n1.5', { types: { a: 'integer' } })).rejects.toMatchObject({
      code: 'bad-value',
      where: 'CSV, line 2, column a',
    })
    await expect(parseCsv('a\nmaybe', { types: { a: 'boolean' } })).rejects.toMatchObject({ expected: 'true or false' })
  })

  test('given categories keep their order and refuse others', async () => {
    const options = { categories: { size: ['S', 'M', 'L'] } }
    expect((await parseCsv('size\nL\nS', options)).column('size').values).toEqual(Float64Array.of(2, 0))
    await expect(parseCsv('size\nL\nXL', options)).rejects.toMatchObject({
      code: 'bad-value',
      expected: 'one of S, M, L',
      received: 'XL',
    })
  })

  test('missing values are kept, dropped or refused', async () => {
    const text = 'a,b,c,d\n1,x,true,p q\n,?,NA,\n3,x,no,r'
    const kept = await parseCsv(text, { types: { d: 'text' } })
    expect(kept.columns.map(c => [c.values[1], c.missing])).toEqual([
      [Number.NaN, 1],
      [-1, 1],
      [Number.NaN, 1],
      ['', 1],
    ])
    expect((await parseCsv(text, { onMissing: 'drop' })).rows).toBe(2)
    await expect(parseCsv(text, { onMissing: 'error' })).rejects.toMatchObject({
      name: 'DataError',
      code: 'missing-value',
      where: 'CSV, line 3, column a',
    })
    expect((await parseCsv('a\n-\n2', { missing: ['-'] })).column('a').values).toEqual(Float64Array.of(Number.NaN, 2))
  })

  test('headers may be absent, given, or partly empty', async () => {
    expect(await summary('1,a\n2,a', { header: false })).toEqual({ column1: 'integer', column2: 'category' })
    expect(await summary('1,a\n2,a', { header: ['n', 'l'] })).toEqual({ n: 'integer', l: 'category' })
    expect(await summary(',x\n1,2')).toEqual({ column1: 'integer', x: 'integer' })
  })

  test('other delimiters, line ends, a byte order mark, empty lines, other encodings', async () => {
    expect(await summary('a\tb\r\n1\t"2\t3"\r\n\r\n', { delimiter: '\t' })).toEqual({ a: 'integer', b: 'text' })
    const marked = new Blob([Uint8Array.of(0xef, 0xbb, 0xbf), 'a\n1'])
    expect((await readCsv(marked)).columns[0]!.name).toBe('a')
    expect((await readCsv(Uint8Array.of(0x61, 10, 0xe9), { encoding: 'latin1' })).column('a').values).toEqual(['é'])
  })

  test('any table of texts comes back as it was written', async () => {
    const cell = fc
      .string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '😀', '7'), maxLength: 6 })
      .map(s => `x${s}`)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 }), async rows => {
        const quoted = (s: string) => `"${s.replaceAll('"', '""')}"`
        const text = ['p,q', ...rows.map(row => row.map(quoted).join(','))].join('\n')
        const table = await readCsv(new Blob([text]), { types: { p: 'text', q: 'text' } })
        expect(table.columns.map(c => c.values)).toEqual([rows.map(row => row[0]), rows.map(row => row[1])])
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['nothing', '', { name: 'DataError', code: 'empty-dataset', where: 'f.csv' }],
    ['nothing but line ends', '\n\r\n', { name: 'DataError', code: 'empty-dataset' }],
    ['a header alone', 'a,b\n', { name: 'DataError', code: 'empty-dataset' }],
    [
      'a short row',
      'a,b\n1,2\n\n3\n',
      { name: 'FormatError', code: 'csv-row-length', where: 'f.csv, line 4', expected: '2 fields', received: 1 },
    ],
    [
      'a long row',
      'a,b\n1,2,3\n',
      { name: 'FormatError', code: 'csv-row-length', where: 'f.csv, line 2', received: 3 },
    ],
    ['a quote that stays open', 'a,b\n1,"2\n3,4\n', { name: 'FormatError', code: 'csv-syntax' }],
    ['a quote inside a field', 'a,b\n1,2"3\n', { name: 'FormatError', code: 'csv-syntax', where: 'f.csv, line 2' }],
    ['text after a quote', 'a,b\n1,"2"3\n', { name: 'FormatError', code: 'csv-syntax', where: 'f.csv, line 2' }],
    [
      'a column name twice',
      'a,a\n1,2',
      { name: 'FormatError', code: 'csv-duplicate-column', where: 'f.csv, line 1', received: 'a' },
    ],
  ])('%s is refused, with the line', async (_, text, fields) => {
    await expect(readCsv({ text, name: 'f.csv' })).rejects.toMatchObject(fields)
  })

  test('bytes that are no text, unknown encodings, columns and files are refused', async () => {
    await expect(readCsv(Uint8Array.of(0x61, 10, 0xff, 0xfe))).rejects.toMatchObject({
      name: 'FormatError',
      code: 'csv-encoding',
    })
    await expect(readCsv(Uint8Array.of(0x61), { encoding: 'klingon' })).rejects.toMatchObject({
      name: 'DataError',
      code: 'csv-encoding',
    })
    await expect(parseCsv('age\n1', { types: { agee: 'text' } })).rejects.toMatchObject({
      code: 'unknown-column',
      hint: 'did you mean age?',
    })
    await expect(readCsv('/nowhere/f.csv')).rejects.toMatchObject({ name: 'DataError', code: 'file-not-found' })
    expect(() => csvRows('f.csv', { inferRows: 0 })).toThrow(expect.objectContaining({ code: 'bad-option' }))
  })
})

describe('examples from a table', () => {
  test('numbers, booleans and categories become features, a category label class numbers', async () => {
    const table = await parseCsv('size,weight,new,fruit\nS,1.5,true,pear\nL,2,false,apple\nS,3,true,apple')
    const { data, features, classes } = table.examples({ label: 'fruit' })
    expect(features).toEqual(['size=L', 'size=S', 'weight', 'new'])
    expect(classes).toEqual(['apple', 'pear'])
    const [all] = await data.batch(3).toArray()
    expect(all!.x).toEqual({
      dtype: 'float32',
      shape: [3, 4],
      data: Float32Array.of(0, 1, 1.5, 1, 1, 0, 2, 0, 0, 1, 3, 1),
    })
    expect(all!.y).toEqual({ dtype: 'int32', shape: [3], data: Int32Array.of(1, 0, 0) })
    expect(table.examples({ label: 'fruit', features: ['size'], categories: 'place' }).features).toEqual(['size'])
  })

  test('a label of numbers is a quantity, of small whole numbers a class, unless told', async () => {
    const table = await parseCsv('x,price,kind\n1,10.5,0\n2,20,1\n3,7,2')
    const price = table.examples({ label: 'price' })
    expect(price.classes).toBeUndefined()
    expect((await price.data.batch(3).toArray())[0]!.y).toEqual({
      dtype: 'float32',
      shape: [3, 1],
      data: Float32Array.of(10.5, 20, 7),
    })
    expect(table.examples({ label: 'kind' }).classes).toEqual(['0', '1', '2'])
    expect(table.examples({ label: 'kind', task: 'regression' }).classes).toBeUndefined()
    expect(() => table.examples({ label: 'price', task: 'classification' })).toThrow(
      expect.objectContaining({ code: 'label-not-a-class', received: 10.5 }),
    )
  })

  test('missing values are an error that names the line, or leave the row out', async () => {
    const table = await parseCsv('x,y,z\n1,2,a\n,3,a\n4,5,')
    expect(() => table.examples({ label: 'y' })).toThrow(
      expect.objectContaining({ code: 'missing-value', where: 'CSV, line 3, column x' }),
    )
    expect(table.examples({ label: 'y', onMissing: 'drop', features: ['x'] }).data.length).toBe(2)
    expect(table.examples({ label: 'y', features: ['z'], onMissing: 'drop' }).data.length).toBe(2)
  })

  test('text and unknown columns, and no columns at all, are refused', async () => {
    const table = await parseCsv('t,n\nfoo,1\nbar,2')
    expect(() => table.examples({ label: 't' })).toThrow(expect.objectContaining({ code: 'text-column' }))
    expect(() => table.examples({ label: 'n', features: ['t'] })).toThrow(
      expect.objectContaining({ code: 'text-column' }),
    )
    expect(() => table.examples({ label: 'n' })).toThrow(expect.objectContaining({ code: 'no-features' }))
    expect(() => table.examples({ label: 'nn' })).toThrow(
      expect.objectContaining({ code: 'unknown-column', hint: 'did you mean n?' }),
    )
  })
})

describe('csvRows', () => {
  testDataset(() => csvRows({ text: people }))

  test('gives values by the types of their columns', async () => {
    expect((await csvRows({ text: people }).toArray())[2]).toEqual({
      name: 'Grace',
      age: 85,
      height: null,
      member: true,
      city: 'New York',
    })
  })

  test('reads no further than asked, and lets go of the file', async () => {
    let pulled = 0
    let closed = false
    const endless = new Blob(['a,b\n'])
    endless.stream = () =>
      new ReadableStream({
        pull: controller => {
          controller.enqueue(new TextEncoder().encode(pulled++ === 0 ? 'a,b\n' : '1,2\n'.repeat(1000)))
        },
        cancel: () => {
          closed = true
        },
      })
    expect(await csvRows(endless, { inferRows: 10 }).take(5).toArray()).toHaveLength(5)
    expect(pulled).toBeLessThan(5)
    expect(closed).toBe(true)
  })

  test('errors carry the line, also far into the file', async () => {
    const text = `a,b\n${'1,2\n'.repeat(5000)}1,x\n`
    await expect(csvRows({ text }).toArray()).rejects.toMatchObject({
      code: 'bad-value',
      where: 'CSV, line 5002, column b',
    })
  })
})

const tabular = new URL('../../../shared/data/tabular/', import.meta.url)
const missing = existsSync(tabular) ? '' : ' (skipped: no real tables beside the checkout)'
describe.skipIf(missing !== '')(`real tables${missing}`, () => {
  test.each([
    ['titanic.csv', 891, { age: 177, deck: 688, embarked: 2 }],
    ['penguins.csv', 344, { sex: 11, bill_length_mm: 2 }],
    ['diamonds.csv', 53940, { price: 0 }],
    ['mpg.csv', 398, { horsepower: 6 }],
    ['digits.csv', 1797, {}],
  ])('%s has its rows and its holes', async (file, rows, holes) => {
    const table = await readCsv(new URL(file, tabular))
    expect(table.rows).toBe(rows)
    for (const [name, count] of Object.entries(holes)) expect(table.column(name).missing).toBe(count)
  })

  test('their columns get sensible types', async () => {
    const types = async (file: string) =>
      Object.fromEntries((await readCsv(new URL(file, tabular))).columns.map(c => [c.name, c.type]))
    expect(await types('titanic.csv')).toMatchObject({
      survived: 'integer',
      sex: 'category',
      age: 'number',
      fare: 'number',
      deck: 'category',
      adult_male: 'boolean',
      alive: 'boolean',
    })
    expect(await types('mpg.csv')).toMatchObject({ horsepower: 'number', origin: 'category', name: 'text' })
    expect(await types('diamonds.csv')).toMatchObject({ carat: 'number', cut: 'category', price: 'integer' })
  })

  test('become examples', async () => {
    const wine = (await readCsv(new URL('wine.csv', tabular))).examples({ label: 'target' })
    expect([wine.data.length, wine.features.length, wine.classes]).toEqual([178, 13, ['class_0', 'class_1', 'class_2']])
    const diamonds = (await readCsv(new URL('diamonds.csv', tabular))).examples({ label: 'price' })
    const [first] = await diamonds.data.take(1).toArray()
    expect(diamonds.classes).toBeUndefined()
    expect(numbersOf(first!.y as never)).toEqual([326])
  })
})

test('a file on disk is read from its path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'anneal-csv-'))
  try {
    await writeFile(join(folder, 'p.csv'), people)
    expect((await readCsv(join(folder, 'p.csv'))).rows).toBe(4)
    await writeFile(join(folder, 'q.csv'), 'a\n1\nx')
    await expect(readCsv(join(folder, 'q.csv'), { types: { a: 'number' } })).rejects.toMatchObject({
      where: `${join(folder, 'q.csv')}, line 3, column a`,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
