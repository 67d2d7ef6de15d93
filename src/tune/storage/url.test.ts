import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStorage } from './index.js'
import { parseStorageUrl, withoutPassword } from './url.js'

test('URLs are read in Optuna’s forms', () => {
  const sqlite = (path: string) => ({ kind: 'sqlite', path })
  expect(parseStorageUrl('memory')).toEqual({ kind: 'memory' })
  expect(parseStorageUrl('sqlite:///study.db')).toEqual(sqlite('study.db'))
  expect(parseStorageUrl('sqlite:///a/b c.db')).toEqual(sqlite('a/b c.db'))
  expect(parseStorageUrl('sqlite:////tmp/study.db')).toEqual(sqlite('/tmp/study.db'))
  expect(parseStorageUrl('sqlite+pysqlite:///study.db?timeout=10')).toEqual(sqlite('study.db'))
  expect(parseStorageUrl('sqlite:///:memory:')).toEqual(sqlite(':memory:'))
  expect(parseStorageUrl('sqlite://')).toEqual(sqlite(':memory:'))
  expect(parseStorageUrl('sqlite:///study-{SCHEMA_VERSION}-{{x}}.db')).toEqual(sqlite('study-12-{x}.db'))
  expect(parseStorageUrl('journal:////tmp/study.log')).toEqual({ kind: 'journal', path: '/tmp/study.log' })
  for (const driver of ['', '+psycopg2', '+psycopg', '+pg8000', '+asyncpg'])
    expect(parseStorageUrl(`postgresql${driver}://u:p@host:5432/db?sslmode=require`)).toEqual({
      kind: 'postgresql',
      connection: 'postgresql://u:p@host:5432/db?sslmode=require',
    })
})

test('others are refused, with what to do and without a password', async () => {
  for (const [url, hint] of [
    ['mysql+pymysql://u:s3cr3t@host/db', 'PostgreSQL'],
    ['redis://:s3cr3t@host', 'Redis'],
    ['study.db', undefined],
    ['http://u:s3cr3t@host/', undefined],
    ['sqlite:study.db', undefined],
    ['sqlite://study.db', undefined],
    ['journal://', undefined],
    ['', undefined],
  ] as const) {
    const error = await openStorage(url).catch((e: unknown) => e)
    expect(error, url).toMatchObject({ name: 'ConfigError', code: 'storage-url' })
    expect(String(error)).not.toContain('s3cr3t')
    if (hint !== undefined) expect(error).toMatchObject({ hint: expect.stringContaining(hint) })
  }
})

test('no password is ever shown', () => {
  const password = fc.string({ minLength: 6, unit: fc.constantFrom(...'abcXYZ019@:/?#%&=+ ') }).map(p => `QQ${p}QQ`)
  fc.assert(
    fc.property(password, secret => {
      for (const url of [
        `postgresql://me:${secret}@host:5432/db`,
        `postgresql+pg8000://me:${secret}@h/db?sslmode=no`,
      ]) {
        const shown = withoutPassword(url)
        expect(shown).not.toContain(secret)
        expect(shown).toMatch(/:\*\*\*@h/)
      }
    }),
  )
  expect(withoutPassword('postgresql://h/db?user=me&password=abc&x=1')).toBe(
    'postgresql://h/db?user=me&password=***&x=1',
  )
  expect(withoutPassword('postgresql://me@host/db')).toBe('postgresql://me@host/db')
  expect(withoutPassword('sqlite:////tmp/a:b.db')).toBe('sqlite:////tmp/a:b.db')
})
