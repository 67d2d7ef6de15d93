import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { type GraphInit, model, node, port } from '../../test/onnx-model.js'
import { bytesOf, decodeOnnx, type ExternalFiles, FormatError, folderFiles, memoryFiles, tensor } from './index.js'

const folder = mkdtempSync(join(tmpdir(), 'anneal-'))
const inside = join(folder, 'model')
const outside = join(folder, 'outside')
const values = tensor([
  [1, 2],
  [3, 4],
])
mkdirSync(join(inside, 'weights'), { recursive: true })
mkdirSync(outside)
const file = Uint8Array.from([9, 9, 9, 9, ...bytesOf(values)])
writeFileSync(join(inside, 'weights', 'w.bin'), file)
writeFileSync(join(outside, 'secret.bin'), file)
writeFileSync(join(folder, 'model-twin.bin'), file)
symlinkSync(join(outside, 'secret.bin'), join(inside, 'link.bin'))
symlinkSync(outside, join(inside, 'door'))
symlinkSync(join(inside, 'weights', 'w.bin'), join(inside, 'near.bin'))
symlinkSync(join(inside, 'loop.bin'), join(inside, 'loop.bin'))
afterAll(() => rmSync(folder, { recursive: true }))

const external = (
  location: string | undefined,
  more: Record<string, string> = { offset: '4', length: '16' },
): Uint8Array =>
  model({
    input: [port('x', [2])],
    output: [port('y', [2])],
    node: [node('Identity', ['x'], ['y'])],
    initializer: [
      {
        name: 'w',
        dataType: 1,
        dims: [2n, 2n],
        dataLocation: 1,
        externalData: Object.entries({ ...(location === undefined ? {} : { location }), ...more }).map(
          ([key, value]) => ({ key, value }),
        ),
      },
    ],
  } as GraphInit)
const read = (bytes: Uint8Array, files: ExternalFiles | undefined = folderFiles(inside)) =>
  decodeOnnx(bytes, { files }).graph.initializers.get('w')
const refused = (bytes: Uint8Array, files?: ExternalFiles): FormatError => {
  try {
    read(bytes, files)
  } catch (error) {
    if (error instanceof FormatError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('external data', () => {
  it.each([
    ['a file in a folder below', 'weights/w.bin'],
    ['a path with a dot', './weights/./w.bin'],
    ["a path with Windows' slashes", 'weights\\w.bin'],
    ['a link that stays inside', 'near.bin'],
  ])('is read from %s', (_, location) => {
    expect(read(external(location))).toEqual(values)
  })

  test('is read from memory', () => {
    expect(read(external('weights/w.bin'), memoryFiles({ 'weights/w.bin': file }))).toEqual(values)
    expect(refused(external('other.bin'), memoryFiles({ 'weights/w.bin': file })).code).toBe('external-missing')
    expect(refused(external('__proto__'), memoryFiles({})).code).toBe('external-missing')
  })

  test('may leave offset and length out', () => {
    expect(read(external('a'), memoryFiles({ a: file }))).toEqual(values)
    expect(read(external('a', {}), memoryFiles({ a: bytesOf(values) }))).toEqual(values)
  })

  it.each([
    ['the folder above', '../outside/secret.bin'],
    ['a way down and up again', 'weights/../../outside/secret.bin'],
    ["a way up with Windows' slashes", '..\\outside\\secret.bin'],
    ['an absolute path', join(outside, 'secret.bin')],
    ['an absolute path into the folder itself', join(inside, 'weights', 'w.bin')],
    ["Windows' drives", 'C:\\w.bin'],
    ['a network path', '\\\\host\\w.bin'],
    ['nothing', ''],
    ['a name with a zero byte', 'weights/w.bin\0'],
    ['a link that leads out', 'link.bin'],
    ['a folder that is a link that leads out', 'door/secret.bin'],
  ])('is not read from %s', (_, location) => {
    const error = refused(external(location))
    expect(error.code).toBe('external-path')
    expect(error.where).toBe('w')
  })

  it.each([
    ['a file that is not there', 'nowhere.bin'],
    ['a folder', 'weights'],
    ['a link to itself', 'loop.bin'],
  ])('is not read from %s', (_, location) => {
    expect(refused(external(location)).code).toBe('external-missing')
  })

  it.each<[string, Record<string, string>, string]>([
    ['an offset beyond the end', { offset: '20', length: '16' }, 'external-range'],
    ['an offset that overflows', { offset: '9007199254740991', length: '16' }, 'external-range'],
    ['a length that does not fit the shape', { offset: '0', length: '20' }, 'tensor-data'],
    ['a negative offset', { offset: '-4', length: '16' }, 'tensor-data'],
    ['an offset that is no number', { offset: '4e0', length: '16' }, 'tensor-data'],
    ['a length beyond all numbers', { offset: '0', length: '99999999999999999999' }, 'tensor-data'],
  ])('is refused for %s', (_, entries, code) => {
    expect(refused(external('weights/w.bin', entries)).code).toBe(code)
  })

  test('is refused without a location, and without a folder to look in', () => {
    expect(refused(external(undefined)).code).toBe('tensor-data')
    const error = (() => {
      try {
        return decodeOnnx(external('w.bin'))
      } catch (cause) {
        return cause
      }
    })()
    expect(error).toMatchObject({ name: 'FormatError', code: 'external-data', where: 'w' })
    expect((error as FormatError).hint).toContain('folderFiles')
  })
})
