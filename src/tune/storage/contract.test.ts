import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { testStorage } from '../../testing/storage.js'
import { memoryStorage, openStorage } from './index.js'

const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'anneal-storage-'))
  return { path, close: () => rmSync(path, { recursive: true, force: true }) }
}

describe('memory', () =>
  testStorage(() => {
    const storage = memoryStorage()
    return { open: () => storage }
  }))

describe('SQLite', () =>
  testStorage(() => {
    const { path, close } = folder()
    return { open: () => openStorage(`sqlite:///${join(path, 'study.db')}`), close }
  }))

describe('SQLite in memory', () =>
  testStorage(async () => {
    const storage = await openStorage('sqlite:///:memory:')
    return { open: () => storage }
  }))

describe('a journal', () =>
  testStorage(() => {
    const { path, close } = folder()
    return { open: () => openStorage(`journal:///${join(path, 'study.log')}`), close }
  }))
