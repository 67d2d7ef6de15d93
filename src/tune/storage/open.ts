import { memoryStorage } from './memory.js'
import type { Storage } from './storage.js'
import { type Location, parseStorageUrl, withoutPassword } from './url.js'

/**
 * A storage from its URL (see `parseStorageUrl`); a storage stays what it is. Files and tables are made where they are
 * missing. Drivers are loaded when they are needed.
 * @throws ConfigError for a URL of another kind or a file that cannot be opened; FormatError `schema-version` for a database
 * of a version that is not known; RuntimeError where a database cannot be reached
 */
export async function openStorage(storage: string | Storage): Promise<Storage> {
  if (typeof storage !== 'string') return storage
  const location = parseStorageUrl(storage)
  const opened = await openLocation(location, withoutPassword(storage))
  // What lives in memory nobody else can open, nor look at.
  if (location.kind === 'memory' || (location.kind === 'sqlite' && location.path === ':memory:')) return opened
  const { withBeats } = await import('./beats.js')
  return withBeats(opened, storage)
}

async function openLocation(location: Location, url: string): Promise<Storage> {
  switch (location.kind) {
    case 'memory':
      return memoryStorage()
    case 'sqlite':
      return (await import('./sql/open.js')).openSqlite(location.path, url)
    case 'postgresql':
      return (await import('./sql/open.js')).openPostgres(location.connection, url)
    case 'journal':
      return (await import('./journal/open.js')).openJournal(location.path, url)
  }
}
