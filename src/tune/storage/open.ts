import { ConfigError } from '../../ir/index.js'
import { memoryStorage } from './memory.js'
import type { Storage } from './storage.js'

/** A storage from its URL; a storage stays what it is. @throws ConfigError for a URL of another kind */
export async function openStorage(storage: string | Storage): Promise<Storage> {
  if (typeof storage !== 'string') return storage
  if (storage === 'memory') return memoryStorage()
  throw new ConfigError({
    code: 'storage-url',
    where: 'storage',
    expected: 'memory, sqlite:///file.db, postgresql://user@host/database or journal:///file.log',
    received: storage.replace(/:[^:@/]+@/, ':***@'),
  })
}
