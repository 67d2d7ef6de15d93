import type { Storage } from '../storage.js'
import type { Database, Patience } from './database.js'
import { postgresDatabase } from './postgres.js'
import { prepareSchema } from './schema.js'
import { sqliteDatabase } from './sqlite.js'
import { sqlStorage } from './storage.js'

export const openSqlite = async (path: string, url: string): Promise<Storage> => ready(await sqliteDatabase(path, url))

/** @param patience how often a lost connection is tried again, about half a minute by default */
export const openPostgres = async (connection: string, url: string, patience?: Patience): Promise<Storage> =>
  ready(await postgresDatabase(connection, url, patience))

async function ready(database: Database): Promise<Storage> {
  try {
    await prepareSchema(database)
    return sqlStorage(database)
  } catch (error) {
    await database.close()
    throw error
  }
}
